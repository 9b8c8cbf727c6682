//! An example that ends by itself: what it prints, what it draws, and what it leaves behind.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, process, thread};

use super::client::TOO_LONG;
use super::server::lines;

/// What it prints, in a success that has nothing to say on stderr and leaves no process behind.
pub fn succeed(mut command: Command) -> String {
    let mark = mark(&mut command);
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().success().stderr("");
    all_end(&mark);
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What it prints, and the picture that it draws, if it does.
pub fn draw(mut command: Command, name: &str) -> (String, Option<String>) {
    let picture = Scratch::new(name);
    command.arg("--svg").arg(&picture.0);
    (succeed(command), fs::read_to_string(&picture.0).ok())
}

/// The one line on stderr with which it fails, and leaves no process behind. With a bad argument, code 2, it prints
/// nothing before.
pub fn fail(mut command: Command, code: i32) -> String {
    let mark = mark(&mut command);
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().code(code);
    all_end(&mark);
    let output = assert.get_output();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(stderr.starts_with("error: ") && stderr.ends_with('\n'), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(code != 2 || output.stdout.is_empty(), "{output:?}");
    stderr
}

/// The cells in a line of a table.
fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

/// The cells of the table whose first title is `title`, the titles left out.
pub fn table(output: &str, title: &str) -> Vec<Vec<String>> {
    let mut lines = output.lines().skip_while(|line| !line.starts_with(title));
    let titles = cells(lines.next().expect(title));
    let rows: Vec<_> = lines.take_while(|line| !line.is_empty()).map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == titles.len()), "{output}");
    rows
}

/// The figure in a cell.
pub fn figure(cell: &str) -> f64 {
    cell.parse().expect(cell)
}

/// The same command, in a process that may have so many files open.
pub fn with_open_files(limit: usize, command: &Command) -> Command {
    in_shell(&format!(r#"ulimit -n {limit} && exec "$0" "$@""#), command)
}

/// A script that runs the command as `"$0" "$@"`.
pub fn in_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    shell
}

/// Kills it as soon as it has printed a line and started an example, and looks for what it leaves behind, on Linux.
pub fn killed_leaves_no_process(mut command: Command) {
    let mark = mark(&mut command);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    lines(child.stdout.take().unwrap()).next().unwrap();
    let is_example = |process: &PathBuf| {
        let program = fs::read_link(process.join("exe")).unwrap_or_default();
        program.parent().is_some_and(|folder| folder.ends_with("examples"))
    };
    let begin = Instant::now();
    while marked(&mark).into_iter().filter(is_example).count() < 2 {
        assert!(begin.elapsed() < TOO_LONG, "it starts no example");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    all_end(&mark);
}

const MARK: &str = "POOL_RECIPES_MARK";

/// Marks it and all processes that it starts.
fn mark(command: &mut Command) -> String {
    let mark = format!("{:?}-{}.", thread::current().id(), process::id());
    command.env(MARK, &mark);
    mark
}

/// The marked processes that are still there. Only Linux tells.
fn marked(mark: &str) -> Vec<PathBuf> {
    let mark = format!("{MARK}={mark}");
    // Processes of others can't be read, and those that have ended are gone.
    let environment = |process: &PathBuf| fs::read(process.join("environ")).unwrap_or_default();
    let processes = fs::read_dir("/proc").into_iter().flatten().map(|entry| entry.unwrap().path());
    processes.filter(|process| String::from_utf8_lossy(&environment(process)).contains(&mark)).collect()
}

/// They end, though perhaps not at once.
fn all_end(mark: &str) {
    let begin = Instant::now();
    while !marked(mark).is_empty() {
        assert!(begin.elapsed() < TOO_LONG, "{:?} are left", marked(mark));
    }
}

/// A file that is no other test's, and gone when this is dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("pool-recipes-{}-{name}", process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It isn't there if the test has failed before.
        let _ = fs::remove_file(&self.0);
    }
}
