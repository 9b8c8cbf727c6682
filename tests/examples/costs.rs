//! The examples that show what threads cost: their tables and pictures say the same, and it can be true.

use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, thread};

use crate::LINUX;
use crate::support::example::{draw, fail, figure, in_shell, succeed, table};
use crate::support::server;
use crate::support::xml::{elements, texts};

/// A small version of an example. It finds no Python, which would take most of the time.
fn command(name: &str, arguments: &[&str]) -> Command {
    let small: &[_] = match name {
        "stack_size" => &["--threads", "50"],
        _ => &["--work", "2003", "--idle", "20", "--rounds", "1"],
    };
    let mut command = server::command(name, if arguments.is_empty() { small } else { arguments });
    command.env("PATH", env::temp_dir().join("nothing-is-here"));
    command
}

/// What `stack_size` prints, and its picture.
fn stack_size() -> &'static (String, Option<String>) {
    static RUN: OnceLock<(String, Option<String>)> = OnceLock::new();
    RUN.get_or_init(|| draw(command("stack_size", &[]), "memory.svg"))
}

#[test]
fn the_memory_of_waiting_threads_is_plausible() {
    let (output, _) = stack_size();
    if !LINUX {
        assert!(output.starts_with("No figures: ") && output.contains("only Linux"), "{output}");
        return;
    }
    let rows = table(output, "stack");
    assert_eq!(rows.len(), 5);
    let stacks = [8 << 20, 2 << 20, 65_536, 65_536, 32_768];
    for (row, stack) in rows.iter().zip(stacks) {
        assert_eq!(row[1], "51");
        let [reserved, real, each] = [2, 3, 4].map(|column| figure(&row[column]));
        let stacks = f64::from(50 * stack) / 1e6;
        assert!(reserved > stacks, "{row:?}");
        assert!(1.0 < real && real < 25.0 && real < reserved, "{row:?}");
        assert!((4_000.0..250_000.0).contains(&each), "{row:?}");
        if row[0].contains("one arena") {
            assert!(reserved < stacks + 20.0, "{row:?}");
        }
    }
}

#[test]
fn its_picture_carries_the_figures_of_the_table() {
    let (output, svg) = stack_size();
    assert_eq!(svg.is_some(), LINUX);
    let Some(svg) = svg else { return };
    let rows = table(output, "stack");
    let cells: Vec<_> = rows.iter().flat_map(|row| &row[2..4]).map(String::as_str).collect();
    let texts = texts(svg);
    for text in ["The memory of 50 threads that wait", "MB (1,000,000 bytes)", "virtual", "real"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(rows.iter().all(|row| texts.contains(&row[0].as_str())), "{texts:?}");
    let values: Vec<_> = texts.iter().filter(|text| text.contains('.')).copied().collect();
    assert_eq!(values, cells);
    let bars = elements(svg).into_iter().filter(|element| element.attribute("x") == Some("170.0"));
    let widths: Vec<_> = bars.filter_map(|bar| bar.attribute("width").map(figure)).collect();
    assert_eq!(widths.len(), cells.len());
    let most = cells.iter().map(|cell| figure(cell)).fold(0.0, f64::max);
    for (width, cell) in widths.iter().zip(&cells) {
        assert!((width / 520.0 - figure(cell) / most).abs() < 0.002, "{width} for {cell}");
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
    // At the same time, as both pause now and then.
    let alone = thread::spawn(|| succeed(command("cpu_bound", &[])));
    let output = succeed(server::command("cpu_bound", &["--work", "2003", "--idle", "20", "--rounds", "1"]));
    let alone = alone.join().unwrap();
    assert!(alone.contains("No python3"), "{alone}");
    assert!(table(&alone, "pool").iter().all(|row| row[0] == "this pool"), "{alone}");

    let cores = thread::available_parallelism().unwrap().get();
    let rows = table(&output, "pool");
    let (ours, python): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[0] == "this pool");
    for row in &ours {
        assert_eq!(row[3..5], ["2003", "303"]);
        assert!(figure(&row[5]) >= 0.0 && figure(&row[6]) > 0.0, "{row:?}");
    }
    let [.., most, beside] = &ours[..] else { panic!("{output}") };
    assert_eq!(most[1..3], [(2 * cores).to_string(), "0".to_owned()]);
    assert_eq!(beside[1..3], [cores.to_string(), "20".to_owned()]);
    for (row, same) in python.iter().zip(&ours) {
        assert!(row[0].starts_with("Python 3"));
        assert_eq!(row[1..5], [&same[1], "0", "133", "32"]);
    }
    assert_eq!(python.is_empty(), output.contains("No python3"));
    assert!(output.contains("20 idle workers cost the busy ones "), "{output}");
    assert!(output.contains("All of them were awake after "), "{output}");
}

#[test]
fn a_bad_argument_is_one_line() {
    for (name, arguments, said) in [
        ("stack_size", ["--threads", "0"].as_slice(), "--threads \"0\""),
        ("stack_size", &["--threads", "10001"], "--threads \"10001\""),
        ("stack_size", &["--svg"], "--svg needs a value"),
        ("stack_size", &["--child", "wait"], "unexpected argument \"--child\""),
        ("cpu_bound", &["--work", "999"], "--work \"999\""),
        ("cpu_bound", &["--idle", "10001"], "--idle \"10001\""),
        ("cpu_bound", &["--rounds", "0"], "--rounds \"0\""),
        ("cpu_bound", &["stray"], "unexpected argument \"stray\""),
        ("fetch_url", &["--bogus"], "unexpected argument \"--bogus\""),
    ] {
        let error = fail(command(name, arguments), 2);
        assert!(error.starts_with(&format!("error: {said}")), "{error}");
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_one_line() {
    if LINUX {
        let error = fail(command("stack_size", &["--svg", "no-such-directory/x.svg"]), 1);
        assert!(error.contains("no-such-directory"));
    }
}

#[test]
fn lost_output_is_one_line() {
    if LINUX {
        for name in ["stack_size", "cpu_bound", "fetch_url"] {
            let lost = in_shell(r#"exec "$0" "$@" >/dev/full"#, &server::command(name, &[]));
            assert!(fail(lost, 1).contains("can't print on stdout"), "{name}");
        }
    }
}

#[test]
fn a_refused_thread_is_one_line() {
    for name in ["fetch_url", "resilient"] {
        let mut command = server::command(name, &[]);
        // So large is the stack of a thread for which the program doesn't set one.
        command.env("RUST_MIN_STACK", (usize::MAX / 4).to_string());
        fail(command, 1);
    }
}

#[test]
fn every_load_costs_something_on_every_pool() {
    let output = succeed(command("throughput", &["--rounds", "1"]));
    let rows = table(&output, "load");
    assert_eq!(rows.len(), 9, "{output}");
    for row in rows {
        assert!(row[2..].iter().all(|cell| figure(cell.trim_end_matches(" ns")) > 0.0), "{output}");
    }
}
