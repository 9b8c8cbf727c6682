//! The command line: an example reads its flags one by one, and so declares them.
//!
//! A flag is written `--flag VALUE`. What breaks a flag's rule is one line on stderr and exit code 2.

use std::ffi::OsString;
use std::fmt::{Display, Write};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::{env, mem, process};

use super::log;

/// No example starts more threads. From some 16,000 on, Linux has no mappings left for one more, and `std` aborts.
pub const MOST_THREADS: usize = 10_000;

/// The command line of this process.
pub struct Arguments {
    /// The arguments that no flag has taken yet.
    rest: Vec<String>,
    /// What `--help` prints: a line for each flag read so far.
    usage: String,
    /// Whether the line asks for help. Then nothing else on it counts.
    help: bool,
}

impl Arguments {
    /// Reads the command line of an example that does what `about` says.
    pub fn new(about: &str) -> Self {
        let utf8 = |raw: OsString| refuse(format_args!("{:?} is not UTF-8", raw.to_string_lossy()));
        let rest: Vec<_> = env::args_os().skip(1).map(|raw| raw.into_string().unwrap_or_else(utf8)).collect();
        let help = rest.iter().any(|argument| argument == "--help" || argument == "-h");
        let usage = format!("{about}\n\nusage: {} [OPTION]...\n\n", env!("CARGO_CRATE_NAME"));
        Self { rest, usage, help }
    }

    /// The value of `flag`, which is written as in the usage: `--svg FILE`. A flag without a value has an empty one.
    pub fn text(&mut self, flag: &str, help: &str) -> Option<String> {
        let _ = writeln!(self.usage, "  {flag:<24} {help}");
        let (name, value) = flag.split_once(' ').unwrap_or((flag, ""));
        let at = self.rest.iter().position(|argument| argument == name && !self.help)?;
        self.rest.remove(at);
        match value {
            "" => Some(String::new()),
            _ if at < self.rest.len() => Some(self.rest.remove(at)),
            _ => refuse(format_args!("{name} needs a value")),
        }
    }

    /// The value of `flag`, a number in `range`.
    pub fn number<T>(&mut self, flag: &str, help: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let text = self.text(flag, help)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        let whole = if T::from_str("0.5").is_ok() { "" } else { "whole " };
        let rule = format_args!("must be a {whole}number from {} to {}", range.start(), range.end());
        Some(number.unwrap_or_else(|| refuse_value(flag, &text, rule)))
    }

    /// The same, or `default` where the flag isn't on the line.
    pub fn number_or<T>(&mut self, default: T, flag: &str, help: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        self.number(flag, &format!("{help} [default: {default}]"), range).unwrap_or(default)
    }

    /// The arguments that are left and aren't flags. The usage calls them `name`.
    pub fn rest(&mut self, name: &str) -> Vec<String> {
        self.usage = self.usage.replace("[OPTION]...", name);
        let (flags, values) = mem::take(&mut self.rest).into_iter().partition(|text| text.starts_with('-'));
        self.rest = flags;
        values
    }

    /// Ends the reading: prints the usage if the line asks for it, and refuses what no flag has taken.
    pub fn finish(self) {
        if self.help {
            log::line(format_args!("{}  {:<24} print this", self.usage, "-h, --help"));
            process::exit(0);
        }
        if let Some(argument) = self.rest.first() {
            refuse(format_args!("unexpected argument {argument:?}: it is not in --help, or is given twice"));
        }
    }
}

/// The flags of the servers.
impl Arguments {
    pub fn addr(&mut self) -> SocketAddr {
        let help = "where to listen [default: 127.0.0.1:15000]";
        let text = self.text("--addr IP:PORT", help).unwrap_or_else(|| "127.0.0.1:15000".to_owned());
        let rule = "must be an IP address and a port, such as 127.0.0.1:15000 or [::1]:15000";
        text.parse().unwrap_or_else(|_| refuse_value("--addr", &text, rule))
    }

    pub fn workers(&mut self) -> usize {
        self.number_or(128, "--workers N", "how many threads serve", 1..=MOST_THREADS)
    }

    pub fn stack_size(&mut self) -> usize {
        self.number_or(2 << 20, "--stack-size BYTES", "the stack of each thread", 32_768..=usize::MAX)
    }
}

/// The whole command line of a server with a pool: its address, how many workers it has, and the stack of each.
pub fn pool_server(about: &str) -> (SocketAddr, usize, usize) {
    let mut arguments = Arguments::new(about);
    let server = (arguments.addr(), arguments.workers(), arguments.stack_size());
    arguments.finish();
    server
}

fn refuse_value(flag: &str, value: &str, rule: impl Display) -> ! {
    // With quotes and escapes: a value may be empty or hold a line break, and an error is one line.
    refuse(format_args!("{} {value:?}: {rule}", flag.split(' ').next().unwrap_or(flag)))
}

/// Ends the process over a bad argument.
fn refuse(message: impl Display) -> ! {
    log::error(message);
    process::exit(2);
}
