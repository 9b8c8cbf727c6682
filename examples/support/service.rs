//! The service that all three recipes give: where they listen, what a client gets, and how it ends.

use super::log;
use pool_recipes::net::{Server, Stopper, Totals, echo};
use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
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
pub fn echo_client(mut stream: impl Read + Write, peer: SocketAddr) {
    log::line(format_args!("Got connection from {peer}"));
    match echo(&mut stream) {
        Ok(_) => log::line("Client closed connection"),
        Err(error) => log::error(format_args!("{peer}: {error}")),
    }
}

/// Has a thread stop the server when someone types `stop`. The end of the input isn't a stop: a server may have none.
pub fn stop_when_told(stopper: Stopper) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            match line.as_deref().map(<[u8]>::trim_ascii) {
                Ok(b"stop") => {
                    stopper.stop().unwrap_or_else(|error| log::error(format_args!("stop: {error}")));
                }
                Ok(b"") => {}
                Ok(other) => {
                    let other = String::from_utf8_lossy(other);
                    log::error(format_args!("{}: the only command is stop", other.escape_debug()));
                }
                Err(error) => return log::error(format_args!("no commands can be read: {error}")),
            }
        }
    })?;
    Ok(())
}

/// Says what became of the connections.
pub fn report(totals: Totals) {
    let Totals { served, shed, timed_out, written, .. } = totals;
    log::line(format_args!(
        "Served {served} connections, shed {shed}, timed out {timed_out}; echoed {written} bytes"
    ));
}
