//! The example that accounts for every byte: here it runs for a moment, and by hand for as long as you like.

mod support;

use std::process::Command;

use support::example::{cells, fail, figure, succeed};
use support::recipe::Recipe;

const SOAK: Recipe = Recipe { name: "soak", arguments: &["--seconds"] };

fn soak(seconds: &str) -> Command {
    let mut command = SOAK.command();
    command.arg(seconds);
    command
}

#[test]
fn good_and_bad_clients_leave_an_account_that_closes() {
    // The example itself compares the two sides, and fails if they differ.
    let output = succeed(soak("0.5"));
    let honest = cells(output.lines().find(|line| line.starts_with("honest ")).expect(&output));
    let [connections, turned_away, bytes] = [1, 2, 3].map(|column| figure(&honest[column]));
    assert!(turned_away < connections && bytes > 0.0, "{output}");
}

#[test]
fn a_bad_time_is_one_line_and_exit_code_2() {
    for time in ["0", "-1", "soon", "nan", "inf"] {
        let error = fail(soak(time), 2);
        assert!(error.starts_with(&format!("error: --seconds {time}: ")), "{error}");
    }
}
