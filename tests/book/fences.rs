//! Every fence is of a kind that something checks.

use crate::{
    assert_none, assert_one,
    page::{Block, Kind, Page, Problem},
    project::Project,
};

const LABELS: [&str; 7] =
    ["rust", "rust,compile_fail", "rust,should_panic", "rust,no_run", "rs", "console", "text"];

pub fn check(project: &Project) -> Vec<Problem> {
    let rules = |page: Page| {
        [
            malformed(&page),
            unknown_labels(&page),
            hidden_lines(&page),
            lone_failures(&page),
            untested(project, &page),
        ]
    };
    project.pages().into_iter().flat_map(rules).flatten().collect()
}

fn malformed(page: &Page) -> Vec<Problem> {
    let problem = |block: &Block| match block.kind {
        Kind::Malformed(what) => Some(page.problem(block.line, what)),
        _ => None,
    };
    page.blocks.iter().filter_map(problem).collect()
}

fn unknown_labels(page: &Page) -> Vec<Problem> {
    let unknown = page.fences().filter(|(_, label, _)| !LABELS.contains(label));
    let what =
        |label| format!("nothing checks a fence labelled `{label}`: use one of {}", LABELS.join(" · "));
    unknown.map(|(line, label, _)| page.problem(line, what(label))).collect()
}

/// rustdoc leaves these lines out, and a forge shows them: readers of the two would see different code.
fn hidden_lines(page: &Page) -> Vec<Problem> {
    let lines = doctests(page).flat_map(|(start, _, body)| (start + 1..).zip(body));
    let hidden = lines.filter(|(_, text)| text.trim() == "#" || text.trim_start().starts_with("# "));
    let what =
        "a line that starts with `# ` is hidden by rustdoc and shown by a forge: write it out or drop it";
    hidden.map(|(line, _)| page.problem(line, what)).collect()
}

/// Code may fail to compile for any reason, a typo too. A twin that compiles shows that it is the right one.
fn lone_failures(page: &Page) -> Vec<Problem> {
    let tests: Vec<_> = doctests(page).collect();
    let compiles = |at: usize| tests.get(at).is_some_and(|test| ["rust", "rust,no_run"].contains(&test.1));
    let fails = tests.iter().enumerate().filter(|(_, test)| test.1 == "rust,compile_fail");
    let alone = fails.filter(|&(at, _)| !compiles(at + 1) && !compiles(at.wrapping_sub(1)));
    let what = "a `rust,compile_fail` fence needs a twin that compiles, a `rust` fence next to it";
    alone.map(|(_, &(line, ..))| page.problem(line, what)).collect()
}

fn untested(project: &Project, page: &Page) -> Vec<Problem> {
    let include = format!("include_str!(\"../{}\")", page.path);
    let library = project.file("src/lib.rs").unwrap_or_default();
    let is_included =
        library.lines().any(|line| line.contains(&include) && !line.trim_start().starts_with("//"));
    let first = doctests(page).next().filter(|_| !is_included);
    let what = format!("this page has doctests that never run: src/lib.rs needs `#[doc = {include}]`");
    first.map(|(line, ..)| page.problem(line, what)).into_iter().collect()
}

/// The fences that rustdoc compiles.
fn doctests<'p>(page: &'p Page) -> impl Iterator<Item = (usize, &'p str, &'p [&'p str])> {
    page.fences().filter(|(_, label, _)| label.split(',').next() == Some("rust"))
}

fn problems(text: &str) -> Vec<Problem> {
    let library = "#[cfg(doctest)]\n#[doc = include_str!(\"../docs/01-a.md\")]\nmod book {}";
    check(&Project::of(&[("docs/01-a.md", text), ("src/lib.rs", library)]))
}

#[test]
fn every_label_of_the_table_is_accepted() {
    assert_none(&problems(&LABELS.map(|label| format!("```{label}\n#[inline]\n```\n\n")).concat()));
}

#[test]
fn an_unknown_fence_label_is_rejected() {
    for label in ["", "Rust", "rust,ignore", "rust,compile_fail,E0382", "python"] {
        let rule = format!("labelled `{label}`: use one of rust · ");
        assert_one(&problems(&format!("text\n\n```{label}\n```")), "docs/01-a.md:3", &rule);
    }
}

#[test]
fn a_malformed_block_is_rejected() {
    assert_one(&problems("text\n\n    code"), "docs/01-a.md:3", "indented");
}

#[test]
fn a_hidden_line_is_rejected() {
    assert_one(&problems("```rust\nlet x = 1;\n  # let y = x;\n```"), "docs/01-a.md:3", "hidden by rustdoc");
    assert_one(&problems("```rust,no_run\n#\n```"), "docs/01-a.md:2", "hidden by rustdoc");
}

#[test]
fn a_failure_to_compile_without_a_twin_is_rejected() {
    let bad = "```rust,compile_fail\n```\n";
    assert_one(&problems(bad), "docs/01-a.md:1", "a twin that compiles");
    assert_one(&problems(&format!("```rust\n```\n{bad}{bad}")), "docs/01-a.md:5", "a twin that compiles");
    assert_none(&problems(&format!("{bad}```text\n```\n```rust\n```\n{bad}")));
}

#[test]
fn a_page_of_doctests_that_the_library_does_not_include_is_rejected() {
    for library in ["", "// #[doc = include_str!(\"../docs/02-b.md\")]"] {
        let files = [("docs/02-b.md", "text\n```rust\n```"), ("src/lib.rs", library)];
        assert_one(&check(&Project::of(&files)), "docs/02-b.md:2", "doctests that never run");
    }
}
