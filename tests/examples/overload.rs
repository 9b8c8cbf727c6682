//! The example that floods the recipe and `resilient`: which one answers the honest client, and what each holds.

use crate::support::example::{assert_shows, bars, draw, figure, table};
use crate::support::server::command;

/// More silent clients come than the pool has workers and the queue places. It takes seconds, so there is one run.
#[test]
fn the_same_flood_starves_only_the_recipe() {
    let arguments = ["--connections", "300", "--seconds", "0.6", "--idle-timeout", "0.3"];
    let (output, svg) = draw(command("overload", &arguments), "overload.svg");
    let rows = table(&output, "server");
    assert!(rows.iter().map(|row| &row["server"]).eq(["executor", "resilient"]), "{output}");
    let [executor, resilient] = &rows[..] else { unreachable!() };

    // The honest client is answered within two idle timeouts, and a second for a backlog that was full.
    assert!(figure(&resilient["asked"]) >= 1.0, "{output}");
    assert_eq!(resilient["gave up"], "0", "{output}");
    assert!(figure(&resilient["worst ms"]) < 1000.0 + 2.0 * 300.0, "{output}");
    assert!(figure(&executor["gave up"]) >= 1.0, "{output}");
    assert_eq!(executor["worst ms"], "gave up");

    // 128 workers, 64 places, its own descriptors, and those it is about to close.
    assert!(figure(&resilient["descriptors"]) <= 128.0 + 64.0 + 20.0, "{output}");
    assert!(figure(&executor["descriptors"]) >= 300.0, "{output}");
    // What becomes of each silent client.
    let [shed, timed_out] = ["shed", "timed out"].map(|title| figure(&resilient[title]));
    assert!(shed >= 1.0 && timed_out >= 1.0 && shed + timed_out >= 300.0, "{output}");

    // The picture has a bar for each question.
    assert_shows(&svg, &["the flood", "executor", "resilient", "seconds since the start"]);
    let total = |title| rows.iter().map(|row| row[title].parse::<usize>().unwrap()).sum::<usize>();
    assert_eq!(bars(&svg, "series-2 silent-clients").len(), 1);
    assert_eq!(bars(&svg, "series-1 gave-up").len(), total("gave up"), "{output}");
    // Some were answered before the flood, which the table doesn't count.
    assert!(bars(&svg, "series-0 answered").len() > total("asked") - total("gave up"), "{output}");
}
