//! What the examples draw their figures with: tables and bars for a terminal, pictures for the book.

#[path = "../../examples/support/svg.rs"]
mod svg;
#[path = "../../examples/support/table.rs"]
mod table;

use self::svg::{Bar, Chart};
use self::table::table;

/// The texts of a document, each behind its tag. Panics if it isn't well-formed, as far as a picture needs it.
fn texts(xml: &str) -> Vec<&str> {
    let (mut texts, mut open) = (Vec::new(), Vec::new());
    for part in xml.strip_prefix('<').expect("no element").split('<') {
        let (tag, text) = part.split_once('>').expect(part);
        assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{part}");
        for entity in part.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|known| entity.starts_with(known)), "{part}");
        }
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.extend(tag.split(' ').next().filter(|_| !tag.ends_with('/'))),
        }
        texts.push(text);
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    texts
}

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
        let texts = texts(&svg);
        for text in ["a &lt; b &amp;&amp; \"c\" &gt; 'd'", "&amp;amp;", "&lt;two&gt;", "&lt;/svg&gt;"] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
    }
}

#[test]
fn columns_line_up() {
    let rows =
        [["what", "how many"], ["short", "7"], ["rather long", "1234.6"]].map(|row| row.map(str::to_owned));
    assert_eq!(table(&rows), "what         how many\nshort               7\nrather long    1234.6\n");
}
