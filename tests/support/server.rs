//! A server's process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::{env, iter, thread};

use super::time::{TOO_LONG, until};

/// A command that runs an example.
pub fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program(name));
    command.args(arguments);
    command
}

/// A server's process that listens. It ends when this is dropped.
pub struct Running {
    pub addr: SocketAddr,
    /// What is typed for it. It is open as long as nobody drops it.
    pub stdin: ChildStdin,
    /// What it prints from its second line on.
    pub stdout: BufReader<ChildStdout>,
    pub stderr: ChildStderr,
    pub process: Process,
}

impl Running {
    /// Runs `command`, which is a server and its other arguments, on a free port.
    pub fn start(mut command: Command) -> Self {
        command.args(["--addr", "127.0.0.1:0"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let stdin = process.0.stdin.take().unwrap();
        let mut stdout = BufReader::new(process.0.stdout.take().unwrap());
        let stderr = process.0.stderr.take().unwrap();
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let addr = first.trim_end().strip_prefix("listening on ").expect(&first).parse().unwrap();
        Self { addr, stdin, stdout, stderr, process }
    }

    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Types `stop`, and returns what `end` does.
    pub fn stop(mut self) -> [Vec<String>; 2] {
        self.stdin.write_all(b"stop\n").unwrap();
        self.end()
    }

    /// Ends its input, and returns what it has printed on stdout and on stderr once it has ended, in success.
    pub fn end(mut self) -> [Vec<String>; 2] {
        drop(self.stdin);
        // Both are read from now on, or the process would wait at a full pipe.
        let (stdout, stderr) = (lines(self.stdout), lines(self.stderr));
        let printed = [stdout.collect(), stderr.collect()];
        let status = self.process.end();
        assert!(status.success(), "{status}: {printed:?}");
        printed
    }
}

/// A process that ends when this is dropped, also by a test that fails.
pub struct Process(pub Child);

impl Process {
    /// How it ends by itself, which it must be about to do.
    pub fn end(&mut self) -> ExitStatus {
        until("its end", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of a process, each as soon as it is there. A line that doesn't come is a failure and not a hang.
pub fn lines(output: impl Read + Send + 'static) -> impl Iterator<Item = String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut read = BufReader::new(output).lines().map_while(Result::ok);
        read.try_for_each(|line| sender.send(line))
    });
    iter::from_fn(move || lines.recv_timeout(TOO_LONG).ok())
}

/// The path of an example, which is built first, in the way in which this test was.
fn program(name: &str) -> PathBuf {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    let examples = EXAMPLES.get_or_init(|| {
        // This test is TARGET/PROFILE/deps/NAME, or with --target, TARGET/TRIPLE/PROFILE/deps/NAME. This file is in TARGET.
        let is_target = |folder: &&Path| folder.join(".rustc_info.json").exists();
        let test = env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let target = profile.ancestors().skip(1).find(is_target).expect("no target directory");
        let profile_name = profile.file_name().filter(|name| *name != "debug").unwrap_or("dev".as_ref());
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--examples", "--profile"]).arg(profile_name);
        cargo.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
        if let Some(triple) = profile.parent().filter(|folder| *folder != target) {
            cargo.arg("--target").arg(triple.file_name().unwrap());
        }
        // One test alone, `cargo test --test NAME`, builds no example. Where there is no cargo, they are built already.
        if let Ok(status) = cargo.status() {
            assert!(status.success(), "the examples don't build");
        }
        profile.join("examples")
    });
    examples.join(name).with_extension(env::consts::EXE_EXTENSION)
}
