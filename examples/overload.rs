//! The same flood against a plain pool, and against one that bounds its queue and its patience.
//!
//! ```console
//! $ cargo run --release --example overload
//! ```
//!
//! Both servers are the example `executor`, each in a process of its own on the loopback, side by side. Silent clients
//! come to both, and an honest one asks each of them again and again. Only Linux says what this costs a server.

mod support;

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use pool_recipes::Usage;
use support::arguments::{Arguments, Seconds, Whole};
use support::log;
use support::server::{MOST, RESERVE, Server, TIMEOUT, ask, descriptors, is_timeout, open_files};
use support::svg::Chart;
use support::table::{Table, number};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SERVERS: [&str; 2] = ["plain", "protected"];

/// Before the flood.
const CALM: Duration = Duration::from_secs(1);

/// Between two questions of the honest client.
const PAUSE: Duration = Duration::from_millis(50);

/// So many clients of the flood come at a time, and so long after the others: a server's backlog has room for some 100,
/// and whom it has no room for tries again a second later.
const STEP: (usize, Duration) = (50, Duration::from_millis(10));

/// How soon the honest client comes back when it was turned away.
const RETRY: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    log::outcome(overload())
}

fn overload() -> Outcome {
    let mut arguments = Arguments::new("Shows what a bounded queue and an idle timeout do in a flood.");
    let Whole(asked) = arguments.value(
        "--connections N",
        "how many are silent, if so many files may be open",
        Whole::<1>(2000),
    );
    let Whole(queue) =
        arguments.value("--queue N", "how many may wait in the protected one", Whole::<1, 1_000_000>(64));
    let help = "how long a client may be silent there";
    let Seconds(idle) = arguments.value("--idle-timeout SECONDS", help, Seconds(Duration::from_secs(1)));
    let Seconds(time) = arguments.value(
        "--seconds N",
        "how long the honest client asks in the flood",
        Seconds(Duration::from_secs(4)),
    );
    let svg: Option<PathBuf> = arguments.optional("--svg FILE", "where to draw the honest client's waits");
    arguments.finish();

    // Where the system doesn't say what a process uses, there is less to see.
    Usage::current()?;
    let connections = asked.min(MOST).min(open_files().saturating_sub(RESERVE) / 2);
    if connections == 0 {
        return Err(format!("{} open files, the limit here, are too few for a flood", open_files()).into());
    }
    log::line(format_args!("{} silent connections to each server.\n", number(connections, 0)));

    let limits = ["--queue", &queue.to_string(), "--idle-timeout", &idle.as_secs_f64().to_string()];
    // Nobody needs the grace: the honest client is gone by then.
    let start =
        |limits: &[&str]| Server::start("executor", &[limits, &["--grace", "0.1"]].concat(), Stdio::piped());
    let servers = [start(&[])?, start(&limits)?];
    // Longer than it may take, to see that it takes no longer.
    let patience = idle + Duration::from_millis(1500);
    let begin = Instant::now();
    let watched = thread::scope(|scope| {
        let watches = servers.map(|server| {
            let (addr, pid) = (server.addr, server.pid());
            let flood = scope.spawn(move || flood(addr, connections, pid, begin + CALM, time + patience));
            let waits = scope.spawn(move || ask_again_and_again(addr, patience, begin, CALM + time));
            (server, waits, flood)
        });
        watches.map(|(server, waits, flood)| {
            let panicked = "no client panics";
            (server, waits.join().expect(panicked), flood.join().expect(panicked))
        })
    });

    let mut table = Table::new([
        "server",
        "asked",
        "gave up",
        "median ms",
        "worst ms",
        "served",
        "shed",
        "timed out",
        "descriptors",
        "threads",
    ]);
    let mut lines = Vec::new();
    for (name, (server, waits, descriptors)) in SERVERS.iter().zip(watched) {
        let threads = server.usage()?.threads;
        // Now that the flood is gone, it serves who is left in its queue.
        server.settle(0)?;
        table.row(row(name, &waits, descriptors?, threads, &server.stop()?));
        lines.push(waits.iter().map(|(at, wait)| (*at, wait.unwrap_or(patience).as_secs_f64())).collect());
    }
    log::line(table);
    log::line(EXPLANATION);
    if let Some(path) = svg {
        let (title, y) =
            ("How long does the honest client wait?", "seconds of waiting (or until it gives up)");
        let picture = Chart { title, x: "seconds since the start", y, series: &SERVERS };
        fs::write(&path, picture.lines(&lines)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

const EXPLANATION: &str = "\
The waits are those of the honest client since the flood began. Turned away, it tries again; when it gives up, all of
its patience counts. The plain server leaves it standing behind the silent ones forever. The protected one sheds clients
for whom it has no place, and disconnects the silent ones: nobody waits much longer than the idle timeout.
It is no cure for everything: a flood that keeps coming back competes for the places, and a client that sends a byte now
and then keeps its worker.";

/// When the honest client asks, in seconds since the start, and how long it waits for its answer, unless it gives up.
fn ask_again_and_again(
    addr: SocketAddr,
    patience: Duration,
    begin: Instant,
    time: Duration,
) -> Vec<(f64, Option<Duration>)> {
    let mut waits = Vec::new();
    while begin.elapsed() < time {
        let at = begin.elapsed().as_secs_f64();
        waits.push((at, insist(addr, patience)));
        thread::sleep(PAUSE);
    }
    waits
}

/// How long the honest client waits for its answer, the times that it is turned away included.
fn insist(addr: SocketAddr, patience: Duration) -> Option<Duration> {
    let begin = Instant::now();
    loop {
        let left = patience.checked_sub(begin.elapsed()).filter(|left| !left.is_zero())?;
        match ask(addr, left) {
            Ok(_) => return Some(begin.elapsed()),
            Err(error) if is_timeout(error.kind()) => return None,
            Err(_) => thread::sleep(RETRY),
        }
    }
}

/// So many silent clients, who stay for so long. Whom the server closes doesn't come back. Returns the most descriptors
/// that the server has had meanwhile.
fn flood(
    addr: SocketAddr,
    connections: usize,
    pid: u32,
    begin: Instant,
    time: Duration,
) -> io::Result<usize> {
    thread::sleep(begin.saturating_duration_since(Instant::now()));
    let (mut silent, mut most) = (Vec::new(), 0);
    while begin.elapsed() < time {
        let more = STEP.0.min(connections - silent.len());
        silent.extend((0..more).map(|_| TcpStream::connect_timeout(&addr, TIMEOUT)));
        thread::sleep(STEP.1);
        most = most.max(descriptors(pid)?);
    }
    Ok(most)
}

/// The figures of a server, of which `totals` is its last line.
fn row(
    name: &str,
    waits: &[(f64, Option<Duration>)],
    descriptors: usize,
    threads: usize,
    totals: &str,
) -> [String; 10] {
    let flooded: Vec<_> =
        waits.iter().filter(|(at, _)| *at >= CALM.as_secs_f64()).map(|(_, wait)| *wait).collect();
    let mut answered: Vec<_> = flooded.iter().flatten().collect();
    answered.sort();
    let gave_up = flooded.len() - answered.len();
    // Who gave up waited longer than all the others.
    let wait = |index: usize| {
        answered
            .get(index)
            .map_or("gave up".to_owned(), |wait: &&Duration| number(wait.as_secs_f64() * 1e3, 1))
    };
    let totals: Vec<_> =
        totals.split(|char: char| !char.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    let total = |index: usize| totals.get(index).map_or("?".to_owned(), |total| (*total).to_owned());
    [
        name.to_owned(),
        number(flooded.len(), 0),
        number(gave_up, 0),
        wait(flooded.len() / 2),
        wait(flooded.len().saturating_sub(1)),
        total(0),
        total(1),
        total(2),
        number(descriptors, 0),
        number(threads, 0),
    ]
}
