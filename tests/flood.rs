//! The example that floods the servers with silent clients: who keeps his threads, and who answers the honest one.

mod support;

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use support::example::{Scratch, cells, draw, fail, figure, leaves_no_process, succeed, with_open_files};
use support::recipe::Recipe;
use support::xml::{elements, texts};

const LINUX: bool = cfg!(target_os = "linux");

/// More silent clients than a pool has workers.
const FLOOD: Recipe = Recipe { name: "flood", arguments: &["--connections", "200"] };

/// Too few to hold a pool, so that nobody waits.
const TRICKLE: Recipe = Recipe { name: "flood", arguments: &["--connections", "1"] };

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

    fn answered(&self) -> bool {
        self.honest.strip_suffix(" ms").is_some_and(|waited| figure(waited) < 1000.0)
    }
}

fn rows(output: &str) -> Vec<Row> {
    let table = output.lines().skip_while(|line| !line.starts_with("server ")).skip(1);
    table.take_while(|line| !line.is_empty()).map(Row::parse).collect()
}

/// What the flood prints, and its picture. It takes seconds, so there is only one.
fn flood() -> &'static (String, String) {
    static FLOODED: OnceLock<(String, String)> = OnceLock::new();
    FLOODED.get_or_init(|| {
        let (output, svg) = draw(FLOOD.command(), "flood.svg");
        (output, svg.unwrap())
    })
}

#[test]
fn only_linux_says_what_a_flood_costs() {
    if !LINUX {
        assert!(fail(TRICKLE.command(), 1).contains("only Linux"));
    }
}

#[test]
fn unbounded_has_as_many_threads_as_clients_and_pools_have_as_many_as_workers() {
    if !LINUX {
        return;
    }
    let (output, _) = flood();
    let rows = rows(output);
    let steps = SERVERS.iter().flat_map(|server| [0.0, 64.0, 128.0, 200.0].map(|silent| (*server, silent)));
    let seen: Vec<_> = rows.iter().map(|row| (row.server.as_str(), row.silent)).collect();
    assert_eq!(seen, steps.collect::<Vec<_>>());
    for row in &rows {
        if row.server == "unbounded" {
            // The thread of an honest client may not be gone yet.
            assert!((row.threads - row.silent - 1.0).abs() <= 1.0, "{output}");
        } else {
            assert!((row.threads - 129.0).abs() < 0.5, "{output}");
        }
        // One for each client, and beside these the server's own and those of clients who gave up.
        assert!((row.silent..row.silent + 50.0).contains(&row.descriptors), "{output}");
        let [reserved, real] = row.megabytes;
        assert!(0.0 < real && real < reserved, "{output}");
    }
}

#[test]
fn silent_clients_starve_an_honest_one_when_they_hold_all_workers() {
    if !LINUX {
        return;
    }
    let (output, _) = flood();
    for row in rows(output) {
        let starved = row.server != "unbounded" && row.silent >= 128.0;
        assert_eq!(row.answered(), !starved, "{output}");
        assert_eq!(row.honest == "gave up", starved, "{output}");
    }
}

#[test]
fn the_picture_carries_the_figures_of_the_table() {
    if !LINUX {
        return;
    }
    let (output, svg) = flood();
    let texts = texts(svg);
    for text in SERVERS.iter().chain(&["silent connections", "threads of the server"]) {
        assert!(texts.contains(text), "{text}: {texts:?}");
    }
    // Where the axes meet, and how long they are for one client and for one thread.
    let (left, bottom) = (60.0, 372.0);
    let lines: Vec<_> =
        elements(svg).into_iter().filter_map(|element| element.attribute("points").map(points)).collect();
    assert_eq!(lines.len(), SERVERS.len());
    let rows = rows(output);
    let last = rows.iter().rfind(|row| row.server == "unbounded").unwrap();
    let (x, y) = *lines[0].last().unwrap();
    let (across, up) = ((x - left) / last.silent, (bottom - y) / last.threads);
    for (line, server) in lines.iter().zip(SERVERS) {
        let rows: Vec<_> = rows.iter().filter(|row| row.server == server).collect();
        assert_eq!(line.len(), rows.len());
        for ((x, y), row) in line.iter().zip(rows) {
            assert!((x - left - row.silent * across).abs() < 0.2, "{svg}\n{output}");
            assert!((bottom - y - row.threads * up).abs() < 0.2, "{svg}\n{output}");
        }
    }
}

/// The places on a line.
fn points(attribute: &str) -> Vec<(f64, f64)> {
    let pairs = attribute.split(' ').map(|pair| pair.split_once(',').expect(pair));
    pairs.map(|(x, y)| (figure(x), figure(y))).collect()
}

#[test]
fn no_flood_is_larger_than_the_limit_of_open_files() {
    if !LINUX {
        return;
    }
    let mut flood = FLOOD.command();
    flood.args(["--connections", "2000", "--patience", "1"]);
    let output = succeed(with_open_files(100, &flood));
    assert!(output.starts_with("36 silent connections to each server, 2,000 asked for; "), "{output}");
    assert_eq!(rows(&output).iter().map(|row| row.silent).collect::<Vec<_>>(), [0.0, 36.0].repeat(3));
    assert!(fail(with_open_files(64, &flood), 1).contains("64 open files"));
}

#[test]
fn a_bad_argument_is_one_line_and_exit_code_2() {
    for arguments in
        [["--connections", "0"].as_slice(), &["--connections", "many"], &["--patience", "0"], &["--svg"]]
    {
        let mut command = FLOOD.command();
        command.args(arguments);
        assert!(fail(command, 2).starts_with(&format!("error: {}", arguments[0])));
    }
}

#[test]
fn servers_that_are_not_there_are_one_line_and_exit_code_1() {
    if !LINUX {
        return;
    }
    let alone = Scratch::new("alone");
    fs::copy(TRICKLE.command().get_program(), &alone.0).unwrap();
    assert!(fail(Command::new(&alone.0), 1).contains("cargo build"));
}

#[test]
fn no_server_outlives_the_flood() {
    if !LINUX {
        return;
    }
    leaves_no_process(TRICKLE.command(), 0);
    let mut failure = TRICKLE.command();
    failure.args(["--svg", "no-such-directory/x.svg"]);
    leaves_no_process(failure, 1);
}
