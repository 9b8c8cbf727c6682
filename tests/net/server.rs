//! `Server` hands every connection over, and stops when it is told to.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use pool_recipes::net::{Server, Stopper};

use crate::client::{TOO_LONG, background, connect};

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

    /// Connects, and waits until the connection is handled: who the client is, and who the server takes it for.
    fn meet(&self, addr: impl ToSocketAddrs) -> (SocketAddr, SocketAddr) {
        let client = connect(addr);
        (client.local_addr().unwrap(), self.peers.recv_timeout(TOO_LONG).unwrap())
    }

    /// The server, once `serve` has returned `Ok`.
    fn server(&self) -> Server {
        let (result, server) = self.returned.recv_timeout(TOO_LONG).expect("serve goes on");
        result.unwrap();
        server
    }
}

#[test]
fn connections_are_handled_in_turn() {
    let serving = Serving::start(bind());
    for _ in 0..100 {
        let (client, peer) = serving.meet(serving.addr);
        assert_eq!(client, peer);
    }
    serving.stopper.stop().unwrap();
    serving.server();
}

#[test]
fn clients_that_came_first_are_handled_too() {
    let server = bind();
    let clients: Vec<_> = (0..10).map(|_| connect(server.local_addr())).collect();
    let serving = Serving::start(server);
    for client in clients {
        assert_eq!(serving.peers.recv_timeout(TOO_LONG).unwrap(), client.local_addr().unwrap());
    }
    serving.stopper.stop().unwrap();
    serving.server();
}

#[test]
fn stopping_ends_serve_and_frees_the_port() {
    let serving = Serving::start(bind());
    let _connected = connect(serving.addr);
    serving.peers.recv_timeout(TOO_LONG).unwrap();
    serving.stopper.stop().unwrap();
    drop(serving.server());
    assert_eq!(serving.peers.iter().count(), 0, "the wake-up was handled");
    Server::bind(serving.addr).unwrap();
}

#[test]
fn a_server_on_every_address_can_be_stopped() {
    for (addr, loopback) in [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "::1")] {
        // The second needs a system with IPv6.
        let Ok(server) = Server::bind(addr) else { continue };
        let serving = Serving::start(server);
        serving.meet((loopback, serving.addr.port()));
        serving.stopper.stop().unwrap();
        serving.server();
    }
}

#[test]
fn a_stopped_server_returns_at_once_each_time() {
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
    serving.meet(serving.addr);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| serving.stopper.clone().stop().unwrap());
        }
        serving.server()
    });
}

#[test]
fn a_late_stop_does_not_reach_another_server() {
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

#[cfg(target_os = "linux")]
#[test]
fn a_stop_has_a_descriptor_in_reserve() {
    crate::alone("server::a_stop_has_a_descriptor_in_reserve", || {
        let serving = Serving::start(bind());
        serving.meet(serving.addr);
        let open = || std::fs::File::open("/dev/null").ok();
        let _files: Vec<_> = std::iter::from_fn(open).collect();
        serving.stopper.stop().unwrap();
        serving.server();
    });
}

#[test]
fn a_stop_made_known_otherwise_is_no_error() {
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
fn a_handlers_panic_is_the_callers() {
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
    // And the server can serve again.
    background(move || server.serve(|_, _| stopper.stop().unwrap()))().unwrap();
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = bind();
    assert_eq!(Server::bind(server.local_addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
fn servers_and_stoppers_are_shared_and_show_their_address() {
    fn shared<T: Send + Sync + std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let server = bind();
    let addr = server.local_addr().to_string();
    assert!(shared(&server).contains(&addr) && shared(&server.stopper()).contains(&addr));
}
