//! The example that accounts for every byte: here it runs for a moment, and by hand for as long as you like.

mod support;

use std::process::Command;
use support::client::TOO_LONG;
use support::recipe::Recipe;

const SOAK: Recipe = Recipe { name: "soak", arguments: &["--seconds"] };

fn soak(seconds: &str) -> assert_cmd::assert::Assert {
    let mut command: Command = SOAK.command();
    command.arg(seconds);
    assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert()
}

#[test]
fn good_and_bad_clients_leave_an_account_that_closes() {
    // The example itself compares the two sides, and fails if they differ.
    let assert = soak("0.5").success().stderr("");
    let output = String::from_utf8_lossy(&assert.get_output().stdout).replace(',', "");
    let honest = output.lines().find(|line| line.starts_with("honest ")).expect(&output);
    let figures: Vec<u64> =
        honest.split_whitespace().skip(1).map(|figure| figure.parse().expect(honest)).collect();
    let &[connections, turned_away, bytes] = &figures[..] else { panic!("{honest}") };
    assert!(turned_away < connections && bytes > 0, "{output}");
}

#[test]
fn a_bad_time_is_one_line_and_exit_code_2() {
    for time in ["0", "-1", "soon", "nan", "inf"] {
        let assert = soak(time).code(2).stdout("");
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr);
        assert!(stderr.starts_with(&format!("error: --seconds {time}: ")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
