//! The example that measures what a task costs.

use crate::support::example::{draw, table};
use crate::support::server::command;

#[test]
fn each_load_has_a_time_on_each_pool() {
    let (output, svg) = draw(command("throughput", &["--rounds", "1", "--tasks", "500"]), "throughput.svg");
    let rows = table(&output, "load");
    assert_eq!(rows.len(), 16, "{output}");
    for row in rows {
        let chain = row["load"] == "nested chain";
        for pool in ["Executor", "stage 8", "SharedReceiver", "Mutex", "thread a task"] {
            let timed =
                row[pool].ends_with(" ns") || row[pool].ends_with(" µs") || row[pool].ends_with(" ms");
            assert_eq!(timed, !chain || ["Executor", "thread a task"].contains(&pool), "{pool}: {output}");
        }
        assert!(row.contains_key("Python"), "{output}");
    }
    assert!(svg.contains("stage 8"), "{svg}");
}
