//! Lines on stdout and stderr.
//!
//! `println!` and `eprintln!` panic when the other end of their pipe is closed, and end the worker that prints.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Prints a line of a log, for a program that goes on when nobody reads its log any more.
pub fn line(line: impl Display) {
    let _ = print(line);
}

/// Prints a line of a result, for a program that has failed when nobody gets its result.
pub fn print(line: impl Display) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    // Flushed, because a file or a pipe would get the line later.
    let printed = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    printed.map_err(|error| format!("can't print on stdout: {error}"))
}

/// Prints what went wrong as a line on stderr.
pub fn error(message: impl Display) {
    // As one piece: stderr has no buffer, and what is written in pieces mixes with the lines of other threads.
    let _ = io::stderr().write_all(format!("error: {message}\n").as_bytes());
}

/// Prints an error that may come again and again, unless it is the one that this function printed last.
pub fn error_once(message: String) {
    static LAST: Mutex<String> = Mutex::new(String::new());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last != message {
        error(&message);
        *last = message;
    }
}

/// Says that a server accepts connections at `addr`, how to try it and how to stop it.
pub fn listening(addr: SocketAddr, stop: &str) {
    let (ip, port) = (addr.ip(), addr.port());
    let python =
        format!("s = socket.create_connection(('{ip}', {port})); s.sendall(b'hi'); print(s.recv(9))");
    line(format_args!("listening on {addr}\ntry it: nc {ip} {port}"));
    line(format_args!("    or: python3 -c \"import socket; {python}\"\nstop it: {stop}"));
}

/// Ends `main`: prints the error, if there is one.
pub fn outcome(result: Result<(), impl Display>) -> ExitCode {
    if let Err(message) = result {
        error(message);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
