//! Lines on stdout and stderr, for a program that goes on when nobody reads them any more.
//!
//! `println!` and `eprintln!` panic when the other end of their pipe is closed, and with them the worker.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints a line on stdout, at once also when stdout is a file or a pipe.
pub fn line(line: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Prints what went wrong as a line on stderr.
pub fn error(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "error: {message}");
}

/// Ends `main`: prints the error, if there is one.
pub fn outcome(result: Result<(), impl Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            error(message);
            ExitCode::FAILURE
        }
    }
}
