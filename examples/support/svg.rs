//! Charts for the book, as SVG: bars and lines.
//!
//! A chart brings its own ground, and colours for light and dark screens: a page that shows it as a picture doesn't
//! tell it which of the two the page itself is.

use super::table::number;
use std::fmt::{self, Display, Write};
use std::iter;

/// What a chart says about its figures.
pub struct Chart<'a> {
    pub title: &'a str,
    /// What the horizontal axis shows, and in which unit.
    pub x: &'a str,
    /// What the vertical axis shows, and in which unit.
    pub y: &'a str,
    /// The names of what is compared.
    pub series: &'a [&'a str],
}

/// In pixels, as all lengths here.
const WIDTH: f64 = 760.0;

/// The plot begins here, below the title, the names of the series and that of the vertical axis.
const TOP: f64 = 92.0;

/// The plot ends here, so that the figure beside the longest bar has room.
const RIGHT: f64 = WIDTH - 80.0;

const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #1f2328; stroke: #ffffff; stroke-width: 3px; paint-order: stroke }
    .title { font-size: 16px; font-weight: 600 }
    .ground { fill: #ffffff }
    .grid { stroke: #d1d9e0 }
    .series-0 { fill: #0969da; stroke: #0969da }
    .series-1 { fill: #bc4c00; stroke: #bc4c00 }
    .series-2 { fill: #818b98; stroke: #818b98 }
    polyline.series-2 { stroke-dasharray: 8 8 }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; stroke: #0d1117 }
        .ground { fill: #0d1117 }
        .grid { stroke: #3d444d }
        .series-0 { fill: #4493f8; stroke: #4493f8 }
        .series-1 { fill: #f0883e; stroke: #f0883e }
    }
";

impl Chart<'_> {
    /// A group of bars for each row, and in it a bar for each series, its value beside it.
    pub fn bars(&self, rows: &[(&str, Vec<f64>)]) -> String {
        const LEFT: f64 = 210.0;
        const BAR: f64 = 16.0;
        const GAP: f64 = 14.0;
        let group = BAR * float(self.series.len()) + GAP;
        let bottom = TOP + group * float(rows.len()) + GAP;
        let ticks = Ticks::up_to(rows.iter().flat_map(|(_, values)| values));
        let x = |value: f64| LEFT + (RIGHT - LEFT) * value / ticks.last;

        let mut svg = self.frame(LEFT, bottom);
        for tick in ticks.iter() {
            svg.grid((x(tick), TOP), (x(tick), bottom));
            svg.text("middle", (x(tick), bottom + 18.0), ticks.label(tick));
        }
        for (row, (name, values)) in rows.iter().enumerate() {
            let top = TOP + GAP + group * float(row);
            svg.text("end", (LEFT - 10.0, top + (group - GAP) / 2.0 + 3.0), name);
            for (series, &value) in values.iter().enumerate() {
                let y = top + BAR * float(series);
                svg.rect(series, (LEFT, y), (x(value) - LEFT, BAR - 3.0));
                svg.text("start", (x(value) + 6.0, y + 11.0), number(value, 1));
            }
        }
        svg.finish()
    }

    /// A line for each series, through its points.
    pub fn lines(&self, lines: &[Vec<(f64, f64)>]) -> String {
        const LEFT: f64 = 60.0;
        let bottom = TOP + 280.0;
        let across = Ticks::up_to(lines.iter().flatten().map(|(at, _)| at));
        let up = Ticks::up_to(lines.iter().flatten().map(|(_, value)| value));
        let x = |at: f64| LEFT + (RIGHT - LEFT) * at / across.last;
        let y = |value: f64| bottom - (bottom - TOP) * value / up.last;

        let mut svg = self.frame(LEFT, bottom);
        for tick in across.iter() {
            svg.grid((x(tick), TOP), (x(tick), bottom));
            svg.text("middle", (x(tick), bottom + 18.0), across.label(tick));
        }
        for tick in up.iter() {
            svg.grid((LEFT, y(tick)), (RIGHT, y(tick)));
            svg.text("end", (LEFT - 8.0, y(tick) + 4.0), up.label(tick));
        }
        for (series, points) in lines.iter().enumerate() {
            let places: Vec<_> = points.iter().map(|&(at, value)| (x(at), y(value))).collect();
            svg.line(series, &places);
            for (x, y) in places {
                svg.rect(series, (x - 3.0, y - 3.0), (6.0, 6.0));
            }
        }
        svg.finish()
    }

    /// All but the plot, which is from `left` to [`RIGHT`] and from [`TOP`] to `bottom`.
    fn frame(&self, left: f64, bottom: f64) -> Svg {
        let height = bottom + 56.0;
        let mut svg = Svg(format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">
<title>{}</title>
<style>{STYLE}</style>
<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>
<text class="title" x="16" y="28">{}</text>
"#,
            Escaped(self.title),
            Escaped(self.title),
        ));
        let mut x = 16.0;
        for (series, name) in self.series.iter().enumerate() {
            svg.rect(series, (x, 44.0), (11.0, 11.0));
            svg.text("start", (x + 17.0, 54.0), name);
            x += 38.0 + 7.0 * float(name.chars().count());
        }
        svg.text("start", (16.0, TOP - 12.0), self.y);
        svg.text("middle", (f64::midpoint(left, RIGHT), bottom + 40.0), self.x);
        svg
    }
}

/// A picture in the making.
struct Svg(String);

impl Svg {
    fn text(&mut self, anchor: &str, (x, y): (f64, f64), text: impl Display) {
        let text = Escaped(text);
        self.push(format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    fn grid(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(r#"<path class="grid" d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}"/>"#));
    }

    fn rect(&mut self, series: usize, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.push(format_args!(
            r#"<rect class="series-{series}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    fn line(&mut self, series: usize, places: &[(f64, f64)]) {
        let places: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.push(format_args!(
            r#"<polyline class="series-{series}" style="fill: none; stroke-width: 2.5" points="{}"/>"#,
            places.join(" ")
        ));
    }

    fn push(&mut self, element: impl Display) {
        let _ = writeln!(self.0, "{element}");
    }

    fn finish(mut self) -> String {
        self.push("</svg>");
        self.0
    }
}

/// The figures along an axis: round ones, from 0 to one that is no less than all values.
struct Ticks {
    step: f64,
    last: f64,
}

impl Ticks {
    fn up_to<'a>(values: impl Iterator<Item = &'a f64>) -> Self {
        let most = values.copied().fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let unit = 10_f64.powf((most / 5.0).log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|factor| factor * unit).into_iter().find(|step| step * 5.0 >= most);
        let step = step.unwrap_or(most);
        Self { step, last: (most / step).ceil() * step }
    }

    fn iter(&self) -> impl Iterator<Item = f64> {
        iter::successors(Some(0.0), |tick| Some(tick + self.step))
            .take_while(|tick| *tick < self.last + self.step / 2.0)
    }

    fn label(&self, tick: f64) -> String {
        number(tick, [1.0, 0.1, 0.01].iter().take_while(|unit| self.step < **unit).count())
    }
}

/// Text that XML doesn't take for its own.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for char in self.0.to_string().chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                _ => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// A count as a chart takes it.
#[expect(clippy::cast_precision_loss, reason = "a chart doesn't show the sixteenth digit")]
pub fn float(count: usize) -> f64 {
    count as f64
}
