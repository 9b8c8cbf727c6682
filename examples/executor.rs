//! The recipe: an echo server whose clients are served by a pool of 128 workers.
//!
//! ```console
//! $ cargo run --example executor
//! ```
//!
//! The pool bounds how many clients are served at once, whoever connects. It doesn't bound how long a client takes,
//! nor how many wait: 128 clients that connect and say nothing hold all the workers, and everybody after them waits in
//! a queue without a bound, each with an open descriptor. `--queue` bounds it, and `--idle-timeout` disconnects silent
//! clients. Type `stop` to end it in good order.

mod support;

use std::error::Error;
use std::process::ExitCode;

use pool_recipes::Executor;
use pool_recipes::net::Connections;
use support::arguments::Arguments;
use support::log;
use support::service::{echo_client, listen, report, stop_when_told};

fn main() -> ExitCode {
    log::outcome(echo_server())
}

fn echo_server() -> Result<(), Box<dyn Error>> {
    let mut arguments =
        Arguments::new("Echoes what its clients send, on a pool of workers. Type stop to end it.");
    let addr = arguments.addr();
    let mut builder = Executor::builder().workers(arguments.workers());
    if let Some(bytes) = arguments.stack_size() {
        builder = builder.stack_size(bytes);
    }
    if let Some(n) = arguments.queue() {
        builder = builder.queue_capacity(n);
    }
    let connections = Connections::new(arguments.idle_timeout());
    let grace = arguments.grace();
    arguments.finish();

    let pool = builder.build()?;
    let server = listen(addr)?;
    stop_when_told(server.stopper())?;
    server.serve(|stream, peer| {
        let connection = connections.add(stream);
        // Drops the handle; or, if the queue is full, the task, and with it the connection.
        drop(pool.try_submit(move || echo_client(connection, peer)));
    })?;
    // Closes the port. Clients that wait to be accepted are disconnected too.
    drop(server);
    connections.close(grace);
    pool.shutdown();
    report(connections.totals());
    Ok(())
}
