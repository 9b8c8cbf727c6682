//! `Server` hands every connection over, and stops when it is told to.

use crate::client::{TOO_LONG, connect};
use pool_recipes::net::{Server, Stopper};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

fn bind() -> Server {
    Server::bind("127.0.0.1:0").unwrap()
}

/// A server that serves on a thread of its own.
struct Serving {
    addr: SocketAddr,
    stopper: Stopper,
    /// The peers, as they are handled.
    peers: Receiver<SocketAddr>,
    /// What `serve` returned, and its server.
    returned: Receiver<(io::Result<()>, Server)>,
}

impl Serving {
    fn start(server: Server) -> Self {
        let (addr, stopper) = (server.local_addr(), server.stopper());
        let (peer_sender, peers) = mpsc::channel();
        let (return_sender, returned) = mpsc::channel();
        thread::spawn(move || {
            let result = server.serve(|_stream, peer| peer_sender.send(peer).unwrap());
            // Before the return is told, so that the channel of peers has ended by then.
            drop(peer_sender);
            return_sender.send((result, server)).unwrap();
        });
        Self { addr, stopper, peers, returned }
    }

    /// Connects, waits until the connection is handled, and says which one that was. Now it serves.
    fn meet(&self) -> (TcpStream, SocketAddr) {
        self.meet_at(self.addr)
    }

    fn meet_at(&self, addr: impl ToSocketAddrs) -> (TcpStream, SocketAddr) {
        (connect(addr), self.peers.recv_timeout(TOO_LONG).unwrap())
    }

    /// The server, once `serve` has returned `Ok`.
    fn server(&self) -> Server {
        let (result, server) = self.returned.recv_timeout(TOO_LONG).expect("serve goes on");
        result.unwrap();
        server
    }
}

#[test]
fn each_connection_is_handled_in_turn_with_its_peers_address() {
    let serving = Serving::start(bind());
    for _ in 0..100 {
        let (client, peer) = serving.meet();
        assert_eq!(client.local_addr().unwrap(), peer);
    }
    serving.stopper.stop().unwrap();
    serving.server();
}

#[test]
fn clients_that_came_before_it_served_are_handled_too() {
    let server = bind();
    let clients: Vec<_> = (0..10).map(|_| connect(server.local_addr())).collect();
    let mut peers = Vec::new();
    let stopper = server.stopper();
    let result = server.serve(|_stream, peer| {
        peers.push(peer);
        if peers.len() == clients.len() {
            stopper.stop().unwrap();
        }
    });
    result.unwrap();
    assert_eq!(peers, clients.iter().map(|client| client.local_addr().unwrap()).collect::<Vec<_>>());
}

#[test]
fn stopping_ends_serve_and_frees_the_port() {
    let serving = Serving::start(bind());
    let _connected = serving.meet();
    serving.stopper.stop().unwrap();
    drop(serving.server());
    Server::bind(serving.addr).unwrap();
}

#[test]
fn the_wake_up_is_not_handled() {
    let serving = Serving::start(bind());
    serving.meet();
    serving.stopper.stop().unwrap();
    serving.server();
    assert_eq!(serving.peers.iter().count(), 0);
}

#[test]
fn a_server_on_every_address_can_be_stopped() {
    for (addr, loopback) in [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "::1")] {
        // The second needs a system with IPv6.
        let Ok(server) = Server::bind(addr) else { continue };
        let serving = Serving::start(server);
        serving.meet_at((loopback, serving.addr.port()));
        serving.stopper.stop().unwrap();
        serving.server();
    }
}

#[test]
fn a_server_stopped_before_it_serves_returns_at_once_each_time() {
    let mut server = bind();
    // One stop leaves one wake-up to accept: a later call finds none, and must not wait for one.
    server.stopper().stop().unwrap();
    for _ in 0..3 {
        server = Serving::start(server).server();
    }
}

#[test]
fn stopping_many_times_at_once_is_stopping() {
    let serving = Serving::start(bind());
    serving.meet();
    thread::scope(|scope| {
        for _ in 0..10 {
            let stopper = serving.stopper.clone();
            scope.spawn(move || stopper.stop().unwrap());
        }
    });
    serving.server();
}

#[test]
fn stopping_a_server_that_is_gone_does_not_disturb_who_has_its_port_now() {
    let server = bind();
    let (addr, stopper) = (server.local_addr(), server.stopper());
    drop(server);
    let successor = TcpListener::bind(addr).unwrap();
    successor.set_nonblocking(true).unwrap();
    stopper.stop().unwrap();
    assert_eq!(successor.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_stop_needs_no_room_in_a_full_backlog() {
    let server = bind();
    let addr = server.local_addr();
    // As many as there is room for, on systems that have the next one wait, and not more than any has room for.
    let connect = |_| TcpStream::connect_timeout(&addr, Duration::from_millis(100)).ok();
    let _waiting: Vec<_> = (0..1000).map_while(connect).collect();
    server.stopper().stop().unwrap();
}

#[test]
fn a_stop_that_another_connection_makes_known_is_no_error() {
    for _ in 0..100 {
        let serving = Serving::start(bind());
        thread::scope(|scope| {
            for _ in 0..4 {
                // It may come after the end.
                scope.spawn(|| TcpStream::connect(serving.addr));
            }
            scope.spawn(|| serving.stopper.stop().unwrap());
            drop(serving.server());
        });
    }
}

#[test]
fn a_client_that_comes_after_the_stop_is_not_handled() {
    let server = bind();
    let stopper = server.stopper();
    let _client = connect(server.local_addr());
    let mut late = None;
    let result = server.serve(|_, _| {
        stopper.stop().unwrap();
        assert!(late.replace(connect(server.local_addr())).is_none());
    });
    result.unwrap();
}

#[test]
fn a_handlers_panic_is_the_callers_and_the_server_can_serve_again() {
    let server = bind();
    let stopper = server.stopper();
    let _clients = [connect(server.local_addr()), connect(server.local_addr())];
    let mut handled = 0;
    let first = catch_unwind(AssertUnwindSafe(|| {
        server.serve(|_, _| {
            handled += 1;
            // A server that swallowed the panic would otherwise wait for more clients.
            if handled == 2 {
                stopper.stop().unwrap();
            }
            panic!("handled");
        })
    }));
    assert_eq!(first.unwrap_err().downcast_ref(), Some(&"handled"));
    server.serve(|_, _| stopper.stop().unwrap()).unwrap();
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = bind();
    assert_eq!(Server::bind(server.local_addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
fn a_server_and_its_stoppers_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let server = bind();
    shared(&server);
    shared(&server.stopper());
}
