//! Work for the cores: the same count of primes by 1, 2, 4, … workers, and beside 2,000 more that wait.
//!
//! ```console
//! $ cargo run --release --example cpu_bound
//! ```
//!
//! Where there is a `python3`, it does a part of the same work with its `ThreadPoolExecutor`. All of them take turns,
//! round after round, so that whatever else the machine does meets them all alike.

mod support;

use std::error::Error;
use std::ops::Range;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use std::{iter, thread};

use pool_recipes::{BuildError, Executor, Handle};

use support::arguments::{Arguments, MOST_THREADS};
use support::log;
use support::table::table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Before each measurement.
const PAUSE: Duration = Duration::from_millis(100);

/// Until idle workers are idle in the eyes of the scheduler too. Linux weighs a thread by what it did before it fell
/// asleep, halved every 32 ms: of 2,000 that have just started there is something left after 100 ms.
const SETTLE: Duration = Duration::from_millis(500);

/// Far more than workers: whoever is done with one takes the next, and so all finish at about the same time.
const CHUNKS: usize = 200;

/// Python counts up to this part of the number, which takes it about as long.
const PYTHON_PART: usize = 15;

fn main() -> ExitCode {
    log::outcome(cpu_bound())
}

fn cpu_bound() -> Outcome {
    let mut arguments =
        Arguments::new("Shows how cores share work, and what idle workers cost, in some 20 s.");
    let help = "count the primes below N";
    let work = arguments.number_or(1_500_000, "--work N", help, 1000..=1_000_000_000);
    let help = "how many workers wait meanwhile";
    let idle = arguments.number_or(2000, "--idle N", help, 1..=MOST_THREADS);
    let help = "how often, of which the best counts";
    let rounds = arguments.number_or(7, "--rounds N", help, 1..=1000);
    arguments.finish();

    let cores = thread::available_parallelism()?.get();
    let powers = iter::successors(Some(1), |n| Some(2 * n)).take_while(|n| *n < cores);
    let crews: Vec<_> = powers.chain([cores, 2 * cores]).collect();
    let python = python_version();

    let ours = |workers, idle| Way::new("this pool", on_the_pool, work, workers, idle);
    let mut ways: Vec<_> = crews.iter().map(|&workers| ours(workers, 0)).collect();
    ways.push(ours(cores, idle));
    if let Some(version) = &python {
        ways.extend(
            crews.iter().map(|&workers| Way::new(version, in_python, work / PYTHON_PART, workers, 0)),
        );
    }
    log::print(format!("Counting primes on {cores} cores, the best of {rounds} rounds\n"))?;
    for _ in 0..rounds {
        ways.iter_mut().try_for_each(Way::go)?;
    }
    let woken: Vec<_> = (0..rounds).map(|_| wake(idle)).collect::<Result<_, _>>()?;

    let titles = ["pool", "workers", "idle", "primes below", "found", "seconds", "speed-up"];
    let mut rows = vec![titles.map(str::to_owned)];
    for way in &ways {
        rows.push([
            way.pool.to_owned(),
            way.workers.to_string(),
            way.idle.to_string(),
            way.limit.to_string(),
            way.found.to_string(),
            format!("{:.3}", best(&way.seconds)),
            format!("{:.2}", way.speed_up(&ways)),
        ]);
    }
    log::print(table(&rows))?;
    if python.is_none() {
        log::print("No python3 here to compare with.")?;
    }
    let alone = ways.iter().find(|way| way.workers == cores);
    let beside = ways.iter().find(|way| way.idle > 0);
    if let Some((alone, beside)) = alone.zip(beside) {
        let cost = (beside.ratio(alone) - 1.0) * 100.0;
        // Adding 0.0 makes a cost that is rounded to -0.0 a plain 0.0.
        let cost = (cost * 10.0).round() / 10.0 + 0.0;
        log::print(format!("{idle} idle workers cost the busy ones {cost:.1} %."))?;
    }
    log::print(format!("All of them were awake after {:.1} ms.", best(&woken) * 1e3))?;
    Ok(())
}

/// Takes workers and a number, and says how many primes are below it and how many seconds they took to find.
type Count = fn(usize, usize) -> Outcome<(usize, f64)>;

/// One way to do the work.
struct Way<'a> {
    pool: &'a str,
    count: Count,
    /// The work is to count the primes below this.
    limit: usize,
    workers: usize,
    /// How many workers of another pool wait meanwhile.
    idle: usize,
    found: usize,
    /// How long each round took.
    seconds: Vec<f64>,
}

impl<'a> Way<'a> {
    fn new(pool: &'a str, count: Count, limit: usize, workers: usize, idle: usize) -> Self {
        Self { pool, count, limit, workers, idle, found: 0, seconds: Vec::new() }
    }

    /// Does the work once more.
    fn go(&mut self) -> Outcome {
        let waiting = (self.idle > 0).then(|| crew(self.idle)).transpose()?;
        // Without them too: a core that has rested starts slower.
        thread::sleep(if waiting.is_some() { SETTLE } else { PAUSE });
        let (found, seconds) = (self.count)(self.workers, self.limit)?;
        self.found = found;
        self.seconds.push(seconds);
        Ok(())
    }

    /// How many times as fast it is as one worker of its pool, which is the first of the pool's ways.
    fn speed_up(&self, ways: &[Self]) -> f64 {
        ways.iter().find(|one| one.pool == self.pool).map_or(1.0, |one| one.ratio(self))
    }

    /// How many times as long it takes as the `other` way.
    fn ratio(&self, other: &Self) -> f64 {
        best(&self.seconds) / best(&other.seconds)
    }
}

/// How many primes are below `limit`, and how long the workers take to find them.
fn on_the_pool(workers: usize, limit: usize) -> Outcome<(usize, f64)> {
    let chunk = limit.div_ceil(CHUNKS);
    let chunks = (2..limit).step_by(chunk).map(|start| start..limit.min(start + chunk));
    let pool = Executor::new(workers)?;
    let begin = Instant::now();
    let found = pool.map(chunks, primes).sum::<Result<usize, _>>()?;
    Ok((found, begin.elapsed().as_secs_f64()))
}

fn primes(numbers: Range<usize>) -> usize {
    numbers.filter(|n| (2..=n.isqrt()).all(|d| n % d != 0)).count()
}

/// The same by Python's own pool.
fn in_python(workers: usize, limit: usize) -> Outcome<(usize, f64)> {
    const SCRIPT: &str = "
import sys, time
from concurrent.futures import ThreadPoolExecutor

def primes(numbers):
    return sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in numbers)

workers, limit, chunk = map(int, sys.argv[1:])
chunks = [range(start, min(limit, start + chunk)) for start in range(2, limit, chunk)]
with ThreadPoolExecutor(workers) as pool:
    begin = time.perf_counter()
    found = sum(pool.map(primes, chunks))
    print(found, time.perf_counter() - begin)
";
    let arguments = [workers, limit, limit.div_ceil(CHUNKS)].map(|number| number.to_string());
    let output = Command::new("python3").args(["-c", SCRIPT]).args(arguments).output()?;
    let printed = String::from_utf8(output.stdout)?;
    let Some((found, seconds)) = printed.trim_end().split_once(' ') else {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("python3: {}", error.lines().last().unwrap_or("printed nothing")).into());
    };
    Ok((found.parse()?, seconds.parse()?))
}

/// What `python3` calls itself, if there is one.
fn python_version() -> Option<String> {
    let output = Command::new("python3").arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A pool whose workers have all started.
fn crew(workers: usize) -> Result<Executor, BuildError> {
    // The hook does nothing. But `build` waits until every worker has run it, and so is there.
    Executor::builder().workers(workers).stack_size(65_536).on_worker_start(|| ()).build()
}

/// How long it takes until all of so many workers are awake.
fn wake(workers: usize) -> Outcome<f64> {
    let pool = crew(workers)?;
    thread::sleep(PAUSE);
    // No task ends before each worker has one.
    let all = Arc::new(Barrier::new(workers));
    let begin = Instant::now();
    let tasks = iter::repeat_n(all, workers).map(|all| {
        pool.submit(move || {
            let awake = begin.elapsed();
            all.wait();
            awake
        })
    });
    let mut awake = tasks.collect::<Vec<_>>().into_iter().map(Handle::result);
    let last = awake.try_fold(Duration::ZERO, |last, awake| awake.map(|awake| last.max(awake)))?;
    Ok(last.as_secs_f64())
}

/// The shortest time: most of what disturbs a round makes it longer.
fn best(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}
