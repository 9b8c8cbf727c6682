//! The example that floods the recipe and `resilient`: which one answers the honest client, and what each holds.

use std::sync::OnceLock;

use crate::LINUX;
use crate::support::example::{draw, fail, figure, killed_leaves_no_process, table};
use crate::support::server::command;
use crate::support::xml::{elements, texts};

/// What it prints, and its picture, with more silent clients than the pool has workers and the queue places. It takes
/// seconds, so there is only one.
fn overload() -> &'static (String, String) {
    static RUN: OnceLock<(String, String)> = OnceLock::new();
    RUN.get_or_init(|| {
        let arguments = ["--connections", "300", "--seconds", "0.6", "--idle-timeout", "0.3"];
        let (output, svg) = draw(command("overload", &arguments), "overload.svg");
        (output, svg.unwrap())
    })
}

/// A cell of a server's row, by the title of its column.
fn cell(server: &str, title: &str) -> String {
    let (output, _) = overload();
    let titles = output.lines().find(|line| line.starts_with("server ")).expect(output);
    let before = titles.split("  ").filter(|title| !title.trim().is_empty()).map(str::trim);
    let column = before.take_while(|other| *other != title).count();
    table(output, "server").into_iter().find(|row| row[0] == server).expect(output)[column].clone()
}

fn count(server: &str, title: &str) -> f64 {
    figure(&cell(server, title))
}

#[test]
fn resilient_answers_within_two_idle_timeouts() {
    if LINUX {
        assert!(count("resilient", "asked") >= 1.0);
        assert!(count("resilient", "gave up") < 0.5, "{}", overload().0);
        // This and no more is its patience: one second for a backlog that was full.
        assert!(count("resilient", "worst ms") < 1000.0 + 2.0 * 300.0, "{}", overload().0);
    }
}

#[test]
fn the_recipe_starves_the_honest_client() {
    if LINUX {
        assert!(count("executor", "gave up") >= 1.0);
        assert_eq!(cell("executor", "worst ms"), "gave up");
    }
}

#[test]
fn only_resilient_bounds_its_descriptors() {
    if LINUX {
        assert!(count("executor", "descriptors") >= 300.0);
        // 128 workers, 64 places, its own descriptors, and those it is about to close.
        assert!(count("resilient", "descriptors") <= 128.0 + 64.0 + 20.0, "{}", overload().0);
        // What becomes of each silent client.
        let [shed, timed_out] = ["shed", "timed out"].map(|title| count("resilient", title));
        assert!(shed >= 1.0 && timed_out >= 1.0 && shed + timed_out >= 300.0, "{}", overload().0);
    }
}

#[test]
fn its_picture_has_a_bar_for_each_question() {
    if LINUX {
        let (output, svg) = overload();
        let texts = texts(svg);
        for text in ["the flood", "executor", "resilient", "seconds since the start"] {
            assert!(texts.contains(&text), "{texts:?}");
        }
        let bars = |class: &str| {
            let elements = elements(svg);
            // One of them is in the legend.
            let bars = elements.iter().filter(|element| element.attribute("class") == Some(class));
            bars.map(|_| 1.0).sum::<f64>() - 1.0
        };
        assert!((bars("series-2 silent-clients") - 1.0).abs() < 0.5);
        let gave_up = count("executor", "gave up") + count("resilient", "gave up");
        assert!((bars("series-1 gave-up") - gave_up).abs() < 0.5, "{output}");
        // Some were answered before the flood, which the table doesn't count.
        let answered = count("executor", "asked") + count("resilient", "asked") - gave_up;
        assert!(bars("series-0 answered") > answered, "{output}");
    }
}

#[test]
fn a_bad_argument_is_one_line() {
    for (flag, value) in
        [("--connections", "0"), ("--queue", "0"), ("--idle-timeout", "0"), ("--seconds", "soon")]
    {
        let error = fail(command("overload", &[flag, value]), 2);
        assert!(error.starts_with(&format!("error: {flag} \"{value}\": ")), "{error}");
    }
}

#[test]
fn no_server_outlives_it_when_it_is_killed() {
    if LINUX {
        killed_leaves_no_process(command("overload", &["--seconds", "3600"]));
    }
}
