//! An example that ends by itself: what it prints, what it draws, and what it leaves behind.

use super::client::TOO_LONG;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

/// What it prints, in a success that has nothing to say on stderr.
pub fn succeed(command: Command) -> String {
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().success().stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What it prints, and the picture that it draws, if it does.
pub fn draw(mut command: Command, name: &str) -> (String, Option<String>) {
    let picture = Scratch::new(name);
    command.arg("--svg").arg(&picture.0);
    (succeed(command), fs::read_to_string(&picture.0).ok())
}

/// The one line on stderr with which it fails. With a bad argument, code 2, it prints nothing before.
pub fn fail(command: Command, code: i32) -> String {
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().code(code);
    let output = assert.get_output();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(stderr.starts_with("error: ") && stderr.ends_with('\n'), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(code != 2 || output.stdout.is_empty(), "{output:?}");
    stderr
}

/// The cells in a line of a table.
pub fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

/// A figure, with or without its thousands apart.
pub fn figure(cell: &str) -> f64 {
    cell.replace(',', "").parse().expect(cell)
}

/// The same command, in a process that may have so many files open.
pub fn with_open_files(limit: usize, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!(r#"ulimit -n {limit} && exec "$0" "$@""#)]);
    limited.arg(command.get_program()).args(command.get_args());
    limited
}

/// Runs it to its end, with this exit code, and looks for a process that it started and that is still there.
///
/// Only Linux lets one look.
pub fn leaves_no_process(mut command: Command, code: i32) {
    const MARK: &str = "POOL_RECIPES_MARK";
    let program = PathBuf::from(command.get_program());
    let mark = format!("{}-{}", program.file_stem().unwrap().to_string_lossy(), process::id());
    let output = command.env(MARK, &mark).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let marked = format!("{MARK}={mark}");
    for entry in fs::read_dir("/proc").unwrap().map(Result::unwrap) {
        // Processes of others can't be read, and those that have ended are gone.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&environment).contains(&marked),
            "{} is left",
            entry.path().display()
        );
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
