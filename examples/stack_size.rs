//! What a waiting thread costs: 2,000 of them at once, on stacks of different sizes.
//!
//! ```console
//! $ cargo run --release --example stack_size
//! ```
//!
//! The system says what a process uses, all its threads together. So each size is measured in a process of its
//! own, which is this program once more. Then it asks for what it can't have: a stack that is too small, more
//! than fits on one, a stack that is too large.

mod support;

use pool_recipes::{Executor, Usage};
use std::error::Error;
use std::hint::black_box;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs, str};
use support::arguments::{Arguments, Whole};
use support::log;
use support::svg::Chart;
use support::table::{Table, bar, number};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The rows: stack, the `MALLOC_ARENA_MAX` of the process, and what the recipe says of 2,000 threads in Python.
const ROWS: [(&str, usize, Option<&str>, &str); 5] = [
    ("2 MiB, std's default", 2 << 20, None, "over 9,000 / 70"),
    ("8 MiB", 8 << 20, None, "-"),
    ("64 KiB", 65_536, None, "210 / 70"),
    ("32 KiB, the least", 32_768, None, "-"),
    ("64 KiB, one arena", 65_536, Some("1"), "210 / 70"),
];

/// What this program says to itself, before what it is to do.
const CHILD: &str = "--child";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).map(|raw| raw.to_string_lossy().into_owned()).collect();
    log::outcome(match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [CHILD, "wait", threads, stack] => wait(threads, stack),
        [CHILD, "overflow"] => overflow(),
        _ => stack_size(),
    })
}

fn stack_size() -> Outcome {
    let mut arguments = Arguments::new("Shows what waiting threads cost, and where their limits are.");
    let Whole(threads) = arguments.value("--threads N", "how many wait at once", Whole::<1>(2000));
    let svg: Option<PathBuf> = arguments.optional("--svg FILE", "where to draw the figures");
    arguments.finish();

    match Usage::current() {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            log::line(format_args!("No figures: {error}.\n"));
        }
        _ => memory(threads, svg)?,
    }
    refusals()?;
    if cfg!(target_os = "linux") {
        limits();
    }
    Ok(())
}

/// What the threads use, as tables, bars and, if `svg` says where, a picture.
fn memory(threads: usize, svg: Option<PathBuf>) -> Outcome {
    const MB: f64 = 1e6;
    let mut table = Table::new([
        "stack",
        "threads",
        "virtual MB",
        "real MB",
        "bytes/thread",
        "start ms",
        "join ms",
        "recipe's MB",
    ]);
    let mut bars = Vec::new();
    for (name, stack, arenas, recipe) in ROWS {
        let [count, reserved, real, alone, start, join] =
            measure(threads, stack, arenas).map_err(|error| format!("{name}: {error}"))?;
        table.row([
            name.to_owned(),
            number(count, 0),
            number(reserved / MB, 1),
            number(real / MB, 1),
            number((real - alone) / (count - 1.0), 0),
            number(start * 1e3, 0),
            number(join * 1e3, 0),
            recipe.to_owned(),
        ]);
        bars.push((name, vec![reserved / MB, real / MB]));
    }
    let title = format!("The memory of {} threads that wait", number(threads, 0));
    log::line(format_args!("{title} (1 MB is 1,000,000 bytes)\n\n{table}"));

    let most = bars.iter().map(|(_, values)| values[0]).fold(0.0, f64::max);
    for (name, values) in &bars {
        log::line(format_args!("{name:<20}  virtual  {} {}", bar(values[0], most), number(values[0], 1)));
        log::line(format_args!("{:<20}  real     {} {}", "", bar(values[1], most), number(values[1], 1)));
    }
    log::line(EXPLANATION);
    if let Some(path) = svg {
        let (x, y, series) = ("MB (1,000,000 bytes)", "stack of each thread", &["virtual", "real"]);
        let picture = Chart { title: &title, x, y, series }.bars(&bars);
        fs::write(&path, picture).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

const EXPLANATION: &str = "
A stack is a range of addresses. A page of it becomes real memory when it is first touched, and a thread that
waits has touched two or three. (What the kernel keeps of each thread, some 24 KB, is in no process's figures.)
What the recipe doesn't mention: with glibc, the first threads that allocate get an arena each, 64 MiB of addresses,
up to 8 a core. With small stacks these are most of the virtual memory, until MALLOC_ARENA_MAX=1.
";

/// Has a process of its own [`wait`], and returns the figures that it prints.
fn measure(threads: usize, stack: usize, arenas: Option<&str>) -> Outcome<[f64; 6]> {
    let mut child = this_program()?;
    child.args(["wait", &threads.to_string(), &stack.to_string()]).env_remove("MALLOC_ARENA_MAX");
    if let Some(arenas) = arenas {
        child.env("MALLOC_ARENA_MAX", arenas);
    }
    let output = child.output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(error.trim_start_matches("error: ").trim_end().into());
    }
    let figures: Result<Vec<_>, _> =
        str::from_utf8(&output.stdout)?.split_whitespace().map(str::parse).collect();
    figures?.try_into().map_err(|figures| format!("not what was expected: {figures:?}").into())
}

/// Starts so many threads, lets them go, and prints what they used and how long that took.
fn wait(threads: &str, stack: &str) -> Outcome {
    let alone = Usage::current()?;
    let begin = Instant::now();
    // The hook does nothing. But `build` waits until every worker has run it, and so is there.
    let pool = Executor::builder()
        .workers(threads.parse()?)
        .stack_size(stack.parse()?)
        .on_worker_start(|| ())
        .build()?;
    let start = begin.elapsed().as_secs_f64();
    let Usage { threads, virtual_bytes, resident_bytes, .. } = Usage::current()?;
    let begin = Instant::now();
    pool.shutdown();
    let join = begin.elapsed().as_secs_f64();
    log::line(format_args!(
        "{threads} {virtual_bytes} {resident_bytes} {} {start} {join}",
        alone.resident_bytes
    ));
    Ok(())
}

/// Asks for what there is not.
fn refusals() -> Outcome {
    let refusal = |stack| match Executor::builder().workers(1).stack_size(stack).build() {
        Ok(_) => "is there".to_owned(),
        Err(error) => error.to_string(),
    };
    // What it says on stderr would look as if this process had crashed.
    let overflow = this_program()?.arg("overflow").stderr(Stdio::null()).status()?;
    log::line("What can't be had:\n");
    for (asked, answer) in [
        ("a stack of 1,000 bytes", refusal(1000)),
        ("64 KiB on a stack of 64 KiB", format!("the process ends: {overflow}")),
        ("a stack of 1/4 of all addresses", refusal(usize::MAX / 4)),
    ] {
        log::line(format_args!("{asked:<31}  {answer}"));
    }
    Ok(())
}

/// Puts more on a stack than fits.
fn overflow() -> Outcome {
    let pool = Executor::builder().workers(1).stack_size(65_536).build()?;
    #[expect(clippy::large_stack_arrays, reason = "it is what doesn't fit")]
    pool.submit(|| _ = black_box([0_u8; 65_536])).result()?;
    Ok(())
}

/// Prints where the system stops, as far as it says so.
fn limits() {
    log::line("\nWhere the system stops:\n");
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let user = read("/proc/self/limits");
    let user = user.lines().find_map(|line| line.strip_prefix("Max processes")?.split_whitespace().next());
    for (limit, value) in [
        ("threads of a user (RLIMIT_NPROC)", user.unwrap_or_default()),
        ("threads of a container (pids.max)", &read("/sys/fs/cgroup/pids.max")),
        ("threads of the machine (threads-max)", &read("/proc/sys/kernel/threads-max")),
        ("the highest number that a thread can have (pid_max)", &read("/proc/sys/kernel/pid_max")),
        ("mappings of a process (max_map_count), 4 for each thread", &read("/proc/sys/vm/max_map_count")),
    ] {
        if let Ok(value) = value.trim().parse::<u64>() {
            log::line(format_args!("{limit:<60}  {:>9}", number(value, 0)));
        }
    }
}

/// A command that runs this program as a child of itself.
fn this_program() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(CHILD);
    Ok(command)
}
