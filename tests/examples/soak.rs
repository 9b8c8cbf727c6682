//! The example that accounts for every byte: here it runs for a moment, and by hand for as long as you like.

use crate::LINUX;
use crate::support::example::{fail, figure, killed_leaves_no_process, succeed, table};
use crate::support::server::command;

#[test]
fn good_and_bad_clients_leave_an_account_that_closes() {
    // The example itself compares the two sides, and fails if they differ.
    let output = succeed(command("soak", &["--seconds", "0.3"]));
    let honest = &table(&output, "client")[0];
    let [connections, turned_away, bytes] = [1, 2, 3].map(|column| figure(&honest[column]));
    assert!(turned_away < connections && bytes > 0.0, "{output}");
}

#[test]
fn a_bad_time_is_one_line() {
    for time in ["0", "-1", "soon", "nan", "inf"] {
        let error = fail(command("soak", &["--seconds", time]), 2);
        assert!(error.starts_with(&format!("error: --seconds \"{time}\": ")), "{error}");
    }
}

#[test]
fn its_server_does_not_outlive_it_when_it_is_killed() {
    if LINUX {
        killed_leaves_no_process(command("soak", &["--seconds", "3600"]));
    }
}
