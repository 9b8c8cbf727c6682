//! The commands in the book succeed, and print what the book shows.

use std::collections::HashMap;

use crate::{
    assert_none, assert_one,
    command::Command,
    page::{Kind, Page, Problem},
    project::Project,
};

/// A command at a place in the book, with the output that is shown under it, if any.
struct Step<'a> {
    page: &'a Page<'a>,
    line: usize,
    command: Command,
    shown: Option<Vec<&'a str>>,
}

impl Step<'_> {
    /// How much a server must have printed before it can be stopped.
    fn lines(&self) -> usize {
        let fixed = |shown: &Vec<&str>| shown.iter().filter(|line| !is_gap(line)).count();
        self.shown.as_ref().map_or(1, fixed).max(1)
    }
}

/// Runs each command once, however often the book names it. `run` also gets the number of lines to wait for.
pub fn check(
    project: &Project,
    run: &mut dyn FnMut(&Command, usize) -> Result<String, String>,
) -> Vec<Problem> {
    let pages = project.pages();
    let mut problems = Vec::new();
    let mut steps = Vec::new();
    for page in &pages {
        for step in console_steps(page).into_iter().chain(output_steps(page)) {
            step.map_or_else(|problem| problems.push(problem), |step| steps.push(step));
        }
    }
    let mut results = HashMap::new();
    for step in &steps {
        let result = results.entry(&step.command).or_insert_with(|| {
            let same = steps.iter().filter(|other| other.command == step.command);
            run(&step.command, same.map(Step::lines).max().unwrap_or(1))
        });
        let verdict = result.as_ref().map_err(String::clone).and_then(|printed| compare(step, printed));
        problems.extend(verdict.err().map(|what| step.page.problem(step.line, what)));
    }
    problems
}

type Steps<'a> = Vec<Result<Step<'a>, Problem>>;

fn console_steps<'a>(page: &'a Page<'a>) -> Steps<'a> {
    let consoles = page.fences().filter(|(_, label, _)| *label == "console");
    let lines = consoles.flat_map(|(start, _, body)| (start + 1..).zip(body));
    let commands = lines.filter_map(|(line, text)| Some((line, text.trim().strip_prefix("$ ")?)));
    let ours = commands.filter(|(_, command)| command.split_whitespace().next() == Some("cargo"));
    ours.map(|(line, command)| step(page, line, command, None)).collect()
}

fn output_steps<'a>(page: &'a Page<'a>) -> Steps<'a> {
    let mut steps = Vec::new();
    for (line, text, under) in page.comments() {
        let (Some(command), Some(block)) = (text.strip_prefix("output:"), under) else { continue };
        if let Kind::Fence { label: "text", body } = &block.kind {
            steps.push(step(page, line, command.trim(), Some(body.clone())));
        }
    }
    steps
}

fn step<'a>(
    page: &'a Page<'a>,
    line: usize,
    command: &str,
    shown: Option<Vec<&'a str>>,
) -> Result<Step<'a>, Problem> {
    match Command::parse(command).map_err(|what| page.problem(line, what))? {
        Command::Test { .. } | Command::Build { .. } if shown.is_some() => Err(page
            .problem(line, format!("`{command}` prints nothing to compare: only an example has an output"))),
        command => Ok(Step { page, line, command, shown }),
    }
}

fn compare(step: &Step, printed: &str) -> Result<(), String> {
    let Some(shown) = &step.shown else { return Ok(()) };
    let lines: Vec<_> = printed.trim_end().lines().collect();
    let shown: Vec<_> = shown.iter().map(|line| line.trim_end()).collect();
    let end = shown.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    if lines_match(&shown[..end], &lines, step.command.is_server()) {
        return Ok(());
    }
    Err(format!("the block is not what the command prints, which is:\n{}", printed.trim_end()))
}

fn is_gap(line: &str) -> bool {
    line.trim() == "..."
}

/// `open_ended`: a server prints more after what is shown.
fn lines_match(shown: &[&str], printed: &[&str], open_ended: bool) -> bool {
    match (shown, printed) {
        ([], rest) => open_ended || rest.is_empty(),
        ([gap, more @ ..], _) if is_gap(gap) => {
            (0..=printed.len()).any(|skipped| lines_match(more, &printed[skipped..], open_ended))
        }
        ([line, more @ ..], [first, rest @ ..]) => {
            line_matches(line, first.trim_end()) && lines_match(more, rest, open_ended)
        }
        _ => false,
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((head, tail)) = shown.split_once("[..]") else { return shown == printed };
    printed.strip_prefix(head).is_some_and(|rest| {
        let starts = rest.char_indices().map(|(start, _)| start).chain([rest.len()]);
        starts.into_iter().any(|start| line_matches(tail, &rest[start..]))
    })
}

/// Checks a page with a runner that has one answer to every command. Also returns what it was asked to run.
fn check_with(answer: Result<&str, &str>, text: &str) -> (Vec<Problem>, Vec<(Command, usize)>) {
    let mut runs = Vec::new();
    let problems = check(&Project::of(&[("docs/01-a.md", text)]), &mut |command, lines| {
        runs.push((command.clone(), lines));
        answer.map(str::to_owned).map_err(str::to_owned)
    });
    (problems, runs)
}

fn compared(shown: &str, printed: &str) -> Vec<Problem> {
    check_with(Ok(printed), &format!("<!-- output: cargo run --example ring -->\n```text\n{shown}\n```")).0
}

#[track_caller]
fn assert_differs(shown: &str, printed: &str) {
    let rule = format!("the block is not what the command prints, which is:\n{printed}");
    assert_one(&compared(shown, printed), "docs/01-a.md:1", &rule);
}

#[test]
fn a_console_command_that_fails_is_rejected() {
    let text = "```console\n$ nc a\nhello\n$ cargo run --example ring\n```";
    assert_one(&check_with(Err("it failed"), text).0, "docs/01-a.md:4", "it failed");
}

#[test]
fn a_console_command_that_cannot_be_run_is_rejected() {
    let (problems, runs) = check_with(Ok(""), "```console\n$ cargo fmt\n```");
    assert_one(&problems, "docs/01-a.md:2", "`cargo fmt` is not a command");
    assert!(runs.is_empty());
}

#[test]
fn only_lines_that_start_with_a_cargo_command_are_run() {
    let text = "```console\n$ nc a\n  $ cargo build\ncargo fmt\n$ cargofmt\n```\n```text\n$ cargo fmt\n```";
    let (problems, runs) = check_with(Ok(""), text);
    assert_none(&problems);
    assert_eq!(runs, [(Command::parse("cargo build").unwrap(), 1)]);
}

#[test]
fn a_command_is_run_once_and_for_all_the_lines_that_are_shown() {
    let command = "cargo run --example executor";
    let console = format!("```console\n$ {command}\n$ {command}\n```\n");
    let output = format!("<!-- output: {command} -->\n```text\na\n...\nb\n```\n");
    let (problems, runs) = check_with(Ok("a\nb\nc"), &format!("{console}{output}"));
    assert_none(&problems);
    assert_eq!(runs, [(Command::parse(command).unwrap(), 2)]);
}

#[test]
fn an_output_is_compared_without_trailing_space() {
    assert_none(&compared("a \n\nb\n", "a  \n\nb  \n\n"));
    assert_none(&compared("", ""));
}

#[test]
fn an_output_with_one_line_changed_is_rejected() {
    assert_differs("a\nB\nc", "a\nb\nc");
    assert_differs("  a", "a");
}

#[test]
fn an_output_with_a_line_more_or_less_is_rejected() {
    assert_differs("a\nb", "a\nb\nc");
    assert_differs("a\nb\nc", "a\nb");
}

#[test]
fn two_dots_in_brackets_stand_for_a_part_of_a_line() {
    assert_none(&compared("took [..] ms on [..]", "took 12 ms on ä"));
    assert_none(&compared("[..]b", "abab"));
    assert_differs("took [..] ms", "took 12 s");
    assert_differs("a[..]", "a\nb");
}

#[test]
fn three_dots_alone_stand_for_lines() {
    assert_none(&compared("a\n...\nb", "a\nb"));
    assert_none(&compared("...\nb", "b\na\nb"));
    assert_differs("a\n...\nb", "a\nb\nc");
}

#[test]
fn a_server_may_print_more_than_is_shown() {
    let text = "<!-- output: cargo run --example executor -->\n```text\nlistening on [..]\n```";
    assert_none(&check_with(Ok("listening on a\nmore"), text).0);
    assert_one(&check_with(Ok("more"), text).0, "docs/01-a.md:1", "not what the command prints");
}

#[test]
fn an_output_of_anything_but_an_example_is_rejected() {
    let (problems, _) = check_with(Ok(""), "<!-- output: cargo test -->\n```text\n```");
    assert_one(&problems, "docs/01-a.md:1", "only an example has an output");
}
