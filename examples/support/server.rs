//! A server under observation: another example, as a process, and an honest client of it.

use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Runs a program, and ends it when the input ends: a pipe from this process, which ends even when this process is
/// killed. It takes a shell, because `std` can't have the system end a program together with the one that started it.
const WATCH: &str =
    r#"exec 3<&0; (cat <&3; kill $$ 2>/dev/null) >/dev/null & exec "$0" "$@" 3<&- </dev/null"#;

/// One of the servers, as a process that listens. It ends with this.
pub struct Server {
    pub addr: SocketAddr,
    /// The first line that it prints, and the last one once it has ended.
    pub stdout: Receiver<String>,
    /// The same of what it prints on stderr.
    pub stderr: Receiver<String>,
    pub process: Child,
}

impl Server {
    /// Builds an example and starts it. The end of its input must stop it, and does so where it isn't `resilient`.
    pub fn start(name: &str, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let program = build(name)?;
        let mut command = Command::new(&program);
        if name != "resilient" {
            command = Command::new("sh");
            command.args(["-c", WATCH]).arg(program);
        }
        command.args(["--addr", "127.0.0.1:0"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("{name} can't be started: {error}"))?;
        let (stdout, stderr) = (lines(process.stdout.take())?, lines(process.stderr.take())?);
        let mut server = Self { addr: ([0; 4], 0).into(), stdout, stderr, process };
        // A busy machine may need some of this time.
        let first = server.stdout.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
        server.addr = first.strip_prefix("listening on ").ok_or_else(|| server.end())?.parse()?;
        Ok(server)
    }

    /// Ends the server, unless it has ended by itself, and says how it has ended and what its last line on stderr was.
    pub fn end(&mut self) -> String {
        let _ = self.process.kill();
        drop(self.process.stdin.take());
        // To its end, when the shell's part that watches has gone too. Until then the process keeps its number: the
        // shell must not kill another one of that number.
        let last = self.stderr.iter().last().unwrap_or_default();
        let status = self.process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        format!("it has ended ({status}): {last}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Builds an example as this one was built, and returns its program. It is built each time, because its source may have
/// changed. Where nothing has, cargo takes a fifth of a second.
fn build(name: &str) -> Result<String, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--message-format=json-render-diagnostics", "--example", name]);
    cargo.args((!cfg!(debug_assertions)).then_some("--release")).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.stderr(Stdio::inherit()).output();
    let messages = output.map_err(|error| format!("can't be built, as cargo can't be run: {error}"))?.stdout;
    // The message about the example is the one that names a program.
    let messages = String::from_utf8_lossy(&messages).replace(r"\\", r"\");
    let program = messages.split(r#""executable":""#).nth(1).and_then(|program| program.split('"').next());
    program.map(str::to_owned).ok_or_else(|| "can't be built".to_owned())
}

/// The first line of a process, and the last one once it has ended. All are read, or it would wait at a full pipe.
fn lines(output: Option<impl Read + Send + 'static>) -> Result<Receiver<String>, String> {
    let (sender, ends) = mpsc::channel();
    let read = move || {
        let output = output.into_iter().flat_map(|output| BufReader::new(output).lines());
        let mut lines = output.map_while(Result::ok);
        let _ = lines.next().map(|first| sender.send(first));
        let _ = lines.last().map(|last| sender.send(last));
    };
    let reader = thread::Builder::new().spawn(read);
    reader.map(|_| ends).map_err(|error| format!("no thread to read what it prints: {error}"))
}

/// How many descriptors a process has.
pub fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// How many files this process, or a server that it starts, may have open.
pub fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    // Not a number where there is no limit.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

/// How long the honest client waits until a line that it sends has come back, or what becomes of it.
pub fn ask(addr: SocketAddr, patience: Duration) -> Result<Duration, &'static str> {
    let begin = Instant::now();
    let ask = || {
        let mut client = TcpStream::connect_timeout(&addr, patience)?;
        client.set_read_timeout(Some(patience))?;
        client.write_all(b"Is anybody there?\n")?;
        client.read_exact(&mut [0; 18])
    };
    // Unix and Windows differ in what a socket's timeout is called.
    ask().map(|()| begin.elapsed()).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => GAVE_UP,
        _ => "turned away",
    })
}

/// How it ends for the honest client when its patience does.
pub const GAVE_UP: &str = "gave up";
