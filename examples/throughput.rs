//! What a task costs: on a mutex around a receiver, on a `SharedReceiver`, and on an `Executor`.
//!
//! ```console
//! $ cargo run --release --example throughput
//! ```
//!
//! The first two are pools of closures, without handles, panics caught or tasks cancelled. They differ only in what the
//! library's `recv` does before it blocks. All take turns, round after round, so that whatever else the machine does
//! meets them all alike.

mod support;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Instant;

use pool_recipes::{BuildError, Executor, SharedReceiver};

use support::arguments::Arguments;
use support::log;
use support::table::table;

type Job = Box<dyn FnOnce() + Send>;

/// A pool under test: submits so many tasks, each of which returns its number, and then adds up their results.
type Pool = Box<dyn Fn(usize) -> usize + Sync>;

/// What is done with a pool and so many tasks.
type Load = fn(&Pool, usize);

fn main() -> ExitCode {
    let mut arguments = Arguments::new("Shows what a task costs, in some 15 s.");
    let rounds = arguments.number_or(9, "--rounds N", "how often, of which the median counts", 1..=1000);
    arguments.finish();
    log::outcome(throughput(rounds))
}

fn throughput(rounds: usize) -> Result<(), Box<dyn Error>> {
    let header = ["load", "workers", "Mutex<Receiver>", "SharedReceiver", "Executor"];
    let mut rows = vec![header.map(str::to_owned)];
    for workers in [2, 8, 128] {
        let pools = [with_mutex(workers)?, with_shared_receiver(workers)?, with_executor(workers)?];
        let loads: [(&str, usize, Load); 3] = [
            ("bulk", 20_000, at_once),
            ("four submitters", 20_000, by_four),
            ("round trip", 1_000, one_by_one),
        ];
        for (load, tasks, run) in loads {
            let mut times = [const { Vec::new() }; 3];
            for _ in 0..rounds {
                for (pool, times) in pools.iter().zip(&mut times) {
                    let start = Instant::now();
                    run(pool, tasks);
                    times.push(start.elapsed().as_nanos() / tasks as u128);
                }
            }
            let [mutex, shared, executor] = times.map(|mut times| {
                times.sort_unstable();
                format!("{} ns", times[rounds / 2])
            });
            rows.push([load.to_owned(), workers.to_string(), mutex, shared, executor]);
        }
    }
    log::line(table(&rows).trim_end());
    Ok(())
}

/// Submits all tasks, then reads all results.
fn at_once(pool: &Pool, tasks: usize) {
    assert_eq!(pool(tasks), tasks * (tasks - 1) / 2, "a result is lost");
}

/// Submits and reads a quarter of the tasks from each of four threads.
fn by_four(pool: &Pool, tasks: usize) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| at_once(pool, tasks / 4));
        }
    });
}

/// Submits a task when the result of the one before is there.
fn one_by_one(pool: &Pool, tasks: usize) {
    for _ in 0..tasks {
        at_once(pool, 1);
    }
}

fn with_mutex(workers: usize) -> io::Result<Pool> {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..workers {
        let receiver = Arc::clone(&receiver);
        thread::Builder::new().spawn(move || {
            loop {
                let job = receiver.lock().unwrap().recv();
                let Ok(job) = job else { break };
                job();
            }
        })?;
    }
    Ok(Box::new(move |tasks| send_and_add(&jobs, tasks)))
}

fn with_shared_receiver(workers: usize) -> io::Result<Pool> {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let receiver = SharedReceiver::new(receiver);
    for _ in 0..workers {
        let receiver = receiver.clone();
        thread::Builder::new().spawn(move || receiver.for_each(|job| job()))?;
    }
    Ok(Box::new(move |tasks| send_and_add(&jobs, tasks)))
}

fn send_and_add(jobs: &mpsc::Sender<Job>, tasks: usize) -> usize {
    let (results, all) = mpsc::channel();
    for n in 0..tasks {
        let results = results.clone();
        jobs.send(Box::new(move || results.send(n).unwrap())).unwrap();
    }
    drop(results);
    all.iter().sum()
}

fn with_executor(workers: usize) -> Result<Pool, BuildError> {
    let pool = Executor::new(workers)?;
    Ok(Box::new(move |tasks| {
        let handles: Vec<_> = (0..tasks).map(|n| pool.submit(move || n)).collect();
        handles.into_iter().map(|handle| handle.result().unwrap()).sum()
    }))
}
