//! Builds a thread pool from nothing in eight stages, and draws which thread ran which job, and when.
//!
//! ```console
//! $ cargo run --example stages
//! $ cargo run --example stages -- 4
//! ```
//!
//! Each stage is a file beside this one. There, `// new:` stands above what the stage before doesn't have.

mod stage1_in_order;
mod stage2_thread_each;
mod stage3_one_worker;
mod stage4_guard_held;
mod stage5_guard_released;
mod stage6_orderly_end;
mod stage7_results;
mod stage8_whole_pool;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use std::{env, panic};

const HELP: &str = "\
Builds a thread pool from nothing in eight stages, and draws which thread ran which job, and when.

Usage: stages [STAGE]...    each from 1 to 8; without any, all eight
";

/// What each stage is, and what to look for in its drawing.
const STAGES: [(&str, &str); 8] = [
    ("one job after the other", "A slow job holds up every job behind it."),
    ("a thread for each job", "All jobs run at the same time. But nothing limits the number of threads."),
    ("one worker and a channel", "`main` needn't wait. But the jobs run one after the other again."),
    ("many workers, the guard held", "There are 3 workers. But a job holds the lock that all workers need."),
    ("the guard released first", "All workers run jobs. But the end of `main` would end the jobs too."),
    ("an orderly end", "Dropping the pool waited for the jobs. But nobody can learn their results."),
    ("results", "Job 2 panics (!). That ends its worker, and the handle can't say why."),
    ("panics caught", "Job 2 panics (!). Its worker lives, and the handle says why."),
];

const JOBS: u32 = 6;
const WORKERS: usize = 3;
const STACK_SIZE: usize = 65_536;
const TIME_OF_A_JOB: Duration = Duration::from_millis(100);
/// The time that one character of a row stands for.
const COLUMN: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    let mut stages = Vec::new();
    for argument in env::args_os().skip(1) {
        let argument = argument.to_string_lossy();
        match argument.parse() {
            Ok(stage @ 1..=8) => stages.push(stage),
            _ if argument == "--help" => {
                let _ = io::stdout().write_all(HELP.as_bytes());
                return ExitCode::SUCCESS;
            }
            _ => {
                let _ = writeln!(io::stderr(), "error: {argument:?}: a stage must be a number from 1 to 8");
                return ExitCode::from(2);
            }
        }
    }
    if stages.is_empty() {
        stages.extend(1..=8);
    }
    match stages.into_iter().try_for_each(show) {
        // A closed stdout is no failure: nobody reads the drawings any more.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// What a job reports when it has run.
struct Run {
    job: u32,
    panics: bool,
    thread: Thread,
    start: Instant,
    end: Instant,
}

/// Runs a stage and draws it, with a row for each thread.
fn show(stage: usize) -> io::Result<()> {
    let (report, reports) = mpsc::channel();
    let begin = Instant::now();
    let results = run(stage, (1..=JOBS).map(move |n| job(n, n == 2 && stage >= 7, report.clone())))?;
    let mut runs: Vec<Run> = reports.try_iter().collect();
    let ended = runs.len();
    // This waits for the last job. Before stage 6, the pool doesn't.
    runs.extend(reports);
    let end = runs.iter().map(|run| run.end).max().unwrap_or(begin);

    runs.sort_by_key(|run| run.start);
    let mut threads: Vec<&Thread> = Vec::new();
    for run in &runs {
        if threads.iter().all(|thread| thread.id() != run.thread.id()) {
            threads.push(&run.thread);
        }
    }
    threads.sort_by_key(|thread| thread.name());

    let mut out = io::stdout().lock();
    let (title, remark) = STAGES[stage - 1];
    writeln!(out, "stage {stage}  {title:<50} {:.2} s", (end - begin).as_secs_f64())?;
    for (n, thread) in threads.iter().enumerate() {
        let name = thread.name().map_or_else(|| format!("thread-{n}"), str::to_owned);
        let runs: Vec<_> = runs.iter().filter(|run| run.thread.id() == thread.id()).collect();
        let times = (0..).map(|column| begin + column * COLUMN + COLUMN / 2).take_while(|time| *time < end);
        let row: String = times.map(|time| symbol(&runs, time)).collect();
        writeln!(out, "  {name:<8}  {}", row.trim_end())?;
    }
    writeln!(out, "  When the stage was done, {ended} of {JOBS} jobs had ended.")?;
    if !results.is_empty() {
        writeln!(out, "  The results are {}.", results.join(", "))?;
    }
    writeln!(out, "  {remark}\n")
}

/// What a thread's row shows at a time: the number of the job that runs, or `!` where it panics.
fn symbol(runs: &[&Run], time: Instant) -> char {
    match runs.iter().find(|run| (run.start..run.end).contains(&time)) {
        Some(run) if run.panics && time + COLUMN >= run.end => '!',
        Some(run) => char::from_digit(run.job, 10).unwrap_or('?'),
        None => ' ',
    }
}

type Job = Box<dyn FnOnce() -> u32 + Send>;

/// A job that takes a while and computes the square of its number.
fn job(number: u32, panics: bool, report: Sender<Run>) -> Job {
    Box::new(move || {
        let start = Instant::now();
        thread::sleep(TIME_OF_A_JOB);
        let run = Run { job: number, panics, thread: thread::current(), start, end: Instant::now() };
        report.send(run).expect("`show` should wait for every job");
        if panics {
            // `panic!` without the panic hook, which would print a message between the drawings.
            panic::resume_unwind(Box::new("job 2 panicked"));
        }
        number * number
    })
}

/// Runs the jobs on a stage's pool, drops the pool, and returns the results if the pool has handles.
fn run(stage: usize, jobs: impl Iterator<Item = Job>) -> io::Result<Vec<String>> {
    // Before stage 7, nothing takes the result of a job.
    let without_result = |job: Job| move || _ = job();
    macro_rules! submit_all {
        ($pool:expr) => {{
            let pool = $pool;
            jobs.map(without_result).for_each(|job| pool.submit(job));
        }};
    }
    match stage {
        1 => jobs.map(without_result).for_each(stage1_in_order::submit),
        2 => jobs.map(without_result).for_each(stage2_thread_each::submit),
        3 => submit_all!(stage3_one_worker::Pool::new()),
        4 => submit_all!(stage4_guard_held::Pool::new(WORKERS)),
        5 => submit_all!(stage5_guard_released::Pool::new(WORKERS)),
        6 => submit_all!(stage6_orderly_end::Pool::new(WORKERS)),
        7 => {
            let pool = stage7_results::Pool::new(WORKERS);
            let handles: Vec<_> = jobs.map(|job| pool.submit(job)).collect();
            return Ok(handles.into_iter().map(|handle| format!("{:?}", handle.result())).collect());
        }
        _ => {
            let pool = stage8_whole_pool::Pool::new(WORKERS, STACK_SIZE)?;
            let handles: Vec<_> = jobs.map(|job| pool.submit(job)).collect();
            let results = handles.into_iter().map(stage8_whole_pool::Handle::result);
            let readable = results.map(|result| result.map_err(|panic| panic.downcast::<&str>().unwrap()));
            return Ok(readable.map(|result| format!("{result:?}")).collect());
        }
    }
    Ok(Vec::new())
}
