//! Clients that connect and say nothing, more and more of them, against each of the three servers.
//!
//! ```console
//! $ cargo run --release --example flood
//! ```
//!
//! The servers are the other examples, each in a process of its own on the loopback. While the silent clients become
//! more, an honest one asks now and then, and gives up when its patience ends. Only Linux says what this costs a server.

mod support;

use std::error::Error;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use std::{fs, iter};

use pool_recipes::Usage;
use support::arguments::{Arguments, Whole};
use support::log;
use support::server::{MOST, RESERVE, Server, TIMEOUT, ask, is_timeout, open_files};
use support::svg::{Chart, float};
use support::table::{Table, number};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

/// The servers are looked at before the flood, when it is this many, and each time that it has doubled. It also grows by
/// no more at a time.
const FIRST_STEP: usize = 64;

fn main() -> ExitCode {
    log::outcome(flood())
}

fn flood() -> Outcome {
    let mut arguments =
        Arguments::new("Shows what clients that say nothing do to each of the three servers.");
    let Whole(asked) = arguments.value(
        "--connections N",
        "how many are silent, if so many files may be open",
        Whole::<1>(2000),
    );
    let Whole(patience) =
        arguments.value("--patience MS", "how long the honest client waits", Whole::<1>(400));
    let svg: Option<PathBuf> = arguments.optional("--svg FILE", "where to draw the threads");
    arguments.finish();

    // Where the system doesn't say what a process uses, there is nothing to see.
    Usage::current()?;
    let open_files = open_files();
    let connections = asked.min(MOST).min(open_files.saturating_sub(RESERVE));
    if connections == 0 {
        return Err(format!("{open_files} open files, the limit here, are too few for a flood").into());
    }
    log::line(format_args!(
        "{} silent connections to each server, {} asked for; at most {} files may be open here.\n",
        number(connections, 0),
        number(asked, 0),
        if open_files == usize::MAX { "any number of".to_owned() } else { number(open_files, 0) },
    ));

    let patience = Duration::from_millis(patience as u64);
    let mut table =
        Table::new(["server", "silent", "threads", "virtual MB", "real MB", "descriptors", "honest client"]);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    for name in SERVERS {
        let steps = attack(name, connections, patience, &mut notes).map_err(|e| format!("{name}: {e}"))?;
        for step in &steps {
            table.row(step.cells(name));
        }
        lines.push(steps.iter().map(|step| (float(step.silent), float(step.usage.threads))).collect());
    }
    log::line(format_args!("{table}"));
    for note in notes {
        log::line(format_args!("{note}\n"));
    }
    log::line(EXPLANATION);
    if let Some(path) = svg {
        let (x, y) = ("silent connections", "threads of the server");
        let picture = Chart { title: "Who says how many threads there are?", x, y, series: &SERVERS };
        fs::write(&path, picture.lines(&lines)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

const EXPLANATION: &str = "\
A silent client costs the attacker one connection. It costs `unbounded` a thread with its stack: the attacker says how
many threads there are. The honest client is answered, until there is no thread or no descriptor left for it.
The pools have 128 workers and a thread that accepts, whatever comes. But 128 silent clients hold all the workers.
Everyone else waits in a queue that grows by a descriptor for each, also for those who have given up.
So neither is enough: a queue with a bound turns away whom it can't hold, and a timeout sends the silent ones home.";

/// Floods one server, and looks at it step by step. What goes wrong meanwhile is noted.
fn attack(name: &str, connections: usize, patience: Duration, notes: &mut Vec<String>) -> Outcome<Vec<Step>> {
    // Dropped after the server, which so has no time to see them all go.
    let mut silent = Vec::new();
    let server = Server::start(name, &[], Stdio::null())?;
    let mut steps = Vec::new();
    let doubled = iter::successors(Some(FIRST_STEP), |n| Some(2 * n)).take_while(|n| *n < connections);
    for goal in iter::once(0).chain(doubled).chain([connections]) {
        let grown = grow(&mut silent, &server, goal);
        let (usage, descriptors) = server.settle(silent.len())?;
        let honest = ask(server.addr, patience).map_err(|error| error.kind());
        steps.push(Step { silent: silent.len(), usage, descriptors, honest });
        if let Err(error) = grown {
            notes.push(format!("{name}: the flood ended at {}: {error}", number(silent.len(), 0)));
            break;
        }
    }
    if let Ok(error) = server.stderr.try_recv() {
        notes.push(format!("{name} says: {error}"));
    }
    Ok(steps)
}

/// Makes the silent clients `goal`, no faster than it accepts them: its backlog has room for some 100.
fn grow(silent: &mut Vec<TcpStream>, server: &Server, goal: usize) -> Outcome {
    while silent.len() < goal {
        for _ in silent.len()..goal.min(silent.len() + FIRST_STEP) {
            silent.push(TcpStream::connect_timeout(&server.addr, TIMEOUT)?);
        }
        let (_, descriptors) = server.settle(silent.len())?;
        if descriptors < server.alone + silent.len() {
            return Err(format!("it has only {} descriptors", number(descriptors, 0)).into());
        }
    }
    Ok(())
}

/// What there is to see while so many clients are silent.
struct Step {
    silent: usize,
    usage: Usage,
    descriptors: usize,
    honest: Result<Duration, ErrorKind>,
}

impl Step {
    fn cells(&self, name: &str) -> [String; 7] {
        let Usage { threads, virtual_bytes, resident_bytes, .. } = self.usage;
        [
            name.to_owned(),
            number(self.silent, 0),
            number(threads, 0),
            megabytes(virtual_bytes),
            megabytes(resident_bytes),
            number(self.descriptors, 0),
            match self.honest {
                Ok(waited) => format!("{} ms", number(waited.as_secs_f64() * 1e3, 1)),
                Err(error) if is_timeout(error) => "gave up".to_owned(),
                Err(_) => "turned away".to_owned(),
            },
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a table doesn't show the sixteenth digit")]
fn megabytes(bytes: u64) -> String {
    number(bytes as f64 / 1e6, 1)
}
