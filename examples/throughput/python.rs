//! Python's pool under the same loads, measured inside Python.

use std::process::Command;

use crate::LOADS;

/// Prints the nanoseconds a task of each load, in the order of the table.
const SCRIPT: &str = r#"
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
workers, tasks = map(int, sys.argv[1:])
pool = ThreadPoolExecutor(workers)
clock = time.perf_counter_ns

def run(tasks, work=lambda n: n):
    futures = [pool.submit(work, n) for n in range(tasks)]
    assert sum(future.result() for future in futures) == tasks * (tasks - 1) // 2

def block(n):
    time.sleep(0.001)
    return n

def four_submitters():
    threads = [threading.Thread(target=run, args=(tasks // 4,)) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

def round_trips():
    for _ in range(tasks // 10): run(1)

def timed(tasks, load, *arguments):
    start = clock()
    load(*arguments)
    return (clock() - start) // tasks

def lone_task():
    time.sleep(0.002)
    return timed(1, run, 1)

run(workers * 4, block)  # starts all the workers
print(timed(tasks, run, tasks))
print(timed(tasks, four_submitters))
print(timed(tasks // 10, round_trips))
print(sum(lone_task() for _ in range(tasks // 500)) // (tasks // 500))
print("-")
print(timed(tasks // 4, run, tasks // 4, block) if workers == 128 else "-")
"#;

/// One round of every load; none for a load that isn't run. The error says in a line why there are no figures.
pub fn measure(workers: usize, tasks: usize) -> Result<[Option<u128>; LOADS.len()], String> {
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT, &workers.to_string(), &tasks.to_string()]);
    let output = python.output().map_err(|error| format!("python3 can't be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Vec<_> = text.lines().map(|line| line.parse().ok()).collect();
    times.try_into().map_err(|_| format!("python3 has no figures: {}", output.status))
}
