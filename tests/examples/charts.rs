//! What the examples draw their figures with: tables and bars for a terminal, pictures for the book.

#[path = "../../examples/support/svg.rs"]
mod svg;
#[path = "../../examples/support/table.rs"]
mod table;

use self::svg::{Bar, Chart};
use self::table::table;

#[test]
fn a_picture_is_well_formed_whatever_it_says() {
    let draw = |text: &str, bars: &[f64]| {
        let chart = Chart { title: text, x: text, series: &[text], ticks: &[0.0] };
        let bar = |&to| Bar { series: 0, from: 0.0, to, label: Some(text.to_owned()) };
        chart.draw(&[(text.to_owned(), bars.iter().map(bar).collect())])
    };
    for bars in [&[][..], &[0.0], &[1e-3, 1e12]] {
        let svg = draw("text", bars);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let [opened, closed] = ["<text ", "</text>"].map(|tag| svg.matches(tag).count());
        assert_eq!(opened, closed);
        // What XML could take for its own changes nothing else.
        assert_eq!(draw("<a>&</a>", bars).replace("&lt;a&gt;&amp;&lt;/a&gt;", "text"), svg);
    }
}

#[test]
fn columns_line_up() {
    let rows =
        [["what", "how many"], ["short", "7"], ["rather long", "1234.6"]].map(|row| row.map(str::to_owned));
    assert_eq!(table(&rows), "what         how many\nshort               7\nrather long    1234.6\n");
}
