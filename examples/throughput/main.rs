//! What a task costs on six pools, from the library's to Python's, under six loads.
//!
//! ```console
//! $ cargo run --release --example throughput
//! ```
//!
//! The pools take turns, round after round. So whatever else the machine does slows all of them alike.

mod pools;
mod python;
#[path = "../stages/stage8_whole_pool.rs"]
mod stage8_whole_pool;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{array, thread};

use pools::Pool;
use support::arguments::{Arguments, MOST_THREADS};
use support::log;
use support::svg::{Bar, Chart};
use support::table::table;

const POOLS: [&str; 6] = ["Executor", "stage 8", "SharedReceiver", "Mutex", "thread a task", "Python"];
const LOADS: [&str; 6] =
    ["bulk", "four submitters", "round trip", "lone task", "nested chain", "blocks 1 ms"];

/// More than any pool here has workers: a pool whose waiting workers block can't finish such a chain.
const DEPTH: usize = 200;

/// After this time without a task, all workers are asleep.
const PAUSE: Duration = Duration::from_millis(2);

const NOTES: &str = "\
Each cell: how many times the Executor's time, then the time a task.
nested chain  –: each task waits for the next. On these pools that blocks every worker, forever.
blocks 1 ms   –: run on 128 workers only.";

/// The times of one load on one pool, in nanoseconds a task: one for each round.
type Times = Vec<u128>;

fn main() -> ExitCode {
    log::outcome(throughput())
}

fn throughput() -> Result<(), Box<dyn Error>> {
    let mut arguments = Arguments::new("Shows what a task costs on six pools, in less than a minute.");
    let rounds = arguments.number_or(9, "--rounds N", "how often, of which the median counts", 1..=1000);
    let help = "how many tasks the largest loads have";
    let tasks = arguments.number_or(5000, "--tasks N", help, 500..=MOST_THREADS);
    let svg = arguments.text("--svg FILE", "where to draw the ratios");
    arguments.finish();
    let picture =
        svg.map(|path| File::create(&path).map_err(|error| format!("{path}: {error}"))).transpose()?;

    let mut results = Vec::new();
    for workers in [2, 8, 128] {
        log::line(format_args!("{workers} workers: {rounds} rounds of {} pools ...", POOLS.len()));
        results.push((workers, measure(workers, rounds, tasks)?));
    }
    let blocking = tasks / 4;
    let ideal = blocking.div_ceil(128) * 1000 / blocking;
    let table = table(&rows(&results));
    log::line(format_args!("\n{}\n\n{NOTES} The ideal is {ideal} µs a task.", table.trim_end()));
    if let Err(reason) = python::measure(2, 500) {
        log::line(format_args!("Python        –: {reason}"));
    }
    if let Some(mut file) = picture {
        file.write_all(draw(&results).as_bytes())?;
    }
    Ok(())
}

/// The median time of each load on each pool, where the pool can do it.
type Medians = [[Option<u128>; POOLS.len()]; LOADS.len()];

fn measure(workers: usize, rounds: usize, tasks: usize) -> Result<Medians, Box<dyn Error>> {
    let pools = pools::all(workers)?;
    let mut times: [[Times; POOLS.len()]; LOADS.len()] = Default::default();
    for round in 0..rounds {
        for (load, times) in times.iter_mut().enumerate() {
            // Each round begins with another pool, so that none always follows the same one.
            for turn in round..round + pools.len() {
                let pool = turn % pools.len();
                times[pool].extend(run(LOADS[load], pools[pool].as_ref(), workers, tasks)?);
            }
        }
        for (load, nanoseconds) in python::measure(workers, tasks).into_iter().flatten().enumerate() {
            times[load][POOLS.len() - 1].extend(nanoseconds);
        }
    }
    Ok(times.map(|load| load.map(median)))
}

/// One round of a load on a pool, in nanoseconds a task; none where the pool can't do it.
fn run(load: &str, pool: &dyn Pool, workers: usize, tasks: usize) -> io::Result<Option<u128>> {
    let start = Instant::now();
    let tasks = match load {
        "bulk" => {
            pool.run(tasks, |n| n)?;
            tasks
        }
        "four submitters" => {
            four_submitters(pool, tasks / 4)?;
            tasks / 4 * 4
        }
        "round trip" => {
            (0..tasks / 10).try_for_each(|_| pool.run(1, |n| n))?;
            tasks / 10
        }
        "lone task" => return lone_tasks(pool, tasks / 500).map(Some),
        "nested chain" if pool.chain(DEPTH) => DEPTH,
        "blocks 1 ms" if workers == 128 => {
            pool.run(tasks / 4, |n| {
                thread::sleep(Duration::from_millis(1));
                n
            })?;
            tasks / 4
        }
        _ => return Ok(None),
    };
    Ok(Some(start.elapsed().as_nanos() / tasks as u128))
}

/// Submits so many tasks from each of four threads.
fn four_submitters(pool: &dyn Pool, tasks: usize) -> io::Result<()> {
    thread::scope(|scope| {
        let submitters = [(); 4].map(|()| scope.spawn(|| pool.run(tasks, |n| n)));
        submitters.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(lost())))
    })
}

/// Submits each task when all workers are asleep. The pause before it doesn't count.
fn lone_tasks(pool: &dyn Pool, tasks: usize) -> io::Result<u128> {
    let mut time = Duration::ZERO;
    for _ in 0..tasks {
        thread::sleep(PAUSE);
        let start = Instant::now();
        pool.run(1, |n| n)?;
        time += start.elapsed();
    }
    Ok(time.as_nanos() / tasks as u128)
}

fn lost() -> io::Error {
    io::Error::other("a submitter panicked")
}

fn median(mut times: Times) -> Option<u128> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// A row for each load and number of workers.
fn rows(results: &[(usize, Medians)]) -> Vec<[String; 8]> {
    let header = |column| match column {
        0 => "load",
        1 => "workers",
        _ => POOLS[column - 2],
    };
    let mut rows = vec![array::from_fn(|column| header(column).to_owned())];
    for (load, name) in LOADS.iter().enumerate() {
        for (workers, medians) in results {
            let Some(executor) = medians[load][0] else { continue };
            rows.push(array::from_fn(|column| match column {
                0 => (*name).to_owned(),
                1 => workers.to_string(),
                _ => cell(medians[load][column - 2], executor),
            }));
        }
    }
    rows
}

fn cell(time: Option<u128>, of: u128) -> String {
    let Some(time) = time else { return "–".to_owned() };
    let ratio = ratio(time, of);
    if time < 1000 {
        format!("{ratio:.1}x {time} ns")
    } else {
        format!("{ratio:.1}x {}.{} µs", time / 1000, time % 1000 / 100)
    }
}

/// Bars for three of the pools under three of the loads.
fn draw(results: &[(usize, Medians)]) -> String {
    let mut rows = Vec::new();
    for load in [0, 2, 3] {
        for (workers, medians) in results {
            let [Some(executor), stage, _, mutex, ..] = medians[load] else { continue };
            for (series, time) in [Some(executor), stage, mutex].into_iter().enumerate() {
                let Some(time) = time else { continue };
                let name =
                    if series == 0 { format!("{}, {workers} workers", LOADS[load]) } else { String::new() };
                let to = ratio(time, executor);
                rows.push((
                    name,
                    vec![Bar { series, from: 0.0, to, label: Some(cell(Some(time), executor)) }],
                ));
            }
        }
    }
    let series = &[POOLS[0], POOLS[1], POOLS[3]];
    let title = "What a task costs, as a multiple of the Executor's time";
    Chart { title, x: "times the Executor's time", series, ticks: &[] }.draw(&rows)
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
fn ratio(time: u128, of: u128) -> f64 {
    time as f64 / of.max(1) as f64
}
