//! The recipe by hand: an echo server with a queue, and 128 threads that take its clients from the queue.
//!
//! ```console
//! $ cargo run --example manual_queue
//! ```

mod support;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

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

/// The life of a worker: takes a client from the queue, serves it, and takes the next one.
fn worker(queue: &Mutex<mpsc::Receiver<(TcpStream, SocketAddr)>>) {
    loop {
        // The lock is released at the end of this statement, before the client is served. (`recv` fails when the
        // sender is gone: then the server has ended.)
        let Ok((sock, client_addr)) = queue.lock().unwrap().recv() else { break };
        if let Err(error) = echo_client(sock, client_addr) {
            log::error(format!("{client_addr}: {error}"));
        }
    }
}

/// Starts the workers, accepts clients, and puts each of them into the queue. It returns only if it can't start.
fn echo_server(addr: SocketAddr, workers: usize, stack_size: usize) -> Result<(), Box<dyn Error>> {
    let (sender, receiver) = mpsc::channel();
    let queue = Arc::new(Mutex::new(receiver));
    for n in 1..=workers {
        let queue = Arc::clone(&queue);
        let builder = thread::Builder::new().name(format!("worker-{n}")).stack_size(stack_size);
        let started = builder.spawn(move || worker(&queue));
        started.map_err(|error| format!("could not start worker {n} of {workers}: {error}"))?;
    }
    let listener = TcpListener::bind(addr).map_err(|error| format!("can't listen on {addr}: {error}"))?;
    log::listening(listener.local_addr()?, "Ctrl-C");
    loop {
        match listener.accept() {
            Ok(client) => sender.send(client)?,
            // Perhaps the process has no file descriptor left for the client. When another client leaves, it has one.
            Err(error) => {
                log::error_once(format!("accepting a connection: {error}"));
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn main() -> ExitCode {
    let (addr, workers, stack_size) = arguments::pool_server("An echo server with a queue and workers.");
    log::outcome(echo_server(addr, workers, stack_size))
}
