//! What the examples draw their figures with: tables and bars for a terminal, pictures for the book.

mod support;

#[path = "../examples/support/svg.rs"]
mod svg;
#[path = "../examples/support/table.rs"]
mod table;

use std::panic;

use support::xml::{elements, texts};
use svg::Chart;
use table::{Table, bar, number};

#[test]
fn a_picture_is_well_formed_whatever_it_says() {
    let (title, x, y) = ("a < b && \"c\" > 'd'", "<x>", "</svg>");
    let chart = Chart { title, x, y, series: &["&amp;"] };
    let bars = chart.bars(&[("<!--", vec![0.0]), ("]]>", vec![1e12])]);
    let lines = chart.lines(&[vec![(0.0, 0.0), (1e-3, 0.25), (7.0, 1e9)]]);
    for svg in [&bars, &lines, &chart.bars(&[]), &chart.bars(&[("zero", vec![0.0])])] {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let texts = texts(svg);
        for text in ["a &lt; b &amp;&amp; \"c\" &gt; 'd'", "&lt;x&gt;", "&lt;/svg&gt;", "&amp;amp;"] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
    }
    assert!(texts(&bars).contains(&"1,000,000,000,000.0"));
    assert!(bars.contains(r#"width="0.0""#));
}

#[test]
fn the_well_formedness_check_finds_what_is_not() {
    for xml in [
        "",
        "<a>",
        "</a>",
        "<a></b>",
        "<a><b></a></b>",
        "<a/><b/>",
        "<a/>b",
        "a<b/>",
        "<a b=c/>",
        "<a b='c'/>",
        r#"<a b="c/>"#,
        r#"<a b="c"d="e"/>"#,
        r#"<a b="c" b="d"/>"#,
        r#"<a b="&"/>"#,
        "<a>&b</a>",
        "<a>></a>",
    ] {
        assert!(panic::catch_unwind(|| elements(xml)).is_err(), "{xml}");
    }
    let [a, d] = &elements("<a b=\"&lt;\">c<d/>e</a>\n")[..] else { panic!("two elements") };
    assert_eq!([a.name, a.text, d.name, d.text], ["a", "c", "d", "e"]);
    assert_eq!((a.attribute("b"), a.attribute("c")), (Some("&lt;"), None));
}

#[test]
fn columns_line_up_and_bars_are_as_long_as_their_values() {
    let mut figures = Table::new(["what", "how many"]);
    figures.row(["short".to_owned(), number(7, 0)]);
    figures.row(["rather long".to_owned(), number(1234.56, 1)]);
    assert_eq!(figures.to_string(), "what         how many\nshort               7\nrather long   1,234.6\n");
    assert_eq!(
        ["0", "999", "1,000", "999,999", "1,000,000"],
        [0, 999, 1000, 999_999, 1_000_000].map(|n| number(n, 0)).as_slice()
    );
    assert_eq!(bar(1.0, 1.0), "█".repeat(60));
    assert_eq!(bar(1.0, 4.0), "█".repeat(15));
    assert_eq!(bar(1.0, 48.0), "█▏");
    assert_eq!(bar(1.0, 1e9), "▏");
    assert_eq!(bar(0.0, 1.0), "");
}
