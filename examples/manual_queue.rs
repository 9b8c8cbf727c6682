//! The recipe by hand: an echo server with a queue, and 128 worker threads that take clients from it.
//!
//! ```console
//! $ cargo run --example manual_queue
//! ```
//!
//! What it lets an attacker do is what the pool in `executor` does: 128 silent clients hold all the workers, and the
//! queue behind them grows with everyone who connects. `--queue` and `--idle-timeout` put an end to both. Type `stop`
//! to end it in good order.

mod support;

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::TrySendError;
use std::thread::JoinHandle;

use pool_recipes::net::Connections;
use pool_recipes::queue;
use support::arguments::Arguments;
use support::log;
use support::service::{echo_client, listen, report, stop_when_told, thread};

fn main() -> ExitCode {
    log::outcome(echo_server())
}

fn echo_server() -> Result<(), Box<dyn Error>> {
    let mut arguments =
        Arguments::new("Echoes what its clients send, on workers that share a queue. Type stop to end it.");
    let addr = arguments.addr();
    let workers = arguments.workers();
    let stack_size = arguments.stack_size();
    let (clients, queue) = arguments.queue().map_or_else(queue::unbounded, queue::bounded);
    let connections = Connections::new(arguments.idle_timeout());
    let grace = arguments.grace();
    arguments.finish();

    let mut crew = Vec::new();
    for n in 0..workers {
        let queue = queue.clone();
        crew.push(thread(stack_size).name(format!("worker-{n}")).spawn(move || {
            for (connection, peer) in queue {
                echo_client(connection, peer);
            }
        })?);
    }
    // The workers' clones are the last ones now: without a worker, a send gives the connection back.
    drop(queue);
    let server = listen(addr)?;
    stop_when_told(server.stopper())?;
    server.serve(|stream, peer| {
        match clients.try_send((connections.add(stream), peer)) {
            // A full queue gives the connection back. To drop it closes it.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => {
                log::error(format_args!("{peer}: no worker is left to serve this client"));
            }
        }
    })?;
    // Nobody can connect to a port that isn't there. Who waits to be accepted sees that too.
    drop(server);
    connections.close(grace);
    drop(clients);
    let ends: Vec<_> = crew.into_iter().map(JoinHandle::join).collect();
    report(connections.totals());
    if ends.iter().any(Result::is_err) {
        return Err("a worker panicked".into());
    }
    Ok(())
}
