//! The service that all three recipes give: where they listen, and what a client gets.

use super::log;
use pool_recipes::net::{Server, echo};
use std::net::{SocketAddr, TcpStream};
use std::thread;

/// Listens on `addr`, and says so.
pub fn listen(addr: SocketAddr) -> Result<Server, String> {
    let server = Server::bind(addr).map_err(|error| format!("can't listen on {addr}: {error}"))?;
    let addr = server.local_addr();
    log::line(format_args!("listening on {addr}"));
    log::line(format_args!("try: nc {} {}", addr.ip(), addr.port()));
    Ok(server)
}

/// A thread to be, with a stack of this many bytes or as large as `std` makes it.
pub fn thread(stack_size: Option<usize>) -> thread::Builder {
    let builder = thread::Builder::new();
    match stack_size {
        Some(bytes) => builder.stack_size(bytes),
        None => builder,
    }
}

/// Serves one client until it is done, as the recipe's `echo_client` does.
pub fn echo_client(mut stream: TcpStream, peer: SocketAddr) {
    log::line(format_args!("Got connection from {peer}"));
    match echo(&mut stream) {
        Ok(_) => log::line("Client closed connection"),
        Err(error) => log::error(format_args!("{peer}: {error}")),
    }
}
