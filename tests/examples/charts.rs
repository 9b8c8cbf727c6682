//! What the examples draw their figures with: tables and bars for a terminal, pictures for the book.

#[path = "../../examples/support/svg.rs"]
mod svg;
#[path = "../../examples/support/table.rs"]
mod table;

use self::svg::{Bar, Chart};
use self::table::table;
use crate::support::example::assert_shows;

#[test]
fn a_picture_is_well_formed_whatever_it_says() {
    let series = ["&amp;", "<two>", "three"];
    let chart = Chart { title: "a < b && \"c\" > 'd'", x: "</svg>", series: &series, ticks: &[0.0] };
    let bar = |series, to, label: &str| Bar { series, from: 0.0, to, label: Some(label.to_owned()) };
    let rows = [
        ("<!--".to_owned(), vec![bar(0, 0.0, "<0>"), Bar { series: 1, from: 1.0, to: 1e12, label: None }]),
        (String::new(), vec![bar(2, 1e-3, "]]>")]),
    ];
    for svg in [chart.draw(&rows), chart.draw(&rows[1..]), chart.draw(&[])] {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let texts = ["a &lt; b &amp;&amp; \"c\" &gt; 'd'", "&amp;amp;", "&lt;two&gt;", "&lt;/svg&gt;"];
        assert_shows(&svg, &texts);
        // What opens an element, closes one or begins an entity is the chart's own.
        let [opened, closed] = ["<text ", "</text>"].map(|tag| svg.matches(tag).count());
        assert_eq!(opened, closed);
        for tag in svg.split('<').skip(1) {
            let name = tag.trim_start_matches('/').split([' ', '>']).next().unwrap();
            assert!(["svg", "title", "style", "rect", "text", "path"].contains(&name), "{tag}");
            assert_eq!(tag.matches('>').count(), 1, "{tag}");
        }
        for entity in svg.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|known| entity.starts_with(known)), "{entity}");
        }
    }
}

#[test]
fn columns_line_up() {
    let rows =
        [["what", "how many"], ["short", "7"], ["rather long", "1234.6"]].map(|row| row.map(str::to_owned));
    assert_eq!(table(&rows), "what         how many\nshort               7\nrather long    1234.6\n");
}
