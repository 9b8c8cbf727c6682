//! The example that floods the recipes with silent clients: what they use, and which one answers the honest client.

use std::sync::OnceLock;

use crate::LINUX;
use crate::support::example::{
    draw, fail, figure, killed_leaves_no_process, succeed, table, with_open_files,
};
use crate::support::server::command;
use crate::support::xml::{elements, texts};

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

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
    let rows = table(output, "server");
    let steps = SERVERS.iter().flat_map(|server| ["0", "64", "128"].map(|silent| [*server, silent]));
    assert_eq!(rows.iter().map(|row| [&row[0], &row[1]]).collect::<Vec<_>>(), steps.collect::<Vec<_>>());
    for row in &rows {
        let [silent, threads, reserved, real, descriptors] =
            [1, 2, 3, 4, 5].map(|column| figure(&row[column]));
        if row[0] == "unbounded" {
            // The thread of an honest client may not be gone yet.
            assert!((threads - silent - 1.0).abs() <= 1.0, "{output}");
        } else {
            assert!((threads - 129.0).abs() < 0.5, "{output}");
        }
        // One for each client, and beside these the server's own and those of clients that gave up.
        assert!((silent..silent + 50.0).contains(&descriptors), "{output}");
        assert!(0.0 < real && real < reserved, "{output}");
    }
}

#[test]
fn silent_clients_that_hold_all_workers_starve_an_honest_one() {
    if !LINUX {
        return;
    }
    let (output, _) = flood();
    let rows = table(output, "server");
    let (starved, others): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row[0] != "unbounded" && row[1] == "128");
    assert!(starved.iter().all(|row| row[6] == "gave up"), "{output}");
    // On a busy machine an honest client may give up once, though there is a thread for it.
    for server in SERVERS {
        assert!(others.iter().any(|row| row[0] == server && row[6].ends_with(" ms")), "{output}");
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
    let rows = table(output, "server");
    let threads = |row: &Vec<String>| figure(&row[2]);
    let most = rows.iter().map(threads).fold(0.0, f64::max);
    for (series, server) in SERVERS.iter().enumerate() {
        let class = format!("series-{series} {server}");
        let elements = elements(svg).into_iter().filter(|element| element.attribute("class") == Some(&class));
        // The first one is in the legend.
        let widths: Vec<_> = elements.skip(1).map(|bar| figure(bar.attribute("width").unwrap())).collect();
        let threads: Vec<_> = rows.iter().filter(|row| row[0] == *server).map(threads).collect();
        assert_eq!(widths.len(), threads.len());
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
    let rows = table(&output, "server");
    assert_eq!(rows.iter().map(|row| &row[1]).collect::<Vec<_>>(), ["0", "36"].repeat(3));
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
