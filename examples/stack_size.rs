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

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, ErrorKind, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs, str};

use pool_recipes::{Executor, Usage};

use support::arguments::{Arguments, MOST_THREADS};
use support::log;
use support::svg::{Bar, Chart};
use support::table::table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The rows: stack, the `MALLOC_ARENA_MAX` of the process, and what the recipe says of 2,000 threads in Python.
const ROWS: [(&str, usize, Option<&str>, &str); 5] = [
    ("8 MiB", 8 << 20, None, "-"),
    ("2 MiB, std's default", 2 << 20, None, "over 9,000 / 70"),
    ("64 KiB", 65_536, None, "210 / 70"),
    ("64 KiB, one arena", 65_536, Some("1"), "210 / 70"),
    ("32 KiB, the least", 32_768, None, "-"),
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
    let help = "how many wait at once";
    let threads = arguments.number_or(2000, "--threads N", help, 1..=MOST_THREADS);
    let svg = arguments.text("--svg FILE", "where to draw the figures");
    arguments.finish();

    match Usage::current() {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            log::print(format!("No figures: {error}.\n"))?;
        }
        _ => memory(threads, svg)?,
    }
    refusals()?;
    if cfg!(target_os = "linux") {
        limits()?;
    }
    Ok(())
}

/// What the threads use, as a table and, if `svg` says where, as a picture.
fn memory(threads: usize, svg: Option<String>) -> Outcome {
    const MB: f64 = 1e6;
    let picture =
        svg.map(|path| File::create(&path).map_err(|error| format!("{path}: {error}"))).transpose()?;
    let title = format!("The memory of {threads} threads that wait");
    log::print(format!("{title} (1 MB is 1,000,000 bytes)\n"))?;

    let titles =
        ["stack", "threads", "virtual MB", "real MB", "bytes/thread", "start ms", "join ms", "recipe's MB"];
    let mut rows = vec![titles.map(str::to_owned)];
    let mut bars = Vec::new();
    for (name, stack, arenas, recipe) in ROWS {
        let [count, reserved, real, alone, start, join] =
            measure(threads, stack, arenas).map_err(|error| format!("{name}: {error}"))?;
        rows.push([
            name.to_owned(),
            format!("{count}"),
            format!("{:.1}", reserved / MB),
            format!("{:.1}", real / MB),
            format!("{:.0}", (real - alone) / (count - 1.0)),
            format!("{:.0}", start * 1e3),
            format!("{:.0}", join * 1e3),
            recipe.to_owned(),
        ]);
        for (series, (name, bytes)) in [(name, reserved), ("", real)].into_iter().enumerate() {
            let (to, label) = (bytes / MB, Some(format!("{:.1}", bytes / MB)));
            bars.push((name.to_owned(), vec![Bar { series, from: 0.0, to, label }]));
        }
    }
    log::print(table(&rows))?;
    log::print(EXPLANATION)?;
    if let Some(mut file) = picture {
        let (x, series) = ("MB (1,000,000 bytes)", &["virtual", "real"]);
        file.write_all(Chart { title: &title, x, series, ticks: &[] }.draw(&bars).as_bytes())?;
    }
    Ok(())
}

const EXPLANATION: &str = "\
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
    let alone = alone.resident_bytes;
    log::print(format!("{threads} {virtual_bytes} {resident_bytes} {alone} {start} {join}"))?;
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
    log::print("What can't be had:\n")?;
    for (asked, answer) in [
        ("a stack of 1,000 bytes", refusal(1000)),
        ("96 KiB on a stack of 64 KiB", format!("the process ends: {overflow}")),
        ("a stack of 1/4 of all addresses", refusal(usize::MAX / 4)),
    ] {
        log::print(format!("{asked:<31}  {answer}"))?;
    }
    Ok(())
}

/// Puts more on a stack than fits.
fn overflow() -> Outcome {
    let pool = Executor::builder().workers(1).stack_size(65_536).build()?;
    #[expect(clippy::large_stack_arrays, reason = "it is what doesn't fit")]
    pool.submit(|| _ = black_box([0_u8; 98_304])).result()?;
    Ok(())
}

/// Prints where the system stops, as far as it says so.
fn limits() -> Outcome {
    log::print("\nWhere the system stops:\n")?;
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
            log::print(format!("{limit:<60}  {value:>9}"))?;
        }
    }
    Ok(())
}

/// A command that runs this program as a child of itself.
fn this_program() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(CHILD);
    Ok(command)
}
