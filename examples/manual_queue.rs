//! The recipe by hand: an echo server with a queue (the one of chapter 2), and 128 threads that take clients from it.
//!
//! ```console
//! $ cargo run --example manual_queue
//! ```
//!
//! What it lets an attacker do is what the pool in `executor` does: 128 silent clients hold all the workers, and the
//! queue behind them grows with everyone who connects. `--queue` bounds it, and `--idle-timeout` disconnects silent
//! clients. Type `stop` to end it in good order.

mod support;

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread::JoinHandle;

use pool_recipes::SharedReceiver;
use pool_recipes::net::Connections;
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
    let (sender, receiver) = mpsc::sync_channel(arguments.queue().unwrap_or(1_000_000));
    let receiver = SharedReceiver::new(receiver);
    let connections = Connections::new(arguments.idle_timeout());
    let grace = arguments.grace();
    arguments.finish();

    let mut crew = Vec::new();
    for n in 0..workers {
        let receiver = receiver.clone();
        crew.push(thread(stack_size).name(format!("worker-{n}")).spawn(move || {
            for (connection, peer) in receiver {
                echo_client(connection, peer);
            }
        })?);
    }
    // The workers have the only receivers now: if all of them die, a send is an error.
    drop(receiver);
    let server = listen(addr)?;
    stop_when_told(server.stopper())?;
    server.serve(|stream, peer| {
        match sender.try_send((connections.add(stream), peer)) {
            // A full queue gives the connection back, and it is dropped, which closes it.
            Ok(()) | Err(mpsc::TrySendError::Full(_)) => {}
            Err(mpsc::TrySendError::Disconnected(_)) => {
                log::error(format_args!("{peer}: no worker is left to serve this client"));
            }
        }
    })?;
    // Closes the port. Clients that wait to be accepted are disconnected too.
    drop(server);
    connections.close(grace);
    // Hangs up: the workers empty the queue, and leave.
    drop(sender);
    let ends: Vec<_> = crew.into_iter().map(JoinHandle::join).collect();
    report(connections.totals());
    if ends.iter().any(Result::is_err) {
        return Err("a worker panicked".into());
    }
    Ok(())
}
