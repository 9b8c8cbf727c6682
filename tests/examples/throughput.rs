//! The example that measures what a task costs.

use crate::support::example::{draw, table};
use crate::support::server::command;

#[test]
fn each_load_has_a_time_on_each_pool() {
    let (output, svg) = draw(command("throughput", &["--rounds", "1", "--tasks", "500"]), "throughput.svg");
    let pools = ["Executor", "stage 8", "SharedReceiver", "Mutex", "thread a task", "Python"];
    assert!(pools.iter().all(|pool| output.contains(pool)), "{output}");
    let rows = table(&output, "load");
    assert_eq!(rows.len(), 16, "{output}");
    for row in rows {
        let can = |cells: &[String]| cells.iter().all(|cell| cell.ends_with(" ns") || cell.ends_with(" µs"));
        let which = if row[0] == "nested chain" { 2..3 } else { 2..7 };
        assert!(can(&row[which]), "{output}");
    }
    assert!(svg.unwrap().contains("stage 8"));
}
