//! The recipe's example of what not to do: an echo server with a thread for each client, however many clients come.
//!
//! ```console
//! $ cargo run --example unbounded
//! ```

mod support;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

// The command line, and a `println!` that doesn't panic when stdout is closed.
use support::arguments::Arguments;
use support::log;

/// Sends back what the client sends, until the client closes its connection.
fn echo_client(mut sock: TcpStream, client_addr: SocketAddr) -> io::Result<()> {
    log::line(format!("Got connection from {client_addr}"));
    // On the heap: the thread's stack may be smaller than this buffer.
    let mut msg = vec![0; 65_536];
    loop {
        match sock.read(&mut msg)? {
            0 => break, // the client has closed its connection
            length => sock.write_all(&msg[..length])?,
        }
    }
    log::line("Client closed connection");
    Ok(()) // `sock` is dropped here, and that closes our end
}

/// Accepts clients, and starts a thread for each of them. It returns only if it can't start.
fn echo_server(addr: SocketAddr, stack_size: usize) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(addr).map_err(|error| format!("can't listen on {addr}: {error}"))?;
    log::listening(listener.local_addr()?, "Ctrl-C");
    loop {
        match listener.accept() {
            Ok((client_sock, client_addr)) => {
                let serve = move || {
                    if let Err(error) = echo_client(client_sock, client_addr) {
                        log::error(format!("{client_addr}: {error}"));
                    }
                };
                // `thread::spawn` would panic when the system has no thread left. Here that costs one connection:
                // `serve` is dropped, and the client's socket with it.
                if let Err(error) = thread::Builder::new().stack_size(stack_size).spawn(serve) {
                    log::error(format!("{client_addr}: no thread for this client: {error}"));
                }
            }
            // Perhaps the process has no file descriptor left for the client. When another client leaves, it has one.
            Err(error) => {
                log::error_once(format!("accepting a connection: {error}"));
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::new("An echo server with a thread for each client: don't do this.");
    let (addr, stack_size) = (arguments.addr(), arguments.stack_size());
    arguments.finish();
    log::outcome(echo_server(addr, stack_size))
}
