//! Every output in the book is what its command prints.

use std::process::Stdio;

use crate::support::server;
use crate::{assert_problems, commands};

/// Runs an example to its end or, as a server has none, until it has printed what is shown.
pub fn differs(command: &str, shown: &[&str]) -> Option<String> {
    let (name, arguments) = commands::example(command);
    let mut program = server::command(name, &arguments);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    let mut lines = server::lines(child.stdout.take().unwrap());
    let mut printed = Vec::new();
    let mut is_served = false;
    while !is_served {
        let Some(line) = lines.next() else { break };
        printed.push(line);
        is_served = printed[0].starts_with("listening on ") && lines_match(shown, &printed);
    }
    child.kill().unwrap();
    // This tells how a program has ended that has ended by itself.
    let status = child.wait().unwrap();
    let is_right = is_served || status.success() && lines_match(shown, &printed);
    (!is_right).then(|| format!("this isn't what `{command}` prints ({status}):\n{}", printed.join("\n")))
}

/// `...` alone stands for any number of lines. Blanks at the end don't matter.
fn lines_match(shown: &[&str], printed: &[String]) -> bool {
    match (shown, printed) {
        ([], _) => printed.iter().all(|line| line.trim().is_empty()),
        (["...", rest @ ..], _) if lines_match(rest, printed) => true,
        (["...", ..], [_, printed @ ..]) => lines_match(shown, printed),
        ([line, shown @ ..], [first, rest @ ..]) => line_matches(line, first) && lines_match(shown, rest),
        (_, []) => false,
    }
}

/// `[..]` stands for a part of a line.
fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((start, shown)) = shown.split_once("[..]") else { return shown == printed.trim_end() };
    let Some(rest) = printed.strip_prefix(start) else { return false };
    (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| line_matches(shown, rest)))
}

#[test]
fn dots_stand_for_parts_and_for_lines() {
    let printed = ["took 1 \u{b5}s  ", "", "  b", "c", ""].map(str::to_owned);
    let matches = |shown: &str| lines_match(&shown.lines().collect::<Vec<_>>(), &printed);
    let right = ["took [..] \u{b5}s\n\n  b\nc", "...\nc", "took[..]\n...\n[..]b\n...\nc", "..."];
    let wrong = ["", "took [..] s\n...", "took[..]\n  b\nc", "...\nb\nc", "...\n  b", "...\nd", "took[..]c"];
    assert_eq!((right.map(matches), wrong.map(matches)), ([true; 4], [false; 7]));
}

#[test]
fn an_output_is_what_its_command_prints() {
    let page = |command, shown| format!("<!-- output: cargo run {command} -->\n  ```text\n  {shown}\n  ```");
    assert_problems(&page("--release --example scoped", "..."), &[]);
    assert_problems(&page("--example executor -- --addr 127.0.0.1:0", "listening on [..]"), &[]);
    assert_problems(&page("--example task_states", "[..]"), &["2: this isn't what"]);
    assert_problems(&page("--example scoped -- x", "..."), &["2: this isn't what"]);
    assert_problems(&page("--example gone", "..."), &["2: `cargo run --example gone`"]);
}
