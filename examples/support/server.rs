//! A server under observation: another example, as a process, and an honest client of it.

use pool_recipes::Usage;
use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// No flood is larger. At 16,000 threads Linux has no mappings left for one more, and `unbounded` would be aborted.
pub const MOST: usize = 10_000;

/// The files that this process, or a server, has open beside the flood, and some more.
pub const RESERVE: usize = 64;

/// How long a server may take to accept one client, and to have accepted all that there are.
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// How long a server may take to start, also on a busy machine.
const START: Duration = Duration::from_secs(20);

/// One of the servers, as a process that listens. It ends when this is dropped.
pub struct Server {
    pub addr: SocketAddr,
    /// The lines that it prints.
    pub stdout: Receiver<String>,
    pub stderr: Receiver<String>,
    /// Killed with this.
    process: Process,
    /// How many descriptors it has without a client.
    pub alone: usize,
}

impl Server {
    /// Starts an example that was built beside this one. It can be stopped if its `stdin` is piped.
    pub fn start(name: &str, arguments: &[&str], stdin: Stdio) -> Outcome<Self> {
        let program = env::current_exe()?.with_file_name(name).with_extension(env::consts::EXE_EXTENSION);
        if !program.exists() {
            build(name)?;
        }
        if !program.exists() {
            return Err("it is not where this example is, which takes: cargo build --examples".into());
        }
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1:0"]).args(arguments).stdin(stdin);
        let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
        let stdout = process.0.stdout.take().map(lines).ok_or("no stdout")?;
        let stderr = process.0.stderr.take().map(lines).ok_or("no stderr")?;
        let first = stdout.recv_timeout(START).unwrap_or_default();
        let Some(addr) = first.strip_prefix("listening on ") else {
            let error = stderr.recv_timeout(TIMEOUT).unwrap_or_default();
            return Err(format!("doesn't listen: {}", error.trim_start_matches("error: ")).into());
        };
        let mut server = Self { addr: addr.parse()?, stdout, stderr, process, alone: 0 };
        (_, server.alone) = server.settle(0)?;
        Ok(server)
    }

    /// What it uses, and its descriptors, once it has accepted so many and nothing changes, or when time is up.
    pub fn settle(&self, silent: usize) -> Outcome<(Usage, usize)> {
        let begin = Instant::now();
        let mut before = None;
        loop {
            let (usage, descriptors) = (self.usage()?, self.descriptors()?);
            let now = Some((usage.threads, descriptors));
            let settled = descriptors >= self.alone + silent && now == before;
            if settled || begin.elapsed() > TIMEOUT {
                return Ok((usage, descriptors));
            }
            before = now;
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it uses.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(self.process.0.id())
    }

    /// Stops it, and returns the last line that it prints.
    pub fn stop(mut self) -> Outcome<String> {
        self.process.0.stdin.take().ok_or("no stdin")?.write_all(b"stop\n")?;
        self.stdout.iter().last().ok_or_else(|| "it prints nothing".into())
    }

    /// How many descriptors it has.
    pub fn descriptors(&self) -> io::Result<usize> {
        descriptors(self.pid())
    }

    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

/// How many descriptors a process has.
pub fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
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

/// The lines of a process, which are read also if nobody asks for them, lest it wait until someone does.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// How many files this process, or a server that it starts, may have open.
pub fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    // Not a number where there is no limit.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

/// What the honest client sees: how long it waits until a line that it sends has come back.
pub fn ask(addr: SocketAddr, patience: Duration) -> io::Result<Duration> {
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
pub fn is_timeout(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
