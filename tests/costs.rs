//! The examples that show what threads cost: their tables, bars and pictures say the same, and it can be true.

mod support;

use std::process::{Command, Stdio};
use std::{env, fs, thread};

use support::example::{cells, draw, fail, figure, leaves_no_process, succeed};
use support::recipe::Recipe;
use support::xml::{elements, texts};

const LINUX: bool = cfg!(target_os = "linux");

/// Small versions of the examples.
const STACK_SIZE: Recipe = Recipe { name: "stack_size", arguments: &["--threads", "50"] };
const CPU_BOUND: Recipe =
    Recipe { name: "cpu_bound", arguments: &["--work", "2003", "--idle", "20", "--rounds", "1"] };

/// A command that runs the example, and finds no Python, which would take most of the time.
fn command(example: &Recipe) -> Command {
    let mut command = example.command();
    command.env("PATH", env::temp_dir().join("nothing-is-here"));
    command
}

/// The cells of the table whose first title is `title`, the titles left out.
fn table(output: &str, title: &str) -> Vec<Vec<String>> {
    let mut lines = output.lines().skip_while(|line| !line.starts_with(title));
    let titles = cells(lines.next().expect(title));
    let rows: Vec<_> = lines.take_while(|line| !line.is_empty()).map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == titles.len()), "{output}");
    rows
}

/// The widths of the bars in a picture: its other rectangles begin elsewhere.
fn widths(svg: &str) -> Vec<f64> {
    let bars = elements(svg).into_iter().filter(|element| element.attribute("x") == Some("210.0"));
    bars.filter_map(|bar| bar.attribute("width").map(figure)).collect()
}

#[test]
fn waiting_threads_are_counted_and_their_memory_is_plausible() {
    let (output, _) = draw(STACK_SIZE.command(), "memory.svg");
    if !LINUX {
        assert!(output.starts_with("No figures: ") && output.contains("only Linux"), "{output}");
        return;
    }
    let rows = table(&output, "stack");
    assert_eq!(rows.len(), 5);
    let stacks = [2 << 20, 8 << 20, 65_536, 32_768, 65_536];
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
fn bars_and_picture_carry_the_figures_of_the_table() {
    let (output, svg) = draw(STACK_SIZE.command(), "picture.svg");
    assert_eq!(svg.is_some(), LINUX);
    let Some(svg) = svg else { return };
    let rows = table(&output, "stack");
    let cells: Vec<_> = rows.iter().flat_map(|row| &row[2..4]).map(String::as_str).collect();

    let bars: Vec<_> = output.lines().filter(|line| line.contains('▏') || line.contains('█')).collect();
    assert_eq!(bars.iter().map(|line| line.rsplit(' ').next().unwrap()).collect::<Vec<_>>(), cells);

    let texts = texts(&svg);
    for text in [
        "The memory of 50 threads that wait",
        "MB (1,000,000 bytes)",
        "stack of each thread",
        "virtual",
        "real",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(rows.iter().all(|row| texts.contains(&row[0].as_str())), "{texts:?}");
    let values: Vec<_> = texts.iter().filter(|text| text.contains('.')).copied().collect();
    assert_eq!(values, cells);
    let widths = widths(&svg);
    assert_eq!(widths.len(), cells.len());
    let longest = widths.iter().copied().fold(0.0, f64::max);
    let most = cells.iter().map(|cell| figure(cell)).fold(0.0, f64::max);
    for (width, cell) in widths.iter().zip(&cells) {
        assert!((width / longest - figure(cell) / most).abs() < 0.001, "{width} for {cell}");
    }
}

#[test]
fn what_there_is_not_is_refused() {
    let (output, _) = draw(STACK_SIZE.command(), "refusals.svg");
    let answer = |asked: &str| {
        let line = output.lines().find(|line| line.starts_with(asked)).expect(asked);
        line.rsplit("  ").next().unwrap()
    };
    assert!(answer("a stack of 1,000 bytes").ends_with("at least 32768"), "{output}");
    let ended = answer("64 KiB on a stack of 64 KiB");
    assert!(ended.starts_with("the process ends: "), "{ended}");
    assert!(!cfg!(unix) || ended.contains("SIGABRT"), "{ended}");
    assert!(
        answer("a stack of 1/4 of all addresses")
            .starts_with("could not start another worker after the first 0: ")
    );
    if LINUX {
        for (limit, file) in [
            ("mappings", "/proc/sys/vm/max_map_count"),
            ("threads of the machine", "/proc/sys/kernel/threads-max"),
        ] {
            assert_eq!(answer(limit).trim().replace(',', ""), fs::read_to_string(file).unwrap().trim());
        }
    }
}

#[test]
fn every_crew_finds_all_primes() {
    let (output, svg) = draw(CPU_BOUND.command(), "primes.svg");
    let cores = thread::available_parallelism().unwrap().get();
    let rows = table(&output, "pool");
    let (ours, python): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[0] == "this pool");
    let crews =
        |rows: &[&Vec<String>]| rows.iter().map(|row| (row[1].clone(), row[2].clone())).collect::<Vec<_>>();
    for row in &ours {
        assert_eq!(row[3..5], ["2,003", "303"]);
        assert!(figure(&row[5]) >= 0.0 && figure(&row[6]) > 0.0, "{row:?}");
    }
    for row in &python {
        assert!(row[0].starts_with("Python 3"));
        assert_eq!(row[3..5], ["133", "32"]);
    }
    let ours = crews(&ours);
    let (beside, alone) = ours.split_last().unwrap();
    assert_eq!(*beside, (cores.to_string(), "20".to_owned()));
    assert_eq!(alone.last().unwrap().0, (2 * cores).to_string());
    assert!(alone.iter().all(|(_, idle)| idle == "0"));
    assert!(python.is_empty() || crews(&python) == alone);
    assert_eq!(python.is_empty(), output.contains("No python3"));
    assert!(output.contains("20 idle workers cost the busy ones "), "{output}");
    assert!(output.contains("All of them were awake after "), "{output}");

    let svg = svg.unwrap();
    let lines = elements(&svg).into_iter().filter_map(|element| element.attribute("points"));
    let places: Vec<_> = lines.map(|points| points.split(' ').count()).collect();
    assert_eq!(places, vec![alone.len(); if python.is_empty() { 1 } else { 2 }]);
    assert!(texts(&svg).contains(&"workers"));
}

#[test]
fn python_is_not_needed() {
    let output = succeed(command(&CPU_BOUND));
    assert!(output.contains("No python3"), "{output}");
    assert!(table(&output, "pool").iter().all(|row| row[0] == "this pool"), "{output}");
}

#[test]
fn a_bad_argument_is_one_line_and_exit_code_2() {
    for (example, arguments) in [
        (&STACK_SIZE, ["--threads", "0"].as_slice()),
        (&STACK_SIZE, &["--threads", "many"]),
        (&STACK_SIZE, &["--svg"]),
        (&STACK_SIZE, &["--child", "wait"]),
        (&CPU_BOUND, &["--work", "999"]),
        (&CPU_BOUND, &["--idle", "0"]),
        (&CPU_BOUND, &["--rounds", "0"]),
        (&CPU_BOUND, &["stray"]),
    ] {
        let mut command = command(example);
        command.args(arguments);
        assert!(fail(command, 2).starts_with(&format!("error: {}", arguments[0])));
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_one_line_and_exit_code_1() {
    for example in
        [&STACK_SIZE, &CPU_BOUND].into_iter().filter(|example| LINUX || example.name == "cpu_bound")
    {
        let mut command = command(example);
        command.args(["--svg", "no-such-directory/x.svg"]);
        assert!(fail(command, 1).contains("no-such-directory"));
    }
}

#[test]
fn a_closed_stdout_is_no_panic() {
    for example in [&STACK_SIZE, &CPU_BOUND] {
        let mut child = command(example).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn no_process_outlives_its_example() {
    if !LINUX {
        return;
    }
    for example in [&STACK_SIZE, &CPU_BOUND] {
        leaves_no_process(command(example), 0);
    }
}
