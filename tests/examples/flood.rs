//! The example that floods the recipes with silent clients: what they use, and which one answers the honest client.

use std::sync::OnceLock;

use crate::support::example::{assert_shows, bars, draw, figure, succeed, table};
use crate::support::process::limited;
use crate::support::server::command;

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

/// What the flood prints, and its picture, with as many silent clients as a pool has workers. It takes seconds, so there
/// is only one.
fn flood() -> &'static (String, String) {
    static FLOODED: OnceLock<(String, String)> = OnceLock::new();
    FLOODED.get_or_init(|| draw(command("flood", &["--connections", "128"]), "flood.svg"))
}

#[test]
fn unbounded_has_a_thread_for_each_client() {
    let (output, _) = flood();
    let rows = table(output, "server");
    let steps = SERVERS.iter().flat_map(|server| ["0", "64", "128"].map(|silent| [server, silent]));
    assert!(rows.iter().map(|row| [&row["server"], &row["silent"]]).eq(steps), "{output}");
    for row in &rows {
        let [silent, threads, descriptors, real, reserved] =
            ["silent", "threads", "descriptors", "real MB", "virtual MB"].map(|title| figure(&row[title]));
        if row["server"] == "unbounded" {
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
fn silent_clients_starve_the_honest_one() {
    let (output, _) = flood();
    let rows = table(output, "server");
    let (starved, others): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row["server"] != "unbounded" && row["silent"] == "128");
    assert!(starved.iter().all(|row| row["honest client"] == "gave up"), "{output}");
    // On a busy machine an honest client may give up once, though there is a thread for it.
    let answered: Vec<_> = others.iter().filter(|row| row["honest client"].ends_with(" ms")).collect();
    for server in SERVERS {
        assert!(answered.iter().any(|row| row["server"] == server), "{output}");
    }
}

#[test]
fn its_picture_carries_the_figures_of_the_table() {
    let (output, svg) = flood();
    assert_shows(svg, &["0 silent", "64 silent", "128 silent", "threads"]);
    let rows = table(output, "server");
    let most = rows.iter().map(|row| figure(&row["threads"])).fold(0.0, f64::max);
    for (series, server) in SERVERS.iter().enumerate() {
        let rows = rows.iter().filter(|row| row["server"] == *server);
        let drawn = bars(svg, &format!("series-{series} {server}"));
        let threads: Vec<_> = rows.map(|row| figure(&row["threads"]) / most).collect();
        assert_eq!(drawn.len(), threads.len());
        assert!(drawn.iter().zip(&threads).all(|(bar, share)| (bar - share).abs() < 0.001), "{output}{svg}");
    }
}

#[test]
fn no_flood_exceeds_the_limit_of_open_files() {
    let output = succeed(limited("-n 100", &command("flood", &[])));
    assert!(output.starts_with("36 silent clients come to each server"), "{output}");
    assert!(table(&output, "server").iter().map(|row| &row["silent"]).eq(["0", "36"].repeat(3)), "{output}");
}
