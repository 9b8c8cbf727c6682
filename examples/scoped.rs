//! Tasks that borrow: counting the words of a text that stays where it is.
//!
//! ```console
//! $ cargo run --example scoped
//! ```

mod support;

use std::error::Error;
use std::process::ExitCode;

use pool_recipes::{ScopedHandle, scope};
use support::arguments::Arguments;
use support::log;

fn main() -> ExitCode {
    Arguments::new("Counts the words of this example's own source, on a pool that borrows it.").finish();

    log::outcome(count())
}

fn count() -> Result<(), Box<dyn Error>> {
    let text = include_str!("scoped.rs").to_owned();
    let lines: Vec<&str> = text.lines().collect();

    let words = scope(4, |pool| {
        let parts: Vec<_> = lines
            .chunks(10)
            .map(|part| {
                pool.submit(move || part.iter().map(|line| line.split_whitespace().count()).sum::<usize>())
            })
            .collect();
        parts.into_iter().map(ScopedHandle::result).sum::<Result<usize, _>>()
    })??;

    // Borrowed, not moved: the text is still ours.
    log::line(format_args!("{words} words in {} lines, {} bytes", lines.len(), text.len()));
    Ok(())
}
