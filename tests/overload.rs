//! The example that floods a plain pool and a protected one: who answers the honest client, and what each holds.

mod support;

use std::sync::OnceLock;

use support::example::{cells, draw, fail, figure, leaves_no_process};
use support::recipe::Recipe;
use support::xml::{elements, texts};

const LINUX: bool = cfg!(target_os = "linux");

/// More silent clients than the pool has workers and the protected queue places.
const OVERLOAD: Recipe = Recipe {
    name: "overload",
    arguments: &["--connections", "300", "--seconds", "2.5", "--idle-timeout", "0.5"],
};

/// What it prints, and its picture. It takes seconds, so there is only one.
fn overload() -> &'static (String, String) {
    static RUN: OnceLock<(String, String)> = OnceLock::new();
    RUN.get_or_init(|| {
        let (output, svg) = draw(OVERLOAD.command(), "overload.svg");
        (output, svg.unwrap())
    })
}

/// A server's row of the table, by the titles of its columns.
fn cell(server: &str, title: &str) -> String {
    let (output, _) = overload();
    let line = |start: &str| cells(output.lines().find(|line| line.starts_with(start)).expect(output));
    let column = line("server ").iter().position(|cell| cell == title).expect(title);
    line(&format!("{server} "))[column].clone()
}

fn count(server: &str, title: &str) -> f64 {
    figure(&cell(server, title))
}

#[test]
fn the_honest_client_never_waits_longer_than_the_idle_timeout_and_a_second_on_the_protected_server() {
    if LINUX {
        assert!(count("protected", "asked") >= 1.0);
        assert!(count("protected", "gave up") < 0.5);
        assert!(count("protected", "worst ms") < 1500.0, "{}", overload().0);
    }
}

#[test]
fn the_plain_server_starves_the_honest_client() {
    if LINUX {
        assert!(count("plain", "gave up") >= 1.0);
        assert_eq!(cell("plain", "worst ms"), "gave up");
    }
}

#[test]
fn only_the_protected_server_bounds_its_descriptors_and_sheds_the_others() {
    if LINUX {
        assert!(count("plain", "descriptors") >= 300.0);
        assert!(count("plain", "shed") + count("plain", "timed out") < 0.5);
        // 128 workers, 64 places, its own descriptors, and those it is about to close.
        assert!(count("protected", "descriptors") <= 128.0 + 64.0 + 20.0, "{}", overload().0);
        assert!(count("protected", "shed") >= 1.0 && count("protected", "timed out") >= 128.0);
    }
}

#[test]
fn the_picture_has_a_line_for_each_server_and_names_its_axes() {
    if LINUX {
        let (_, svg) = overload();
        let texts = texts(svg);
        for text in ["plain", "protected", "seconds since the start"] {
            assert!(texts.contains(&text), "{texts:?}");
        }
        let lines = elements(svg).into_iter().filter(|element| element.attribute("points").is_some());
        assert_eq!(lines.count(), 2);
    }
}

#[test]
fn a_bad_argument_is_one_line_and_exit_code_2() {
    for arguments in
        [["--connections", "0"], ["--queue", "0"], ["--idle-timeout", "0"], ["--seconds", "soon"]]
    {
        let mut command = OVERLOAD.command();
        command.args(arguments);
        let error = fail(command, 2);
        assert!(error.starts_with(&format!("error: {} {}: ", arguments[0], arguments[1])), "{error}");
    }
}

#[test]
fn no_server_outlives_it() {
    if !LINUX {
        return;
    }
    let mut command = OVERLOAD.command();
    command.args(["--connections", "1", "--seconds", "0.1"]);
    leaves_no_process(command, 0);
}
