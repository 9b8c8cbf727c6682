//! The server of chapter 10: it bounds how many clients wait, how long a client may be silent, and how long it takes
//! to stop.
//!
//! ```console
//! $ cargo run --example resilient -- --queue 64 --idle-timeout 10
//! ```

mod support;

use std::error::Error;
use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use pool_recipes::net::{Connection, Connections, Server, Stopper, Totals, echo};
use pool_recipes::{BuildError, Executor};

use support::arguments::Arguments;
use support::log;

/// From a millisecond to some thirty years.
const SECONDS: RangeInclusive<f64> = 0.001..=1e9;

fn main() -> ExitCode {
    log::outcome(echo_server())
}

fn echo_server() -> Result<(), Box<dyn Error>> {
    let mut arguments = Arguments::new("An echo server that survives more clients than it can serve.");
    let addr = arguments.addr();
    let workers = arguments.workers();
    let stack_size = arguments.stack_size();
    // The queue has room for all of them from the start.
    let help = "how many clients may wait for a worker [default: any number]";
    let queue = arguments.number("--queue N", help, 1..=1_000_000);
    let help = "how long a client may send, or take, nothing [default: forever]";
    let idle_timeout = arguments.number("--idle-timeout SECONDS", help, SECONDS);
    let help = "how long clients may go on after a stop";
    let grace = arguments.number_or(5.0, "--grace SECONDS", help, SECONDS);
    let stop_at_eof = arguments.text("--stop-at-eof", "take the end of the input for a stop").is_some();
    arguments.finish();

    let mut builder = Executor::builder().workers(workers).stack_size(stack_size);
    if let Some(places) = queue {
        builder = builder.queue_capacity(places);
    }
    let pool = builder.build()?;
    let connections = Connections::new(idle_timeout.map(Duration::from_secs_f64));
    let server = Server::bind(addr).map_err(|error| format!("can't listen on {addr}: {error}"))?;
    // It lives as long as the process: to drop it would mean to wait until someone reads its last line.
    let log: &Log = Box::leak(Box::new(Log::new()?));
    let stopper = server.stopper();
    let commands = thread::Builder::new().spawn(move || {
        // Until the first lines are printed. What a command has to say comes after them.
        thread::park();
        read_commands(&stopper, stop_at_eof, log);
    })?;
    log::listening(server.local_addr(), "type stop and press Enter");
    commands.thread().unpark();

    server.serve(|stream, peer| {
        let connection = connections.add(stream);
        // If the queue is full, this drops the task that comes back, and the connection with it: the client is turned
        // away. Otherwise it drops the handle.
        drop(pool.try_submit(move || echo_client(connection, peer, log)));
    })?;
    log.line(format!("stopping: clients may go on for {grace} s"));
    // This closes the port, and the connections that wait to be accepted.
    drop(server);
    connections.close(Duration::from_secs_f64(grace));
    pool.shutdown();
    log.end(connections.totals());
    Ok(())
}

fn echo_client(mut connection: Connection, peer: SocketAddr, log: &Log) {
    log.line(format!("Got connection from {peer}"));
    match echo(&mut connection) {
        Ok(_) => log.line("Client closed connection".to_owned()),
        Err(error) => log.error(format!("{peer}: {error}")),
    }
}

/// Reads what is typed, and stops the server at `stop`.
fn read_commands(stopper: &Stopper, stop_at_eof: bool, log: &Log) {
    for line in io::stdin().lock().split(b'\n') {
        match line.as_deref().map(<[u8]>::trim_ascii) {
            Ok(b"stop") => return stop(stopper, log),
            Ok(b"") => {}
            Ok(other) => {
                log.error(format!("{:?}: the only command is stop", String::from_utf8_lossy(other)));
            }
            Err(error) => return log.error(format!("no commands can be read: {error}")),
        }
    }
    if stop_at_eof {
        stop(stopper, log);
    } else {
        // It isn't a stop, or a server without a terminal would stop at once.
        log.line("The input has ended, so no command can come. Ctrl-C ends this server.".to_owned());
    }
}

fn stop(stopper: &Stopper, log: &Log) {
    // The server knows of the stop, but without a descriptor for its wake-up it would wait for the next client.
    while let Err(error) = stopper.stop() {
        log.error(format!("can't stop yet: {error}"));
        thread::sleep(Duration::from_secs(1));
    }
}

/// Prints the server's lines on a thread of its own, the worker of a pool of one.
///
/// When nobody reads stdout or stderr, its pipe fills up, and a thread that prints waits. Here that is this worker. The
/// server's own workers go on, and a stop still ends them. Lines wait in the queue; when too many wait, others are
/// dropped and counted.
struct Log {
    printer: Executor,
    /// How many lines were dropped. Atomic, because every worker counts.
    dropped: AtomicU64,
}

impl Log {
    /// How many lines may wait to be printed.
    const MOST: usize = 1000;

    fn new() -> Result<Self, BuildError> {
        let printer = Executor::builder().workers(1).thread_name("log").build()?;
        Ok(Self { printer, dropped: AtomicU64::new(0) })
    }

    fn line(&self, line: String) {
        self.submit(move || log::line(line));
    }

    fn error(&self, message: String) {
        self.submit(move || log::error(message));
    }

    fn submit(&self, print: impl FnOnce() + Send + 'static) {
        // The queue has no bound of its own, so that the last line always has a place. Threads that look at the same
        // moment may exceed the limit by a line each, which does no harm.
        if self.printer.queued() < Self::MOST {
            self.printer.submit(print);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Prints the last lines, and waits until they are printed, but not long: perhaps nobody reads them.
    fn end(&self, totals: Totals) {
        let Totals { served, shed, timed_out, written, .. } = totals;
        let dropped = self.dropped.load(Ordering::Relaxed);
        let last = self.printer.submit(move || {
            if dropped > 0 {
                log::line(format_args!("{dropped} lines of this log were dropped, as nobody read them"));
            }
            log::line(format_args!(
                "Served {served} connections, shed {shed}, timed out {timed_out}; echoed {written} bytes"
            ));
        });
        last.wait_timeout(Duration::from_secs(1));
    }
}
