//! An example that ends by itself: what it prints, what it draws, and what it leaves behind.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, process, thread};

use assert_cmd::assert::Assert;

use super::server::lines;
use super::time::{TOO_LONG, until};

/// Runs it to its end. It leaves no process behind.
fn run(mut command: Command) -> Assert {
    let mark = mark(&mut command);
    let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert();
    all_end(&mark);
    assert
}

/// What it prints, in a success that has nothing to say on stderr.
pub fn succeed(command: Command) -> String {
    let assert = run(command).success().stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What it prints, and the picture that it draws, which is empty if it draws none.
pub fn draw(mut command: Command, name: &str) -> (String, String) {
    let picture = env::temp_dir().join(format!("pool-recipes-{}-{name}", process::id()));
    command.arg("--svg").arg(&picture);
    let printed = succeed(command);
    let drawn = fs::read_to_string(&picture).unwrap_or_default();
    // It isn't there if nothing was drawn.
    let _ = fs::remove_file(&picture);
    (printed, drawn)
}

/// The one line on stderr with which it fails. With a bad argument, code 2, it prints nothing before.
pub fn fail(command: Command, code: i32) -> String {
    let assert = run(command).code(code);
    let output = assert.get_output();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(stderr.starts_with("error: ") && stderr.ends_with('\n'), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(code != 2 || output.stdout.is_empty(), "{output:?}");
    stderr
}

/// The rows of the table whose first title is `title`: each one's cells, by their titles.
pub fn table(output: &str, title: &str) -> Vec<HashMap<String, String>> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let mut lines = output.lines().skip_while(|line| !line.starts_with(title));
    let titles = cells(lines.next().expect(title));
    let rows: Vec<_> = lines.take_while(|line| !line.is_empty()).map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == titles.len()), "{output}");
    rows.into_iter().map(|row| titles.iter().cloned().zip(row).collect()).collect()
}

/// The figure in a cell.
pub fn figure(cell: &str) -> f64 {
    cell.parse().expect(cell)
}

/// A picture has each of these texts, alone.
pub fn assert_shows(svg: &str, texts: &[&str]) {
    for text in texts {
        assert!(svg.contains(&format!(">{text}<")), "{text} is not in:\n{svg}");
    }
}

/// How long the bars of a class are in a picture, as parts of the longest that there can be.
pub fn bars(svg: &str, class: &str) -> Vec<f64> {
    let elements = svg.split('<').filter(|element| element.contains(&format!("class=\"{class}\"")));
    let width = |element: &str| element.split_once(" width=\"").unwrap().1.split('"').next().map(figure);
    // The first one is in the legend.
    elements.skip(1).filter_map(width).map(|width| width / 520.0).collect()
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
    until("an example that it starts", || marked(&mark).into_iter().filter(is_example).count() >= 2);
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
    until("the end of all processes", || marked(mark).is_empty());
}
