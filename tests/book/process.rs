//! Runs a command of the book, and leaves no process behind on any path.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{self, Child, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use crate::command::Command;

const TIME_TO_LISTEN: Duration = Duration::from_secs(20);
const TIME_TO_FINISH: Duration = Duration::from_secs(60);

/// Runs the command until it ends, or a server until it has printed so many lines: returns what it printed.
/// The built program is run in place of `cargo run`, because killing cargo would leave the program alive.
pub fn run(command: &Command, lines: usize) -> Result<String, String> {
    match command {
        Command::Example { name, release, args } => {
            let mut program = process::Command::new(build(name, *release)?);
            if command.is_server() {
                listen(program.args(with_free_port(args)), lines, TIME_TO_LISTEN)
            } else {
                finish(program.args(args), TIME_TO_FINISH)
            }
        }
        // This is the run that is going on.
        Command::Test { cargo, harness } if cargo.is_empty() && harness.is_empty() => Ok(String::new()),
        Command::Test { cargo, harness } => list_tests(cargo, harness),
        Command::Build { cargo } => self::cargo(&[&["build".to_owned()], &cargo[..]].concat()),
    }
}

/// The port of the book may be taken, by a reader who is trying the recipes.
fn with_free_port(args: &[String]) -> Vec<String> {
    let names_one = args.iter().any(|arg| arg == "--addr" || arg.starts_with("--addr="));
    let more = if names_one { &[][..] } else { &["--addr", "127.0.0.1:0"] };
    args.iter().cloned().chain(more.iter().map(ToString::to_string)).collect()
}

fn build(example: &str, release: bool) -> Result<String, String> {
    let mut args = vec!["build", "--message-format=json-render-diagnostics", "--example", example];
    args.extend(release.then_some("--release"));
    let messages = cargo(&args)?;
    let paths = messages.split("\"executable\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    paths.last().map(str::to_owned).ok_or_else(|| format!("cargo built no program for the example {example}"))
}

/// The tests are running already, so it is enough that the command would select one.
fn list_tests(before: &[String], after: &[String]) -> Result<String, String> {
    let args = [&["test".to_owned()], before, &["--".to_owned()], after, &["--list".to_owned()]].concat();
    let list = cargo(&args)?;
    if list.lines().any(|line| line.ends_with(": test")) {
        return Ok(list);
    }
    Err(format!("no test is selected, says `cargo {}`", args.join(" ")))
}

fn cargo(args: &[impl AsRef<str>]) -> Result<String, String> {
    let args: Vec<_> = args.iter().map(AsRef::as_ref).collect();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = process::Command::new(cargo);
    let output = command.args(&args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cargo can't be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("`cargo {}` failed:\n{}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim_end()))
}

fn finish(program: &mut process::Command, patience: Duration) -> Result<String, String> {
    let mut running = Running::start(program)?;
    let said = running.read(patience, usize::MAX);
    if said.late {
        return Err(format!("the program did not end within {patience:?}"));
    }
    let status = running.0.wait().map_err(|error| format!("the program can't be waited for: {error}"))?;
    let why = || format!("the program ended with {status}:\n{}", said.err.concat());
    if status.success() { Ok(said.out.concat()) } else { Err(why()) }
}

fn listen(program: &mut process::Command, lines: usize, patience: Duration) -> Result<String, String> {
    let said = Running::start(program)?.read(patience, lines);
    if said.out.iter().any(|line| line.starts_with("listening on ")) {
        return Ok(said.out.concat());
    }
    let all = [said.out, said.err].concat().concat();
    Err(format!("the server ended, or {patience:?} passed, without `listening on ADDR`:\n{all}"))
}

/// A process that is gone when this is.
struct Running(Child);

#[derive(Default)]
struct Said {
    out: Vec<String>,
    err: Vec<String>,
    late: bool,
}

enum Line {
    Out(String),
    Err(String),
}

impl Running {
    fn start(program: &mut process::Command) -> Result<Self, String> {
        program.current_dir(env!("CARGO_MANIFEST_DIR"));
        let child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        child.map(Self).map_err(|error| format!("the program can't be started: {error}"))
    }

    /// Reads until both streams end, `lines` lines have come, or time is up.
    fn read(&mut self, patience: Duration, lines: usize) -> Said {
        let end = Instant::now() + patience;
        let (sender, receiver) = mpsc::channel();
        forward(self.0.stdout.take(), Line::Out, sender.clone());
        forward(self.0.stderr.take(), Line::Err, sender);
        let mut said = Said::default();
        while said.out.len() < lines {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Line::Out(line)) => said.out.push(line),
                Ok(Line::Err(line)) => said.err.push(line),
                Err(stop) => {
                    said.late = stop == RecvTimeoutError::Timeout;
                    break;
                }
            }
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the process is gone and waited for, which is what they are for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Sends what comes from a stream line by line, so that a program never waits for us to empty a full pipe.
fn forward(stream: Option<impl Read + Send + 'static>, kind: fn(String) -> Line, to: Sender<Line>) {
    thread::spawn(move || {
        let lines = stream.into_iter().flat_map(|stream| BufReader::new(stream).split(b'\n'));
        for line in lines.map_while(Result::ok) {
            if to.send(kind(format!("{}\n", String::from_utf8_lossy(&line)))).is_err() {
                break;
            }
        }
    });
}

fn run_line(line: &str) -> Result<String, String> {
    run(&Command::parse(line).unwrap(), 1)
}

#[track_caller]
fn assert_fails(result: Result<String, String>, rule: &str) {
    let error = result.unwrap_err();
    assert!(error.contains(rule), "{error}");
}

fn shell(script: &str) -> process::Command {
    let mut command = process::Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_test_command_that_selects_a_test_is_accepted() {
    let list = run_line("cargo test --test book a_test_command_that_selects -- --skip nothing").unwrap();
    assert!(list.contains("a_test_command_that_selects_a_test_is_accepted: test"), "{list}");
}

#[test]
fn a_test_command_that_selects_nothing_is_rejected() {
    assert_fails(run_line("cargo test --test book there_is_no_such_test"), "no test is selected");
    assert_fails(run_line("cargo test --test there_is_no_such_target"), "no test target named");
}

#[test]
fn an_example_that_does_not_exist_is_rejected() {
    assert_fails(run_line("cargo run --example there_is_no_such_example"), "no example target named");
}

#[test]
fn a_server_gets_a_free_port_unless_it_names_one() {
    let args = |words: &[&str]| with_free_port(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(args(&["--workers", "2"]), ["--workers", "2", "--addr", "127.0.0.1:0"]);
    assert_eq!(args(&["--addr", "127.0.0.1:1"]), ["--addr", "127.0.0.1:1"]);
}

#[test]
fn a_program_that_fails_is_rejected() {
    assert_fails(finish(&mut shell("echo why >&2; exit 3"), TIME_TO_FINISH), "exit status: 3:\nwhy");
    assert_eq!(finish(&mut shell("echo one; echo; echo two"), TIME_TO_FINISH).as_deref(), Ok("one\n\ntwo\n"));
}

#[test]
fn a_program_that_does_not_end_is_stopped_and_rejected() {
    let started = Instant::now();
    let endless = finish(&mut shell("exec tail -f /dev/null"), Duration::from_millis(100));
    assert_fails(endless, "did not end within 100ms");
    assert!(started.elapsed() < TIME_TO_FINISH);
}

#[test]
fn a_server_is_stopped_once_it_has_said_enough() {
    let server = "echo listening on $$; echo ready; exec tail -f /dev/null";
    let printed = listen(&mut shell(server), 2, TIME_TO_LISTEN).unwrap();
    let (id, rest) = printed.strip_prefix("listening on ").unwrap().split_once('\n').unwrap();
    assert_eq!(rest, "ready\n");
    assert!(
        !shell(&format!("kill -0 {id} 2>/dev/null")).status().unwrap().success(),
        "process {id} is still there"
    );
}

#[test]
fn a_server_that_does_not_listen_is_rejected() {
    assert_fails(listen(&mut shell("echo why >&2"), 1, TIME_TO_LISTEN), "without `listening on ADDR`:\nwhy");
}
