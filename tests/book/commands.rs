//! Every command and every test that the book names exists.

use std::fs;
use std::path::Path;

use crate::page::Page;
use crate::{assert_problems, file};

pub fn check(page: &Page) -> Vec<(usize, String)> {
    let consoles = page.blocks.iter().filter(|block| block.label == Some("console"));
    let typed = consoles.flat_map(|block| (block.line + 1..).zip(&block.lines));
    let commands = typed.filter_map(|(line, text)| Some((line, text.strip_prefix("$ ")?)));
    // On that page Python's names stand beside Rust's.
    let is_python = |code: &str| page.path == "docs/python-to-rust.md" && !code.contains(' ');
    let code = commands.chain(page.pieces(true)).filter(|(_, code)| !is_python(code));
    code.filter_map(|(line, code)| Some((line, missing(code)?))).collect()
}

/// What is named by a command, or by a name like a test's, and missing here.
pub fn missing(code: &str) -> Option<String> {
    // Variables may be set in front of a command.
    let words: Vec<_> = code.split_whitespace().skip_while(|word| word.contains('=')).collect();
    let missing = match words[..] {
        ["cargo", "run", ..] => missing_example(example(code).0),
        ["cargo", "test", ref words @ ..] => missing_test(words),
        ["cargo", other, ..] if other != "build" => Some(format!("`cargo {other}` in this book")),
        [name] if is_like_a_test(name) => missing_function(name),
        _ => None,
    };
    missing.map(|missing| format!("`{code}`: there is no {missing}"))
}

/// The name and the arguments of the example that a command runs.
pub fn example(command: &str) -> (&str, Vec<&str>) {
    let mut words = command.split_whitespace().skip_while(|word| *word != "--example").skip(1);
    (words.next().unwrap_or_default(), words.skip(1).collect())
}

fn missing_example(name: &str) -> Option<String> {
    let paths = [format!("examples/{name}.rs"), format!("examples/{name}/main.rs")];
    paths.iter().all(|path| !file(path).exists()).then(|| format!("example `{name}`"))
}

fn missing_function(name: &str) -> Option<String> {
    let mut texts = ["src", "tests", "examples"].iter().flat_map(|folder| sources(&file(folder)));
    let is_there = texts.any(|(_, text)| text.replace('<', "(").contains(&format!("fn {name}(")));
    (!is_there).then(|| "such function, so no such test".to_owned())
}

fn missing_test(words: &[&str]) -> Option<String> {
    let target = words.iter().skip_while(|word| **word != "--test").nth(1).unwrap_or(&"");
    let tests = tests(target);
    // A word like NAME stands for any test.
    let is_filter = |word: &str| !word.starts_with('-') && word.contains(char::is_lowercase);
    let mut filters = words.iter().filter(|word| is_filter(word) && *word != target);
    let missing = filters.find(|filter| !tests.iter().any(|test| test.contains(**filter)));
    tests.is_empty().then_some(target).or(missing).map(|word| format!("test `{word}`"))
}

/// The tests of a target in `tests`, or of all targets if it is empty, each as `MODULE::NAME`.
fn tests(target: &str) -> Vec<String> {
    let paths = [format!("tests/{target}.rs"), format!("tests/{target}")];
    let mut tests = Vec::new();
    for (module, text) in paths.iter().flat_map(|path| sources(&file(path))) {
        let functions = text.split("#[test]").skip(1).filter_map(|text| text.split("fn ").nth(1));
        for name in functions.filter_map(|text| text.split('(').next()) {
            // A test that a macro writes is named by its arguments: by any words in the file.
            let name = if name.starts_with('$') { &text } else { name };
            tests.push(format!("{module}::{name}"));
        }
    }
    tests
}

/// The file at this path, or the files in this folder, each as its module's name and its text.
fn sources(path: &Path) -> Vec<(String, String)> {
    let module = path.file_stem().unwrap_or_default().display().to_string();
    match fs::read_dir(path) {
        Ok(entries) => entries.flat_map(|entry| sources(&entry.unwrap().path())).collect(),
        Err(_) => vec![(module, fs::read_to_string(path).unwrap_or_default())],
    }
}

/// Whether it is a name of three words or more.
fn is_like_a_test(name: &str) -> bool {
    name.split('_').count() > 2 && name.chars().all(|c| "_0123456789".contains(c) || c.is_ascii_lowercase())
}

#[test]
fn a_command_names_what_exists() {
    assert_problems("`cargo test --test book NAME`, `SEED=1 cargo test links::a_link -- --exact`", &[]);
    for gone in ["run", "run --example gone", "test --test gone", "test --test book links::check", "fmt"] {
        let page = format!("```console\n$ nc ::1\n$ SEED=1 cargo {gone}\n```\n`cargo {gone}`");
        let named = format!("5: `cargo {gone}`: there is no ");
        assert_problems(&page, &[&named.replace("5: `", "3: `SEED=1 "), &named]);
    }
}

#[test]
fn a_test_that_is_named_exists() {
    assert_problems("`a_test_that_is_named_exists`, `no_test`\n`a_test_that_is`", &["2: `a_test_that_is`"]);
}
