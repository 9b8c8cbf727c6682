//! Figures for a terminal.

use std::fmt::Write;

/// Lines up the columns of a table: the first one to the left, the others, which are figures, to the right.
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut table = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let space = " ".repeat(width - cell.chars().count());
            let _ =
                if column == 0 { write!(table, "{cell}{space}") } else { write!(table, "  {space}{cell}") };
        }
        table += "\n";
    }
    table
}
