//! What the library promises about sockets (`net`) and about a process's figures (`Usage`).

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod echo;
mod fetch;
mod server;
#[cfg(target_os = "linux")]
mod usage;

use std::net::{TcpListener, TcpStream};

/// The two ends of a connection: the client's, and the server's.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = support::client::connect(listener.local_addr().unwrap());
    (client, listener.accept().unwrap().0)
}
