//! Processes with limits, and tests that run in a process of their own.

use std::env;
use std::process::Command;

use super::time::TOO_LONG;

/// Runs `body`, which is that of the test of this name, in a process in which no other test runs and a panic prints all
/// it can. The shell sets the limits that there are.
pub fn alone(test: &str, limits: Option<&str>, body: impl FnOnce()) {
    const MARK: &str = "POOL_RECIPES_ALONE";
    if env::var_os(MARK).is_some() {
        return body();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", test]);
    if let Some(limits) = limits {
        command = limited(limits, &command);
    }
    command.envs([(MARK, "yes"), ("RUST_BACKTRACE", "full")]);
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().success();
    let output = String::from_utf8_lossy(&assert.get_output().stdout);
    assert!(output.contains("1 passed"), "there is no test of this name");
}

/// The same command, in a process with these limits, as `ulimit` takes them.
pub fn limited(limits: &str, command: &Command) -> Command {
    in_shell(&format!(r#"ulimit {limits} && exec "$0" "$@""#), command)
}

/// A script that runs the command as `"$0" "$@"`.
pub fn in_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    shell
}
