//! A thread for each client, and no limit: the recipe's example of what not to do.
//!
//! ```console
//! $ cargo run --example unbounded
//! ```
//!
//! Whoever can connect decides how many threads this process has. Clients that do nothing but stay connected
//! each hold a thread, its stack and a descriptor, until the process, or its machine, runs out of one of
//! them. Then `spawn` fails: that is said on stderr, the connection is closed and the server goes on, but
//! everybody is turned away until some of those clients leave. A pool has as many threads as it was given:
//! see the examples `executor` and `manual_queue`.

mod support;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use support::arguments::Arguments;
use support::log;
use support::service::{echo_client, listen, thread};

fn main() -> ExitCode {
    let mut arguments = Arguments::new("Echoes what its clients send, on a thread for each: don't do this.");
    let addr = arguments.addr();
    let stack_size = arguments.stack_size();
    arguments.finish();

    log::outcome(echo_server(addr, stack_size))
}

fn echo_server(addr: SocketAddr, stack_size: Option<usize>) -> Result<(), Box<dyn Error>> {
    let server = listen(addr)?;
    server.serve(|stream, peer| {
        // thread::spawn would panic if the system has no thread. On an error the closure is dropped, which
        // closes the connection.
        if let Err(error) = thread(stack_size).spawn(move || echo_client(stream, peer)) {
            log::error(format_args!("{peer}: no thread for this client: {error}"));
        }
    })?;
    Ok(())
}
