//! The recipe: an echo server whose clients are served by a pool of 128 workers.
//!
//! ```console
//! $ cargo run --example executor
//! ```
//!
//! The pool bounds how many clients are served at once, whoever connects. It doesn't bound how long a client takes,
//! nor how many wait: 128 clients that connect and say nothing hold all the workers, and everybody after them waits in
//! a queue that grows by a descriptor for each.

mod support;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use pool_recipes::Executor;
use support::arguments::Arguments;
use support::log;
use support::service::{echo_client, listen};

fn main() -> ExitCode {
    let mut arguments = Arguments::new("Echoes what its clients send, on a pool of workers.");
    let addr = arguments.addr();
    let workers = arguments.workers();
    let stack_size = arguments.stack_size();
    arguments.finish();

    log::outcome(echo_server(addr, workers, stack_size))
}

fn echo_server(addr: SocketAddr, workers: usize, stack_size: Option<usize>) -> Result<(), Box<dyn Error>> {
    let mut pool = Executor::builder().workers(workers);
    if let Some(bytes) = stack_size {
        pool = pool.stack_size(bytes);
    }
    let pool = pool.build()?;
    let server = listen(addr)?;
    server.serve(|stream, peer| {
        pool.submit(move || echo_client(stream, peer));
    })?;
    Ok(())
}
