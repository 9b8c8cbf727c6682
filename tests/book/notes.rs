//! A comment says where the block under it comes from: a quotation is compared with its source, a measurement
//! names a command that can be run. `transcript.rs` compares outputs.

use crate::{
    assert_none, assert_one,
    command::Command,
    page::{Kind, Page, Problem},
    project::Project,
};

pub fn check(project: &Project) -> Vec<Problem> {
    let rules = |page: Page| [untrue(project, &page), unquoted(&page)];
    project.pages().into_iter().flat_map(rules).flatten().collect()
}

fn untrue(project: &Project, page: &Page) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, text, under) in page.comments() {
        let (name, what) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
        let checked = match (name, under.map(|block| &block.kind)) {
            ("quote", Some(Kind::Fence { label: "rs", body })) => quote(project, what, body),
            ("measured", Some(Kind::Fence { label: "text", .. })) => measured(project, what),
            ("measured", Some(Kind::Prose(text))) if is_table_or_image(text) => measured(project, what),
            ("output", Some(Kind::Fence { label: "text", .. })) => Ok(()),
            ("quote" | "output" | "measured", _) => {
                Err(format!("a comment with nothing under it: `{name}` belongs right above {}", place(name)))
            }
            _ => Err(format!(
                "`{text}` is not a comment of the book: it knows `quote:`, `output:` and `measured:`"
            )),
        };
        problems.extend(checked.err().map(|what| page.problem(line, what)));
    }
    problems
}

fn place(name: &str) -> &'static str {
    match name {
        "quote" => "an `rs` fence",
        "output" => "a `text` fence",
        _ => "a `text` fence, a table or an image",
    }
}

/// `rs` fences are compiled by nothing, so what they show must be code that is compiled where it stands.
fn unquoted(page: &Page) -> Vec<Problem> {
    let comments = page.comments().filter(|(_, text, _)| text.starts_with("quote:"));
    let quoted: Vec<_> = comments.filter_map(|(.., under)| Some(under?.line)).collect();
    let unquoted = page.fences().filter(|(line, label, _)| *label == "rs" && !quoted.contains(line));
    let what =
        "an `rs` fence needs `<!-- quote: FILE -->` right above it, or the label `rust` to be compiled";
    unquoted.map(|(line, ..)| page.problem(line, what)).collect()
}

fn quote(project: &Project, path: &str, body: &[&str]) -> Result<(), String> {
    let source =
        project.file(path).ok_or_else(|| format!("`{path}` is quoted, and there is no such file"))?;
    let source: Vec<_> = source.lines().map(str::trim).collect();
    let body: Vec<_> = body.iter().map(|line| line.trim()).collect();
    if body.iter().all(|line| line.is_empty()) {
        return Err(format!("the quotation of `{path}` is empty"));
    }
    let agreeing = |start| source[start..].iter().zip(&body).take_while(|(a, b)| a == b).count();
    let most = (0..source.len()).map(agreeing).max().unwrap_or(0);
    match body.get(most) {
        None => Ok(()),
        Some(line) => {
            Err(format!("the quotation is not a run of lines of `{path}`: line {} is `{line}`", most + 1))
        }
    }
}

/// A record is not compared, but a reader must be able to repeat it.
fn measured(project: &Project, record: &str) -> Result<(), String> {
    let parts: Vec<_> = record.split(", ").collect();
    let date = parts.iter().position(|part| is_date(part)).filter(|&at| at + 1 < parts.len());
    let date = date.ok_or_else(|| format!("`{record}` is not of the form COMMAND, YYYY-MM-DD, MACHINE"))?;
    match Command::parse(&parts[..date].join(", "))?.missing_target(project) {
        Some(file) => Err(format!("a measurement names a command that runs, and there is no {file}")),
        None => Ok(()),
    }
}

fn is_date(text: &str) -> bool {
    let shape =
        |(at, byte): (usize, u8)| if [4, 7].contains(&at) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

fn is_table_or_image(text: &str) -> bool {
    ["|", "![", "<img"].iter().any(|start| text.trim_start().starts_with(start))
}

fn problems(text: &str) -> Vec<Problem> {
    let queue = "fn take() {\n    let job = lock();\n\n    run(job);\n}\n";
    let sources = [("src/queue.rs", queue), ("examples/ring.rs", ""), ("tests/loom/main.rs", "")];
    check(&Project::of(&[&[("docs/01-a.md", text)], &sources[..]].concat()))
}

fn quotation(body: &str) -> Vec<Problem> {
    problems(&format!("text\n\n<!-- quote: src/queue.rs -->\n\n```rs\n{body}\n```\n"))
}

#[test]
fn a_quote_is_compared_without_its_indentation() {
    assert_none(&quotation("let job = lock();\n\n  run(job);"));
}

#[test]
fn a_quote_that_differs_in_one_word_is_rejected() {
    let found = quotation("fn take() {\nlet jobs = lock();\n\nrun(job);");
    assert_one(
        &found,
        "docs/01-a.md:3",
        "not a run of lines of `src/queue.rs`: line 2 is `let jobs = lock();`",
    );
}

#[test]
fn a_quote_that_leaves_lines_out_is_rejected() {
    assert_one(&quotation("fn take() {\nrun(job);"), "docs/01-a.md:3", "line 2 is `run(job);`");
    assert_one(&quotation("let job = lock();\nrun(job);"), "docs/01-a.md:3", "line 2 is `run(job);`");
}

#[test]
fn a_quote_past_the_end_of_the_file_is_rejected() {
    assert_one(&quotation("run(job);\n}\n}"), "docs/01-a.md:3", "line 3 is `}`");
}

#[test]
fn an_empty_quote_is_rejected() {
    assert_one(&quotation(""), "docs/01-a.md:3", "is empty");
}

#[test]
fn a_quote_of_no_file_is_rejected() {
    let text = "<!-- quote: src/gone.rs -->\n```rs\nx\n```";
    assert_one(&problems(text), "docs/01-a.md:1", "there is no such file");
}

#[test]
fn an_rs_fence_without_a_quote_is_rejected() {
    assert_one(&problems("```rs\nfn take() {\n```"), "docs/01-a.md:1", "needs `<!-- quote: FILE -->`");
}

#[test]
fn a_comment_with_nothing_under_it_is_rejected() {
    for text in [
        "<!-- quote: src/queue.rs -->",
        "<!-- quote: src/queue.rs -->\n```text\n```",
        "<!-- output: cargo run --example ring -->\n\n\n```text\n```",
        "<!-- output: cargo run --example ring -->\n```rust\n```",
        "<!-- measured: cargo run --example ring, 2025-01-31, a laptop -->\ntext",
    ] {
        assert_one(&problems(text), "docs/01-a.md:1", "a comment with nothing under it");
    }
}

#[test]
fn an_unknown_comment_is_rejected() {
    let text = "<!-- ouput: cargo run --example ring -->\n```text\n```";
    assert_one(&problems(text), "docs/01-a.md:1", "not a comment of the book");
}

#[test]
fn a_measurement_that_can_be_repeated_is_accepted() {
    for command in ["cargo run --release --example ring -- 'a, b'", "cargo test --test loom", "cargo test"] {
        for block in ["```text\n```", "| a |\n| - |", "![a](a.svg)"] {
            assert_none(&problems(&format!(
                "<!-- measured: {command}, 2025-01-31, 2 cores, 4 GB -->\n{block}"
            )));
        }
    }
}

#[test]
fn a_measurement_that_cannot_be_repeated_is_rejected() {
    for (record, rule) in [
        ("cargo run --example ring, 2025-01-31", "not of the form"),
        ("cargo run --example ring, 2025-01-31, ", "not of the form"),
        ("cargo run --example ring, 31-01-2025, a laptop", "not of the form"),
        ("cargo run --example ring, 2025-01-3, a laptop", "not of the form"),
        ("make it so, 2025-01-31, a laptop", "not a command"),
        ("cargo run --example gone, 2025-01-31, a laptop", "there is no examples/gone.rs"),
        ("cargo test --test gone, 2025-01-31, a laptop", "there is no tests/gone.rs"),
    ] {
        assert_one(&problems(&format!("<!-- measured: {record} -->\n```text\n```")), "docs/01-a.md:1", rule);
    }
}
