//! The example that accounts for every byte: here it runs for a moment, and by hand for as long as you like.

use crate::support::example::{figure, succeed, table};
use crate::support::server::command;

#[test]
fn the_account_of_all_clients_closes() {
    // The example itself compares the two sides, and fails if they differ.
    let output = succeed(command("soak", &["--seconds", "0.3"]));
    let honest = &table(&output, "client")[0];
    assert!(figure(&honest["turned away"]) < figure(&honest["connections"]), "{output}");
    assert!(figure(&honest["bytes that came back"]) > 0.0, "{output}");
}
