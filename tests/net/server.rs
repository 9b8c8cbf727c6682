//! `Server` hands every connection over, and stops when it is told to.

use std::fmt::Debug;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use pool_recipes::net::{Server, Stopper};

use crate::support::client::connect;
use crate::support::time::{TOO_LONG, background};

fn bind() -> Server {
    Server::bind("127.0.0.1:0").unwrap()
}

/// A server that serves on a thread of its own.
struct Serving {
    addr: SocketAddr,
    stopper: Stopper,
    /// The peers, as they are handled.
    peers: Receiver<SocketAddr>,
    /// Waits until `serve` has returned `Ok`.
    server: Box<dyn FnOnce() -> Server>,
}

impl Serving {
    fn start(server: Server) -> Self {
        let (addr, stopper) = (server.local_addr(), server.stopper());
        let (sender, peers) = mpsc::channel();
        let server = background(move || {
            server.serve(|_stream, peer| sender.send(peer).unwrap()).unwrap();
            server
        });
        Self { addr, stopper, peers, server: Box::new(server) }
    }

    /// Connects, and waits until the connection is handled.
    fn meet(&self, addr: impl ToSocketAddrs) {
        self.handles(&connect(addr));
    }

    /// The next connection that is handled is this one.
    fn handles(&self, client: &TcpStream) {
        assert_eq!(self.peers.recv_timeout(TOO_LONG).unwrap(), client.local_addr().unwrap());
    }

    fn stop(self) -> Server {
        self.stopper.stop().unwrap();
        (self.server)()
    }
}

#[test]
fn connections_are_handled_in_turn() {
    let server = bind();
    // Also those that came before it serves.
    let waiting: Vec<_> = (0..10).map(|_| connect(server.local_addr())).collect();
    let serving = Serving::start(server);
    for client in &waiting {
        serving.handles(client);
    }
    for _ in 0..100 {
        serving.meet(serving.addr);
    }
    serving.stop();
}

#[test]
fn stopping_ends_serve_and_frees_the_port() {
    let serving = Serving::start(bind());
    serving.meet(serving.addr);
    assert_eq!(Server::bind(serving.addr).unwrap_err().kind(), ErrorKind::AddrInUse);
    serving.stopper.stop().unwrap();
    drop((serving.server)());
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
        serving.stop();
    }
}

#[test]
fn a_stopped_server_returns_at_once_each_time() {
    let mut server = bind();
    // One stop leaves one wake-up to accept: a later call finds none, and must not wait for one.
    server.stopper().stop().unwrap();
    for _ in 0..3 {
        server = (Serving::start(server).server)();
    }
}

#[test]
fn stops_and_clients_at_once_are_one_stop() {
    for _ in 0..100 {
        let Serving { addr, stopper, server, peers: _peers } = Serving::start(bind());
        thread::scope(|scope| {
            for _ in 0..4 {
                // Either may come after the end.
                scope.spawn(|| TcpStream::connect(addr));
                scope.spawn(|| stopper.clone().stop().unwrap());
            }
            drop(server());
        });
    }
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
fn a_stop_needs_no_room_in_the_backlog() {
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
    crate::support::process::alone("server::a_stop_has_a_descriptor_in_reserve", Some("-n 256"), || {
        let serving = Serving::start(bind());
        serving.meet(serving.addr);
        let open = || std::fs::File::open("/dev/null").ok();
        let _files: Vec<_> = std::iter::from_fn(open).collect();
        serving.stop();
    });
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
fn servers_are_shared_and_show_their_address() {
    fn shared<T: Send + Sync + Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let server = bind();
    let addr = server.local_addr().to_string();
    assert!(shared(&server).contains(&addr) && shared(&server.stopper()).contains(&addr));
}
