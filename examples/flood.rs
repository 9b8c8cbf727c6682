//! Clients that connect and say nothing, more and more of them, against each of the three servers.
//!
//! ```console
//! $ cargo run --release --example flood
//! ```
//!
//! The servers are the other examples, each in a process of its own on the loopback. While the silent clients become
//! more, an honest one asks now and then, and gives up when its patience ends. Only Linux says what this costs a server.

mod support;

use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, fs, iter, thread};

use pool_recipes::Usage;
use support::arguments::{Arguments, AtLeast};
use support::log;
use support::svg::{Chart, float};
use support::table::{Table, number};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SERVERS: [&str; 3] = ["unbounded", "executor", "manual_queue"];

/// The servers are looked at before the flood, when it is this many, and each time that it has doubled. It also grows by
/// no more at a time.
const FIRST_STEP: usize = 64;

/// No flood is larger. At 16,000 threads Linux has no mappings left for one more, and `unbounded` would be aborted.
const MOST: usize = 10_000;

/// The files that this process, or a server, has open beside the flood, and some more.
const RESERVE: usize = 64;

/// How long a server may take to start, to accept one client, and to have accepted all that there are.
const TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    log::outcome(flood())
}

fn flood() -> Outcome {
    let mut arguments =
        Arguments::new("Shows what clients that say nothing do to each of the three servers.");
    let AtLeast(asked) = arguments.value(
        "--connections N",
        "how many are silent, if so many files may be open",
        AtLeast::<1>(2000),
    );
    let AtLeast(patience) =
        arguments.value("--patience MS", "how long the honest client waits", AtLeast::<1>(400));
    let svg: Option<PathBuf> = arguments.optional("--svg FILE", "where to draw the threads");
    arguments.finish();

    // Where the system doesn't say what a process uses, there is nothing to see.
    Usage::current()?;
    let open_files = open_files();
    let connections = asked.min(MOST).min(open_files.saturating_sub(RESERVE));
    if connections == 0 {
        return Err(format!("{open_files} open files, the limit here, are too few for a flood").into());
    }
    log::line(format_args!(
        "{} silent connections to each server, {} asked for; at most {} files may be open here.\n",
        number(connections, 0),
        number(asked, 0),
        if open_files == usize::MAX { "any number of".to_owned() } else { number(open_files, 0) },
    ));

    let patience = Duration::from_millis(patience as u64);
    let mut table =
        Table::new(["server", "silent", "threads", "virtual MB", "real MB", "descriptors", "honest client"]);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    for name in SERVERS {
        let steps = attack(name, connections, patience, &mut notes).map_err(|e| format!("{name}: {e}"))?;
        for step in &steps {
            table.row(step.cells(name));
        }
        lines.push(steps.iter().map(|step| (float(step.silent), float(step.usage.threads))).collect());
    }
    log::line(format_args!("{table}"));
    for note in notes {
        log::line(format_args!("{note}\n"));
    }
    log::line(EXPLANATION);
    if let Some(path) = svg {
        let (x, y) = ("silent connections", "threads of the server");
        let picture = Chart { title: "Who says how many threads there are?", x, y, series: &SERVERS };
        fs::write(&path, picture.lines(&lines)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

const EXPLANATION: &str = "\
A silent client costs the attacker one connection. It costs `unbounded` a thread with its stack: the attacker says how
many threads there are. The honest client is answered, until there is no thread or no descriptor left for it.
The pools have 128 workers and a thread that accepts, whatever comes. But 128 silent clients hold all the workers.
Everyone else waits in a queue that grows by a descriptor for each, also for those who have given up.
So neither is enough: a queue with a bound turns away whom it can't hold, and a timeout sends the silent ones home.";

/// Floods one server, and looks at it step by step. What goes wrong meanwhile is noted.
fn attack(name: &str, connections: usize, patience: Duration, notes: &mut Vec<String>) -> Outcome<Vec<Step>> {
    // Dropped after the server, which so has no time to see them all go.
    let mut silent = Vec::new();
    let server = Server::start(name)?;
    let mut steps = Vec::new();
    let doubled = iter::successors(Some(FIRST_STEP), |n| Some(2 * n)).take_while(|n| *n < connections);
    for goal in iter::once(0).chain(doubled).chain([connections]) {
        let grown = server.flood(&mut silent, goal);
        let (usage, descriptors) = server.settle(silent.len())?;
        let honest = ask(server.addr, patience).map_err(|error| error.kind());
        steps.push(Step { silent: silent.len(), usage, descriptors, honest });
        if let Err(error) = grown {
            notes.push(format!("{name}: the flood ended at {}: {error}", number(silent.len(), 0)));
            break;
        }
    }
    if let Ok(error) = server.stderr.try_recv() {
        notes.push(format!("{name} says: {error}"));
    }
    Ok(steps)
}

/// What the honest client sees: how long it waits until a line that it sends has come back.
fn ask(addr: SocketAddr, patience: Duration) -> io::Result<Duration> {
    const LINE: &[u8] = b"Is anybody there?\n";
    let begin = Instant::now();
    let mut client = TcpStream::connect_timeout(&addr, patience)?;
    client.set_read_timeout(Some(patience))?;
    client.write_all(LINE)?;
    let mut answer = [0; LINE.len()];
    client.read_exact(&mut answer)?;
    Ok(begin.elapsed())
}

/// Unix and Windows differ in what a socket's timeout is called.
fn is_timeout(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What there is to see while so many clients are silent.
struct Step {
    silent: usize,
    usage: Usage,
    descriptors: usize,
    honest: Result<Duration, ErrorKind>,
}

impl Step {
    fn cells(&self, name: &str) -> [String; 7] {
        let Usage { threads, virtual_bytes, resident_bytes } = self.usage;
        [
            name.to_owned(),
            number(self.silent, 0),
            number(threads, 0),
            megabytes(virtual_bytes),
            megabytes(resident_bytes),
            number(self.descriptors, 0),
            match self.honest {
                Ok(waited) => format!("{} ms", number(waited.as_secs_f64() * 1e3, 1)),
                Err(error) if is_timeout(error) => "gave up".to_owned(),
                Err(_) => "turned away".to_owned(),
            },
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a table doesn't show the sixteenth digit")]
fn megabytes(bytes: u64) -> String {
    number(bytes as f64 / 1e6, 1)
}

/// One of the servers, as a process that listens. It ends when this is dropped.
struct Server {
    addr: SocketAddr,
    /// The first line of its stderr, if there is one.
    stderr: Receiver<String>,
    process: Process,
    /// How many descriptors it has without a client.
    alone: usize,
}

impl Server {
    /// Starts an example that was built beside this one.
    fn start(name: &str) -> Outcome<Self> {
        let program = env::current_exe()?.with_file_name(name).with_extension(env::consts::EXE_EXTENSION);
        if !program.exists() {
            build(name)?;
        }
        if !program.exists() {
            return Err("it is not where this example is, which takes: cargo build --examples".into());
        }
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1:0"]).stdin(Stdio::null());
        let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
        let stdout = process.0.stdout.take().map(first_line).ok_or("no stdout")?;
        let stderr = process.0.stderr.take().map(first_line).ok_or("no stderr")?;
        let first = stdout.recv_timeout(TIMEOUT).unwrap_or_default();
        let Some(addr) = first.strip_prefix("listening on ") else {
            let error = stderr.recv_timeout(TIMEOUT).unwrap_or_default();
            return Err(format!("doesn't listen: {}", error.trim_start_matches("error: ")).into());
        };
        let mut server = Self { addr: addr.parse()?, stderr, process, alone: 0 };
        server.alone = server.descriptors()?;
        Ok(server)
    }

    /// Makes the silent clients `goal`, no faster than it accepts them: its backlog has room for some 100.
    fn flood(&self, silent: &mut Vec<TcpStream>, goal: usize) -> Outcome {
        while silent.len() < goal {
            for _ in silent.len()..goal.min(silent.len() + FIRST_STEP) {
                silent.push(TcpStream::connect_timeout(&self.addr, TIMEOUT)?);
            }
            let (_, descriptors) = self.settle(silent.len())?;
            if descriptors < self.alone + silent.len() {
                return Err(format!("it has only {} descriptors", number(descriptors, 0)).into());
            }
        }
        Ok(())
    }

    /// What it uses, and its descriptors, once it has accepted so many and nothing changes, or when time is up.
    fn settle(&self, silent: usize) -> Outcome<(Usage, usize)> {
        let begin = Instant::now();
        let mut before = None;
        loop {
            let (usage, descriptors) = (Usage::of(self.process.0.id())?, self.descriptors()?);
            let now = Some((usage.threads, descriptors));
            let settled = descriptors >= self.alone + silent && now == before;
            if settled || begin.elapsed() > TIMEOUT {
                return Ok((usage, descriptors));
            }
            before = now;
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many descriptors it has.
    fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.process.0.id()))?.count())
    }
}

/// Builds an example in the way in which this one was: `cargo run` builds only the one that it runs.
fn build(name: &str) -> Outcome {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    if cargo.status()?.success() { Ok(()) } else { Err("it can't be built".into()) }
}

/// A process that ends when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first line of a process. The others are read too, lest it wait until someone does.
fn first_line(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, first) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        if output.read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send(line.trim_end().to_owned());
        }
        io::copy(&mut output, &mut io::sink())
    });
    first
}

/// How many files this process, or a server that it starts, may have open.
fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    // Not a number where there is no limit.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}
