//! The recipe by hand: an echo server with a queue, and 128 worker threads that take clients from it.
//!
//! ```console
//! $ cargo run --example manual_queue
//! ```
//!
//! What it lets an attacker do is what the pool in `executor` does: 128 silent clients hold all the workers, and the
//! queue behind them grows with everyone who connects.

mod support;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use pool_recipes::queue;
use support::arguments::Arguments;
use support::log;
use support::service::{echo_client, listen, thread};

fn main() -> ExitCode {
    let mut arguments = Arguments::new("Echoes what its clients send, on workers that share a queue.");
    let addr = arguments.addr();
    let workers = arguments.workers();
    let stack_size = arguments.stack_size();
    arguments.finish();

    log::outcome(echo_server(addr, workers, stack_size))
}

fn echo_server(addr: SocketAddr, workers: usize, stack_size: Option<usize>) -> Result<(), Box<dyn Error>> {
    let (connections, queue) = queue::unbounded();
    for n in 0..workers {
        let queue = queue.clone();
        thread(stack_size).name(format!("worker-{n}")).spawn(move || {
            for (stream, peer) in queue {
                echo_client(stream, peer);
            }
        })?;
    }
    // The workers' clones are the last ones now: without a worker, a send gives the connection back.
    drop(queue);
    let server = listen(addr)?;
    server.serve(|stream, peer| {
        if connections.send((stream, peer)).is_err() {
            log::error(format_args!("{peer}: no worker is left to serve this client"));
        }
    })?;
    Ok(())
}
