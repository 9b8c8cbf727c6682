//! The examples that show what threads cost: their tables and pictures say the same, and it can be true.

use std::sync::OnceLock;
use std::{env, fs, thread};

use crate::LINUX;
use crate::support::example::{assert_shows, bars, draw, figure, succeed, table};
use crate::support::server::command;

/// What `stack_size` prints, and its picture.
fn stack_size() -> &'static (String, String) {
    static RUN: OnceLock<(String, String)> = OnceLock::new();
    RUN.get_or_init(|| draw(command("stack_size", &["--threads", "50"]), "memory.svg"))
}

#[test]
fn the_memory_of_waiting_threads_is_plausible() {
    let (output, _) = stack_size();
    if !LINUX {
        assert!(output.starts_with("No figures: ") && output.contains("only Linux"), "{output}");
        return;
    }
    let rows = table(output, "stack");
    let stacks = [8 << 20, 2 << 20, 65_536, 65_536, 32_768];
    assert_eq!(rows.len(), stacks.len());
    for (row, stack) in rows.iter().zip(stacks) {
        assert_eq!(row["threads"], "51");
        let [reserved, real, each] =
            ["virtual MB", "real MB", "bytes/thread"].map(|title| figure(&row[title]));
        let stacks = f64::from(50 * stack) / 1e6;
        assert!(reserved > stacks, "{row:?}");
        assert!(1.0 < real && real < 25.0 && real < reserved, "{row:?}");
        assert!((4_000.0..250_000.0).contains(&each), "{row:?}");
        if row["stack"].contains("one arena") {
            assert!(reserved < stacks + 20.0, "{row:?}");
        }
    }
}

#[test]
fn its_picture_carries_the_figures_of_the_table() {
    let (output, svg) = stack_size();
    assert_eq!(svg.is_empty(), !LINUX);
    if svg.is_empty() {
        return;
    }
    assert_shows(svg, &["The memory of 50 threads that wait", "MB (1,000,000 bytes)"]);
    let rows = table(output, "stack");
    let most = rows.iter().map(|row| figure(&row["virtual MB"])).fold(0.0, f64::max);
    for (series, title) in ["virtual MB", "real MB"].into_iter().enumerate() {
        let drawn = bars(svg, &format!("series-{series} {}", title.trim_end_matches(" MB")));
        assert_eq!(drawn.len(), rows.len());
        for (row, bar) in rows.iter().zip(drawn) {
            assert_shows(svg, &[&row["stack"], &row[title]]);
            assert!((bar - figure(&row[title]) / most).abs() < 0.002, "{bar} of {most} for {row:?}");
        }
    }
}

#[test]
fn what_there_is_not_is_refused() {
    let (output, _) = stack_size();
    let answer = |asked: &str| {
        let line = output.lines().find(|line| line.starts_with(asked)).expect(asked);
        line.rsplit("  ").next().unwrap()
    };
    assert!(answer("a stack of 1,000 bytes").ends_with("at least 32768"), "{output}");
    let ended = answer("96 KiB on a stack of 64 KiB");
    assert!(ended.starts_with("the process ends: "), "{ended}");
    assert!(!cfg!(unix) || ended.contains("SIGABRT"), "{ended}");
    assert!(answer("a stack of 1/4 of all addresses").starts_with("could not start "));
    if LINUX {
        for (limit, file) in [
            ("mappings", "/proc/sys/vm/max_map_count"),
            ("threads of the machine", "/proc/sys/kernel/threads-max"),
        ] {
            assert_eq!(answer(limit).trim(), fs::read_to_string(file).unwrap().trim());
        }
    }
}

#[test]
fn all_workers_together_find_all_primes() {
    let small = || command("cpu_bound", &["--work", "2003", "--idle", "20", "--rounds", "1"]);
    let mut without_python = small();
    without_python.env("PATH", env::temp_dir().join("nothing-is-here"));
    // At the same time, as both pause now and then.
    let alone = thread::spawn(|| succeed(without_python));
    let output = succeed(small());
    let alone = alone.join().unwrap();
    assert!(alone.contains("No python3"), "{alone}");
    assert!(table(&alone, "pool").iter().all(|row| row["pool"] == "this pool"), "{alone}");

    let cores = thread::available_parallelism().unwrap().get();
    let rows = table(&output, "pool");
    let (ours, python): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["pool"] == "this pool");
    for row in &ours {
        assert_eq!([&*row["primes below"], &row["found"]], ["2003", "303"]);
        assert!(figure(&row["seconds"]) >= 0.0 && figure(&row["speed-up"]) > 0.0, "{row:?}");
    }
    let [.., most, beside] = &ours[..] else { panic!("{output}") };
    assert_eq!([&*most["workers"], &most["idle"]], [&*(2 * cores).to_string(), "0"]);
    assert_eq!([&*beside["workers"], &beside["idle"]], [&*cores.to_string(), "20"]);
    for (row, same) in python.iter().zip(&ours) {
        let cells = ["workers", "idle", "primes below", "found"].map(|title| &*row[title]);
        assert_eq!(cells, [&*same["workers"], "0", "133", "32"]);
    }
    assert_eq!(python.is_empty(), output.contains("No python3"));
    for said in ["20 idle workers cost the busy ones ", "All of them were awake after "] {
        assert!(output.contains(said), "{output}");
    }
}
