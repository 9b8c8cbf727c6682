//! The same flood against the recipe, and against a server that bounds its queue and its patience.
//!
//! ```console
//! $ cargo run --release --example overload
//! ```
//!
//! The servers are the examples `executor` and `resilient`, each in a process of its own on the loopback, side by side.
//! Silent clients come to both, and an honest one asks each of them again and again. Only Linux says what this costs.

mod support;

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{iter, thread};

use pool_recipes::{Executor, Usage};

use support::arguments::{Arguments, MOST_THREADS};
use support::log;
use support::server::{GAVE_UP, Server, ask, descriptors, open_files};
use support::svg::{Bar, Chart};
use support::table::table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How long the honest client asks before the flood comes.
const CALM: Duration = Duration::from_millis(500);

/// How long the honest client waits between two questions, and before it comes back when it was turned away.
const PAUSE: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_millis(20);

/// So many silent clients come at a time, and so long after the others: a server's backlog has room for some 100, and
/// a client for whom it has no room tries again a second later.
const STEP: (usize, Duration) = (50, Duration::from_millis(10));

/// How long a silent client tries to connect.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The files that this process, or a server, has open beside the flood, and some more.
const RESERVE: usize = 64;

fn main() -> ExitCode {
    log::outcome(overload())
}

fn overload() -> Outcome {
    let mut arguments =
        Arguments::new("Shows what a bounded queue and an idle timeout do in a flood, in some 8 s.");
    let help = "how many are silent, if so many files may be open";
    let asked = arguments.number_or(2000, "--connections N", help, 1..=MOST_THREADS);
    let help = "how many may wait in resilient's queue";
    let queue = arguments.number_or(64, "--queue N", help, 1..=1_000_000);
    let help = "how long a client may be silent there";
    let idle = arguments.number_or(1.0, "--idle-timeout SECONDS", help, 0.001..=3600.0);
    let help = "how long the honest client asks in the flood";
    let time = arguments.number_or(4.0, "--seconds N", help, 0.001..=3600.0);
    let svg = arguments.text("--svg FILE", "where to draw the honest client's waits");
    arguments.finish();

    // Where the system doesn't say what a process uses, there is less to see.
    Usage::current()?;
    let connections = asked.min(open_files().saturating_sub(RESERVE) / 2);
    if connections == 0 {
        return Err(format!("{} open files, the limit here, are too few for a flood", open_files()).into());
    }
    let picture =
        svg.map(|path| File::create(&path).map_err(|error| format!("{path}: {error}"))).transpose()?;
    let limits = ["--queue", &queue.to_string(), "--idle-timeout", &idle.to_string(), "--grace", "0.1"];
    let limits = [&limits[..], &["--stop-at-eof"]].concat();
    // Dropped after the servers, without whom its tasks end at once.
    let pool = Executor::new(4)?;
    let mut servers = Vec::new();
    for (name, limits) in [("executor", [].as_slice()), ("resilient", &limits)] {
        servers.push((name, Server::start(name, limits).map_err(|error| format!("{name}: {error}"))?));
    }

    // On `resilient` an answer may take one idle timeout, and one second more where the backlog was full. This is long
    // enough to see that it takes no longer.
    let patience = Duration::from_secs_f64(2.0 * idle + 1.0);
    let times = Times { begin: Instant::now(), last: CALM + Duration::from_secs_f64(time), patience };
    let stay = (times.end().saturating_sub(CALM)).as_secs_f64();
    log::print(format!(
        "{connections} silent clients come to each server, and stay for {stay:.1} s unless it ends their connections.\n"
    ))?;
    let mut watched = Vec::new();
    for (name, server) in servers {
        let (addr, pid) = (server.addr, server.process.id());
        let silent = pool.submit(move || flood(addr, pid, connections, times));
        let questions = pool.submit(move || ask_again_and_again(addr, times));
        watched.push((name, server, silent, questions));
    }

    let titles = [
        "server",
        "silent",
        "asked",
        "gave up",
        "median ms",
        "worst ms",
        "descriptors",
        "threads",
        "served",
        "shed",
        "timed out",
    ];
    let mut cells = vec![titles.map(str::to_owned)];
    let mut rows = Vec::new();
    for (name, mut server, silent, questions) in watched {
        let (silent, questions) = (silent.result()??, questions.result()?);
        let threads = Usage::of(server.process.id()).map_err(|_| server.end())?.threads;
        // Its input ends here, which stops it. The last line of `resilient` has its totals.
        drop(server.process.stdin.take());
        let totals = server.stdout.recv().unwrap_or_default();
        cells.push(row(name, &silent, &questions, threads, &totals));
        rows.push((name.to_owned(), questions.iter().map(|question| question.bar(patience)).collect()));
    }
    log::print(table(&cells))?;
    log::print(format!(
        "Asked, gave up, median and worst are of the honest client since the flood began. Turned away, it asks again;\n\
         it gives up after {:.1} s. Descriptors are the most that the server had. The totals are of the whole run.",
        patience.as_secs_f64()
    ))?;
    if let Some(mut file) = picture {
        let flood = Bar { series: 2, from: CALM.as_secs_f64(), to: times.end().as_secs_f64(), label: None };
        rows.insert(0, ("the flood".to_owned(), vec![flood]));
        file.write_all(draw(&rows, times.end()).as_bytes())?;
    }
    Ok(())
}

/// The flood, and then the questions to each server, from when each was asked to when it was answered.
fn draw(rows: &[(String, Vec<Bar>)], end: Duration) -> String {
    let (end, step) = (end.as_secs_f64(), (end.as_secs_f64() / 20.0).ceil());
    let ticks: Vec<_> =
        iter::successors(Some(0.0), |tick| Some(tick + step)).take_while(|tick| *tick < end).collect();
    let chart = Chart {
        title: "How long does the honest client wait?",
        x: "seconds since the start",
        series: &["answered", "gave up", "silent clients"],
        ticks: &ticks,
    };
    chart.draw(rows)
}

/// When everything happens, counted from the beginning.
#[derive(Clone, Copy)]
struct Times {
    begin: Instant,
    /// When the honest client has asked its last question.
    last: Duration,
    /// How long the honest client waits for an answer.
    patience: Duration,
}

impl Times {
    /// When the silent clients leave.
    fn end(&self) -> Duration {
        self.last + self.patience
    }
}

/// A question of the honest client.
struct Question {
    asked: Duration,
    /// How long the honest client waited for its answer, the times that it was turned away included. None if it gave up.
    waited: Option<Duration>,
}

impl Question {
    fn bar(&self, patience: Duration) -> Bar {
        let to = self.asked + self.waited.unwrap_or(patience);
        let series = usize::from(self.waited.is_none());
        Bar { series, from: self.asked.as_secs_f64(), to: to.as_secs_f64(), label: None }
    }
}

fn ask_again_and_again(addr: SocketAddr, times: Times) -> Vec<Question> {
    let mut questions = Vec::new();
    while times.begin.elapsed() < times.last {
        questions.push(Question { asked: times.begin.elapsed(), waited: insist(addr, times.patience) });
        thread::sleep(PAUSE);
    }
    questions
}

/// How long the honest client waits for its answer, unless it gives up.
fn insist(addr: SocketAddr, patience: Duration) -> Option<Duration> {
    let begin = Instant::now();
    loop {
        let left = patience.checked_sub(begin.elapsed()).filter(|left| !left.is_zero())?;
        match ask(addr, left) {
            Ok(_) => return Some(begin.elapsed()),
            Err(GAVE_UP) => return None,
            Err(_) => thread::sleep(RETRY),
        }
    }
}

/// What came of the flood.
struct Silent {
    /// How many silent clients were connected, for a moment at least.
    connected: usize,
    /// The most descriptors that the server had meanwhile.
    descriptors: usize,
}

/// So many silent clients come and stay. One that the server disconnects doesn't come back.
fn flood(addr: SocketAddr, pid: u32, connections: usize, times: Times) -> io::Result<Silent> {
    thread::sleep(CALM.saturating_sub(times.begin.elapsed()));
    let (mut clients, mut most) = (Vec::new(), 0);
    while times.begin.elapsed() < times.end() {
        let more = STEP.0.min(connections - clients.len());
        clients.extend((0..more).map(|_| TcpStream::connect_timeout(&addr, TIMEOUT)));
        thread::sleep(STEP.1);
        most = most.max(descriptors(pid)?);
    }
    Ok(Silent { connected: clients.iter().filter(|client| client.is_ok()).count(), descriptors: most })
}

/// The figures of a server, of which `last` is its last line.
fn row(name: &str, silent: &Silent, questions: &[Question], threads: usize, last: &str) -> [String; 11] {
    let in_flood: Vec<_> = questions.iter().filter(|question| question.asked >= CALM).collect();
    let mut waits: Vec<_> =
        in_flood.iter().map(|question| question.waited.unwrap_or(Duration::MAX)).collect();
    waits.sort();
    let gave_up = waits.iter().filter(|wait| **wait == Duration::MAX).count();
    let wait = |wait: Option<&Duration>| match wait {
        None => "-".to_owned(),
        Some(&Duration::MAX) => GAVE_UP.to_owned(),
        Some(wait) => format!("{:.1}", wait.as_secs_f64() * 1e3),
    };
    let mut totals = last
        .strip_prefix("Served ")
        .unwrap_or_default()
        .split(|char: char| !char.is_ascii_digit())
        .filter(|word| !word.is_empty());
    let mut total = || totals.next().unwrap_or("-").to_owned();
    [
        name.to_owned(),
        silent.connected.to_string(),
        waits.len().to_string(),
        gave_up.to_string(),
        wait(waits.get(waits.len() / 2)),
        wait(waits.last()),
        silent.descriptors.to_string(),
        threads.to_string(),
        total(),
        total(),
        total(),
    ]
}
