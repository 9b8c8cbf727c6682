//! Clients that connect and say nothing, more and more of them, against each of the three recipes.
//!
//! ```console
//! $ cargo run --release --example flood
//! ```
//!
//! The servers are the other examples, each in a process of its own on the loopback. While the silent clients become
//! more, an honest one asks now and then. Only Linux says what this costs a server.

mod support;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{iter, thread};

use pool_recipes::Usage;

use support::arguments::{Arguments, MOST_THREADS};
use support::log;
use support::server::{Server, ask, descriptors, open_files};
use support::svg::{Bar, Chart};
use support::table::table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

/// The servers are looked at before the flood, when it is this many, and each time that it has doubled. It also grows by
/// no more at a time.
const FIRST_STEP: usize = 64;

/// The files that this process, or a server, has open beside the flood, and some more.
const RESERVE: usize = 64;

/// How long a server may take to accept one client, and to have accepted all that there are.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long the honest client waits for its answer.
const PATIENCE: Duration = Duration::from_millis(400);

fn main() -> ExitCode {
    log::outcome(flood())
}

fn flood() -> Outcome {
    let mut arguments =
        Arguments::new("Shows what clients that say nothing do to each of the three recipes, in some 10 s.");
    let help = "how many are silent, if so many files may be open";
    let asked = arguments.number_or(2000, "--connections N", help, 1..=MOST_THREADS);
    let svg = arguments.text("--svg FILE", "where to draw the threads");
    arguments.finish();

    let picture =
        svg.map(|path| File::create(&path).map_err(|error| format!("{path}: {error}"))).transpose()?;
    // Where the system doesn't say what a process uses, there is nothing to see.
    Usage::current()?;
    let open_files = open_files();
    let connections = asked.min(open_files.saturating_sub(RESERVE));
    if connections == 0 {
        return Err(format!("{open_files} open files, the limit here, are too few for a flood").into());
    }
    log::print(format_args!(
        "{connections} silent clients come to each server, and an honest one waits {} ms for an answer.\n",
        PATIENCE.as_millis()
    ))?;

    let titles = ["server", "silent", "threads", "virtual MB", "real MB", "descriptors", "honest client"];
    let mut rows = vec![titles.map(str::to_owned)];
    let (mut threads, mut notes) = (BTreeMap::new(), Vec::new());
    for (series, name) in SERVERS.into_iter().enumerate() {
        for step in attack(name, connections, &mut notes).map_err(|error| format!("{name}: {error}"))? {
            threads.insert((step.silent, series), step.usage.threads);
            rows.push(step.cells(name));
        }
    }
    log::print(table(&rows))?;
    for note in notes {
        log::print(note)?;
    }
    if let Some(mut file) = picture {
        file.write_all(draw(&threads).as_bytes())?;
    }
    Ok(())
}

/// A row of bars for each number of silent clients, and in it the threads of each server.
fn draw(threads: &BTreeMap<(usize, usize), usize>) -> String {
    let mut rows = Vec::new();
    let mut before = None;
    for (&(silent, series), &threads) in threads {
        let name = if before == Some(silent) { String::new() } else { format!("{silent} silent") };
        before = Some(silent);
        let bar = Bar { series, from: 0.0, to: float(threads as u64), label: Some(threads.to_string()) };
        rows.push((name, vec![bar]));
    }
    let title = "Threads of each server, by the number of silent clients";
    Chart { title, x: "threads", series: &SERVERS, ticks: &[] }.draw(&rows)
}

/// Floods one server, and looks at it step by step. What goes wrong meanwhile is noted.
fn attack(name: &str, connections: usize, notes: &mut Vec<String>) -> Outcome<Vec<Step>> {
    // Dropped after the server, which so has no time to see them all go.
    let mut silent = Vec::new();
    let mut server = Server::start(name, &[])?;
    let alone = descriptors(server.process.id())?;
    let mut steps = Vec::new();
    let doubled = iter::successors(Some(FIRST_STEP), |n| Some(2 * n)).take_while(|n| *n < connections);
    for goal in iter::once(0).chain(doubled).chain([connections]) {
        let grown = grow(&mut silent, &mut server, alone, goal);
        let (usage, descriptors) = settle(&mut server, alone + silent.len())?;
        steps.push(Step { silent: silent.len(), usage, descriptors, honest: ask(server.addr, PATIENCE) });
        if let Err(error) = grown {
            notes.push(format!("{name}: the flood ended at {}: {error}", silent.len()));
            break;
        }
    }
    if let Ok(error) = server.stderr.try_recv() {
        notes.push(format!("{name} says: {error}"));
    }
    Ok(steps)
}

/// Makes the silent clients `goal`, no faster than the server accepts them: its backlog has room for some 100.
fn grow(silent: &mut Vec<TcpStream>, server: &mut Server, alone: usize, goal: usize) -> Outcome {
    while silent.len() < goal {
        for _ in silent.len()..goal.min(silent.len() + FIRST_STEP) {
            silent.push(TcpStream::connect_timeout(&server.addr, TIMEOUT)?);
        }
        let (_, descriptors) = settle(server, alone + silent.len())?;
        if descriptors < alone + silent.len() {
            return Err(format!("it has only {descriptors} descriptors").into());
        }
    }
    Ok(())
}

/// What a server uses once it has so many descriptors and nothing changes, or when time is up; and its descriptors.
fn settle(server: &mut Server, expected: usize) -> Outcome<(Usage, usize)> {
    let begin = Instant::now();
    let mut before = None;
    loop {
        let usage = Usage::of(server.process.id()).map_err(|_| server.end())?;
        let descriptors = descriptors(server.process.id())?;
        let now = Some((usage.threads, descriptors));
        if descriptors >= expected && now == before || begin.elapsed() > TIMEOUT {
            return Ok((usage, descriptors));
        }
        before = now;
        thread::sleep(Duration::from_millis(10));
    }
}

/// What there is to see while so many clients are silent.
struct Step {
    silent: usize,
    usage: Usage,
    descriptors: usize,
    /// How long the honest client waited, or what became of it.
    honest: Result<Duration, &'static str>,
}

impl Step {
    fn cells(&self, name: &str) -> [String; 7] {
        let Usage { threads, virtual_bytes, resident_bytes, .. } = self.usage;
        [
            name.to_owned(),
            self.silent.to_string(),
            threads.to_string(),
            megabytes(virtual_bytes),
            megabytes(resident_bytes),
            self.descriptors.to_string(),
            match self.honest {
                Ok(waited) => format!("{:.1} ms", waited.as_secs_f64() * 1e3),
                Err(end) => end.to_owned(),
            },
        ]
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", float(bytes) / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "neither a table nor a picture shows the sixteenth digit")]
fn float(count: u64) -> f64 {
    count as f64
}
