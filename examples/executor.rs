//! The recipe: an echo server whose clients are served by a pool of 128 workers.
//!
//! ```console
//! $ cargo run --example executor
//! ```

mod support;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use pool_recipes::Executor;

// The command line, and a `println!` that doesn't panic when stdout is closed.
use support::{arguments, log};

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

/// Accepts clients, and submits each of them to the pool. It returns only if it can't start.
fn echo_server(addr: SocketAddr, workers: usize, stack_size: usize) -> Result<(), Box<dyn Error>> {
    let pool = Executor::builder().workers(workers).stack_size(stack_size).build()?;
    let listener = TcpListener::bind(addr).map_err(|error| format!("can't listen on {addr}: {error}"))?;
    log::listening(listener.local_addr()?, "Ctrl-C");
    loop {
        match listener.accept() {
            Ok((client_sock, client_addr)) => {
                pool.submit(move || {
                    if let Err(error) = echo_client(client_sock, client_addr) {
                        log::error(format!("{client_addr}: {error}"));
                    }
                });
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
    let (addr, workers, stack_size) = arguments::pool_server("An echo server on a pool of workers.");
    log::outcome(echo_server(addr, workers, stack_size))
}
