//! Figures for a terminal: tables, and bars.

use std::fmt::{self, Display};

/// A table whose columns line up: the first one to the left, the others, which are figures, to the right.
pub struct Table<const COLUMNS: usize> {
    /// The first one has the titles of the columns.
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub fn new(titles: [&str; COLUMNS]) -> Self {
        Self { rows: vec![titles.map(str::to_owned)] }
    }

    pub fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }
}

impl<const COLUMNS: usize> Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                let width = self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
                if column == 0 {
                    write!(f, "{cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A bar for `value`, where the longest one is for `most`.
pub fn bar(value: f64, most: f64) -> String {
    const WIDTH: u32 = 60;
    let length = f64::from(WIDTH) * value / most;
    (0..WIDTH)
        .map(|cell| match length - f64::from(cell) {
            1.0.. => "█",
            0.5.. => "▌",
            left if left > 0.0 => "▏",
            _ => "",
        })
        .collect()
}

/// A number with its thousands apart, `16,838.2`; whole ones have no decimals.
pub fn number(value: impl Display, decimals: usize) -> String {
    let digits = format!("{value:.decimals$}");
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut number = String::new();
    for (at, digit) in digits.char_indices() {
        if 0 < at && at < whole && (whole - at) % 3 == 0 {
            number.push(',');
        }
        number.push(digit);
    }
    number
}
