//! The example that floods the recipes with silent clients: what they use, and which one answers the honest client.

use std::sync::OnceLock;

use crate::LINUX;
use crate::support::example::{
    cells, draw, fail, figure, killed_leaves_no_process, succeed, with_open_files,
};
use crate::support::server::command;
use crate::support::xml::{elements, texts};

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

/// A row of the table.
struct Row {
    server: String,
    silent: f64,
    threads: f64,
    megabytes: [f64; 2],
    descriptors: f64,
    honest: String,
}

impl Row {
    fn parse(line: &str) -> Self {
        let cells = cells(line);
        let [server, silent, threads, reserved, real, descriptors, honest] = &cells[..] else {
            panic!("{line}")
        };
        Self {
            server: server.clone(),
            silent: figure(silent),
            threads: figure(threads),
            megabytes: [reserved, real].map(|cell| figure(cell)),
            descriptors: figure(descriptors),
            honest: honest.clone(),
        }
    }
}

fn rows(output: &str) -> Vec<Row> {
    let table = output.lines().skip_while(|line| !line.starts_with("server ")).skip(1);
    table.take_while(|line| !line.is_empty()).map(Row::parse).collect()
}

/// What the flood prints, and its picture, with as many silent clients as a pool has workers. It takes seconds, so there
/// is only one.
fn flood() -> &'static (String, String) {
    static FLOODED: OnceLock<(String, String)> = OnceLock::new();
    FLOODED.get_or_init(|| {
        let (output, svg) = draw(command("flood", &["--connections", "128"]), "flood.svg");
        (output, svg.unwrap())
    })
}

#[test]
fn only_linux_says_what_a_flood_costs() {
    if !LINUX {
        assert!(fail(command("flood", &[]), 1).contains("only Linux"));
    }
}

#[test]
fn unbounded_has_a_thread_for_each_client() {
    if !LINUX {
        return;
    }
    let (output, _) = flood();
    let rows = rows(output);
    let steps = SERVERS.iter().flat_map(|server| [0.0, 64.0, 128.0].map(|silent| (*server, silent)));
    let seen: Vec<_> = rows.iter().map(|row| (row.server.as_str(), row.silent)).collect();
    assert_eq!(seen, steps.collect::<Vec<_>>());
    for row in &rows {
        if row.server == "unbounded" {
            // The thread of an honest client may not be gone yet.
            assert!((row.threads - row.silent - 1.0).abs() <= 1.0, "{output}");
        } else {
            assert!((row.threads - 129.0).abs() < 0.5, "{output}");
        }
        // One for each client, and beside these the server's own and those of clients that gave up.
        assert!((row.silent..row.silent + 50.0).contains(&row.descriptors), "{output}");
        let [reserved, real] = row.megabytes;
        assert!(0.0 < real && real < reserved, "{output}");
    }
}

#[test]
fn silent_clients_that_hold_all_workers_starve_an_honest_one() {
    if !LINUX {
        return;
    }
    let (output, _) = flood();
    let (starved, others): (Vec<_>, Vec<_>) =
        rows(output).into_iter().partition(|row| row.server != "unbounded" && row.silent >= 128.0);
    assert!(starved.iter().all(|row| row.honest == "gave up"), "{output}");
    // On a busy machine an honest client may give up once, though there is a thread for it.
    for server in SERVERS {
        let answered = |row: &Row| row.server == server && row.honest.ends_with(" ms");
        assert!(others.iter().filter(|row| answered(row)).count() >= 1, "{output}");
    }
}

#[test]
fn its_picture_carries_the_figures_of_the_table() {
    if !LINUX {
        return;
    }
    let (output, svg) = flood();
    let texts = texts(svg);
    for text in SERVERS.iter().chain(&["0 silent", "64 silent", "128 silent", "threads"]) {
        assert!(texts.contains(text), "{text}: {texts:?}");
    }
    let rows = rows(output);
    for (series, server) in SERVERS.iter().enumerate() {
        let class = format!("series-{series} {server}");
        let elements = elements(svg).into_iter().filter(|element| element.attribute("class") == Some(&class));
        // The first one is in the legend.
        let widths: Vec<_> = elements.skip(1).map(|bar| figure(bar.attribute("width").unwrap())).collect();
        let threads: Vec<_> =
            rows.iter().filter(|row| row.server == *server).map(|row| row.threads).collect();
        assert_eq!(widths.len(), threads.len());
        let most = rows.iter().map(|row| row.threads).fold(0.0, f64::max);
        for (width, threads) in widths.iter().zip(threads) {
            assert!((width / 520.0 - threads / most).abs() < 0.001, "{width} for {threads} of {most}");
        }
    }
}

#[test]
fn no_flood_exceeds_the_limit_of_open_files() {
    if !LINUX {
        return;
    }
    let flood = command("flood", &[]);
    let output = succeed(with_open_files(100, &flood));
    assert!(output.starts_with("36 silent clients come to each server"), "{output}");
    assert_eq!(rows(&output).iter().map(|row| row.silent).collect::<Vec<_>>(), [0.0, 36.0].repeat(3));
    assert!(fail(with_open_files(64, &flood), 1).contains("64 open files"));
}

#[test]
fn a_bad_argument_is_one_line() {
    for (arguments, said) in [
        (["--connections", "0"].as_slice(), "--connections \"0\": "),
        (&["--connections", "10001"], "--connections \"10001\": "),
        (&["--svg"], "--svg needs a value"),
    ] {
        let error = fail(command("flood", arguments), 2);
        assert!(error.starts_with(&format!("error: {said}")), "{error}");
    }
}

#[test]
fn without_cargo_it_fails_in_one_line() {
    if LINUX {
        let mut flood = command("flood", &[]);
        flood.env("CARGO", "/no/such/cargo");
        assert!(fail(flood, 1).contains("cargo can't be run"));
    }
}

#[test]
fn no_server_outlives_it_when_it_is_killed() {
    if LINUX {
        killed_leaves_no_process(command("flood", &[]));
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_one_line() {
    if LINUX {
        let error = fail(command("flood", &["--svg", "no-such-directory/x.svg"]), 1);
        assert!(error.contains("no-such-directory"));
    }
}
