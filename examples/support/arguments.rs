//! The command line: an example reads its flags one by one, and so declares them.
//!
//! The type of a value is its rule: what its [`FromStr`] refuses is one line on stderr and exit code 2.

use super::log;
use pool_recipes::MIN_STACK_SIZE;
use std::env;
use std::fmt::{self, Display, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::str::FromStr;
use std::time::Duration;

/// The command line of this process.
pub struct Arguments {
    /// What no flag has taken yet.
    rest: Vec<String>,
    /// What `--help` prints, a line for each flag read so far.
    usage: String,
    /// Who asks for help gets it, whatever else the line says.
    help: bool,
}

impl Arguments {
    /// Reads the command line of an example that does what `about` says.
    pub fn new(about: &str) -> Self {
        let utf8 = |raw: std::ffi::OsString| refuse(format_args!("{}: not UTF-8", raw.display()));
        let rest: Vec<_> = env::args_os().skip(1).map(|raw| raw.into_string().unwrap_or_else(utf8)).collect();
        let help = rest.iter().any(|argument| argument == "--help");
        let usage = format!("{about}\n\nusage: {} [OPTION]...\n\n", env!("CARGO_CRATE_NAME"));
        Self { rest, usage, help }
    }

    /// The value of `flag`, or `default`. The flag is written as in the usage: `--queue N`.
    pub fn value<T: FromStr<Err: Display> + Display>(&mut self, flag: &str, help: &str, default: T) -> T {
        self.optional(flag, &format!("{help} [default: {default}]")).unwrap_or(default)
    }

    /// The value of `flag`, if it is there.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, flag: &str, help: &str) -> Option<T> {
        let _ = writeln!(self.usage, "  {flag:<22} {help}");
        let name = flag.split(' ').next().unwrap_or(flag);
        let value = if self.help { None } else { self.take(name) }?;
        match value.parse() {
            Ok(value) => Some(value),
            // Escaped, as an argument may hold a line break and an error is one line.
            Err(rule) => refuse(format_args!("{name} {}: {rule}", value.escape_debug())),
        }
    }

    /// Ends the reading with what is left: any number of `name`s.
    pub fn rest(mut self, name: &str, help: &str) -> Vec<String> {
        let _ = writeln!(self.usage, "  {:<22} {help}", format!("{name}..."));
        let (flags, values) = self.rest.drain(..).partition(|argument| argument.starts_with("--"));
        self.rest = flags;
        self.finish();
        values
    }

    /// Ends the reading: prints the usage if that was asked for, and refuses what no flag has taken.
    pub fn finish(self) {
        if self.help {
            log::line(format_args!("{}  {:<22} print this", self.usage, "--help"));
            process::exit(0);
        }
        if let Some(argument) = self.rest.first() {
            refuse(format_args!(
                "{}: unknown argument, --help lists the known ones",
                argument.escape_debug()
            ));
        }
    }

    /// Takes `--flag value` and `--flag=value` out of the line; the last one counts.
    fn take(&mut self, name: &str) -> Option<String> {
        let mut last = None;
        while let Some(at) = self.rest.iter().position(|argument| argument.split('=').next() == Some(name)) {
            let argument = self.rest.remove(at);
            last = match argument.split_once('=') {
                Some((_, value)) => Some(value.to_owned()),
                None if self.rest.get(at).is_some_and(|next| !next.starts_with("--")) => {
                    Some(self.rest.remove(at))
                }
                None => refuse(format_args!("{name}: needs a value")),
            };
        }
        last
    }
}

/// The flags of the three recipes.
impl Arguments {
    /// `--addr`
    pub fn addr(&mut self) -> SocketAddr {
        self.value("--addr IP:PORT", "where to listen", (Ipv4Addr::LOCALHOST, 15_000).into())
    }

    /// `--workers`
    pub fn workers(&mut self) -> usize {
        self.value("--workers N", "how many threads serve", Whole::<1>(128)).0
    }

    /// `--stack-size`
    pub fn stack_size(&mut self) -> Option<usize> {
        let size: Option<Whole<MIN_STACK_SIZE>> =
            self.optional("--stack-size BYTES", "the stack of each thread [default: 2 MiB]");
        size.map(|Whole(bytes)| bytes)
    }
}

/// The flags that make a pool's server survive.
impl Arguments {
    /// `--queue`
    pub fn queue(&mut self) -> Option<usize> {
        // Room for all of them is made at once.
        let places: Option<Whole<1, 1_000_000>> =
            self.optional("--queue N", "how many clients may wait for a worker [default: any number]");
        places.map(|Whole(n)| n)
    }

    /// `--idle-timeout`
    pub fn idle_timeout(&mut self) -> Option<Duration> {
        let help = "how long a client may send, or take, nothing [default: forever]";
        let limit: Option<Seconds> = self.optional("--idle-timeout SECONDS", help);
        limit.map(|Seconds(limit)| limit)
    }

    /// `--grace`
    pub fn grace(&mut self) -> Duration {
        let help = "how long clients may go on after a stop";
        self.value("--grace SECONDS", help, Seconds(Duration::from_secs(5))).0
    }
}

/// A whole number from `MIN` to `MAX`.
pub struct Whole<const MIN: usize, const MAX: usize = { usize::MAX }>(pub usize);

impl<const MIN: usize, const MAX: usize> FromStr for Whole<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
    }
}

impl<const MIN: usize, const MAX: usize> Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time in seconds and parts of a second, from a millisecond to some thirty years.
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse().ok().filter(|seconds| (0.001..=1e9).contains(seconds));
        let time = seconds.map(Duration::from_secs_f64);
        time.map(Self).ok_or("must be a number of seconds from 0.001 to 1000000000")
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

/// Ends the process over a bad argument.
fn refuse(message: impl Display) -> ! {
    log::error(message);
    process::exit(2);
}
