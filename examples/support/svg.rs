//! Bar charts for the book, as SVG.

use std::fmt::Display;

/// What a chart says about its bars.
pub struct Chart<'a> {
    pub title: &'a str,
    /// What the bars' lengths are, and in which unit.
    pub x: &'a str,
    /// The names of what is compared, three at most. Each has a colour, and is the name of a class in the style sheet.
    pub series: &'a [&'a str],
    /// The places on the horizontal axis that have a figure and a line: none where each bar has its figure.
    pub ticks: &'a [f64],
}

/// A bar between two values, and what stands beside it.
pub struct Bar {
    pub series: usize,
    pub from: f64,
    pub to: f64,
    pub label: Option<String>,
}

impl Chart<'_> {
    /// Draws the rows, each with its name and its bars. A row without a name belongs to the one above it.
    pub fn draw(&self, rows: &[(String, Vec<Bar>)]) -> String {
        // In pixels. The plot is below the title and the names of the series, and leaves room beside the longest bar.
        let (width, left, right, top) = (760.0, 170.0, 690.0, 72.0);
        let most = rows.iter().flat_map(|(_, bars)| bars).map(|bar| bar.to).fold(f64::MIN_POSITIVE, f64::max);
        let height = |name: &str| if name.is_empty() { 16.0 } else { 24.0 };
        let x = |value: f64| left + (right - left) * value / most;

        let bottom = top + rows.iter().map(|(name, _)| height(name)).sum::<f64>() + 10.0;
        let mut shapes = Vec::new();
        for ((series, name), x) in self.series.iter().enumerate().zip([16.0, 146.0, 276.0]) {
            shapes.push(self.rect(series, x, 44.0, 11.0) + &text("start", x + 17.0, 55.0, name));
        }
        for &tick in self.ticks {
            let line = format!("<path class=\"grid\" d=\"M{:.1} {top}V{bottom}\"/>\n", x(tick));
            shapes.push(line + &text("middle", x(tick), bottom + 16.0, tick));
        }
        shapes.push(text("start", left, bottom + 36.0, self.x));
        let mut y = top;
        for (name, row) in rows {
            y += height(name);
            shapes.push(text("end", left - 10.0, y - 5.0, name));
            for Bar { series, from, to, label } in row {
                // Wide enough to be seen: a bar may be a moment.
                shapes.push(self.rect(*series, x(*from), y - 16.0, (x(*to) - x(*from)).max(0.5)));
                shapes.extend(label.as_ref().map(|label| text("start", x(*to) + 6.0, y - 5.0, label)));
            }
        }
        let (height, title, style) = (bottom + 52.0, escaped(self.title), include_str!("chart.css"));
        let shapes = shapes.concat();
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>
{style}</style>
<rect class="ground" width="{width}" height="{height}" rx="6"/>
<text class="title" x="16" y="28">{title}</text>
{shapes}</svg>
"#
        )
    }

    fn rect(&self, series: usize, x: f64, y: f64, width: f64) -> String {
        let class = escaped(self.series[series].replace(' ', "-"));
        let place = format!(r#"x="{x:.1}" y="{y:.1}" width="{width:.1}" height="12""#);
        format!("<rect class=\"series-{series} {class}\" {place}/>\n")
    }
}

fn text(anchor: &str, x: f64, y: f64, text: impl Display) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(text))
}

/// Text that XML doesn't take for its own.
fn escaped(text: impl Display) -> String {
    text.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
