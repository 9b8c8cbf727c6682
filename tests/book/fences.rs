//! Every fence has a label that says how it is checked, and above it the comment that its check needs.

use std::fs;

use crate::page::{Block, Page};
use crate::{assert_problems, commands, file, outputs, problems};

const LABELS: &str = "rust · rust,compile_fail · rust,should_panic · rust,no_run · rs · console · text";
const COMMENTS: &str = "`quote: PATH` belongs right above each `rs` fence, `output: cargo run …` above `text`, \
                        `measured: COMMAND, DATE, MACHINE` above `text`, a table or an image";

pub fn check(page: &Page) -> Vec<(usize, String)> {
    let mut problems = Vec::from_iter(untested(page).map(|what| (1, what)));
    for block in &page.blocks {
        let lines = &block.lines;
        let is_open = lines.iter().any(|line| line.trim().starts_with("```"));
        let problem = match (block.comment, block.label) {
            (_, Some(_)) if is_open => Some("this fence isn't closed".into()),
            (None, None | Some("console" | "text")) => None,
            (None, Some("rust" | "rust,should_panic" | "rust,no_run")) => hidden(lines),
            (None, Some("rust,compile_fail")) => hidden(lines).or_else(|| twinless(page, block)),
            (None, Some(label)) if label != "rs" => {
                Some(format!("nothing checks the label `{label}`: use one of {LABELS}"))
            }
            (Some(("quote", path)), Some("rs")) => misquoted(path, lines),
            (Some(("output", command)), Some("text")) if command.starts_with("cargo run ") => {
                commands::missing(command).or_else(|| outputs::differs(command, lines))
            }
            (Some(("measured", record)), Some("text")) => unrepeatable(record),
            (Some(("measured", record)), None) if lines[0].starts_with(['|', '!']) => unrepeatable(record),
            _ => Some(format!("a comment is missing or out of place: {COMMENTS}")),
        };
        problems.extend(problem.map(|what| (block.line, what)));
    }
    problems
}

/// rustdoc leaves these lines out, and a forge shows them.
fn hidden(lines: &[&str]) -> Option<String> {
    let hidden = lines.iter().find(|line| line.trim() == "#" || line.trim().starts_with("# "))?;
    Some(format!("rustdoc hides `{hidden}`"))
}

/// Code may fail to compile for any reason, a typo too. A twin that compiles shows that it is the right one.
fn twinless(page: &Page, block: &Block) -> Option<String> {
    let doctests: Vec<_> = page.blocks.iter().filter(|block| is_doctest(block)).collect();
    let pairs = doctests.windows(2).filter(|pair| pair.iter().any(|it| it.line == block.line));
    let has_twin = pairs.flatten().any(|it| it.label == Some("rust"));
    (!has_twin).then(|| "a `rust,compile_fail` fence needs a `rust` fence beside it".into())
}

/// Whether rustdoc compiles it.
fn is_doctest(block: &Block) -> bool {
    block.label.is_some_and(|label| label.starts_with("rust"))
}

fn untested(page: &Page) -> Option<String> {
    let is_chapter = page.path.trim_start_matches("docs/").starts_with(|c: char| c.is_ascii_digit());
    let include = format!("#[doc = include_str!(\"../{}\")]", page.path);
    let library = fs::read_to_string(file("src/lib.rs")).unwrap();
    let is_lost = library.lines().all(|line| line.trim() != include);
    let is_untested = is_lost && (is_chapter || page.blocks.iter().any(is_doctest));
    is_untested.then(|| "its doctests never run, because src/lib.rs doesn't include it".into())
}

fn misquoted(path: &str, quoted: &[&str]) -> Option<String> {
    let source = fs::read_to_string(file(path)).unwrap_or_default();
    let source: Vec<_> = source.lines().map(str::trim).collect();
    let agreeing = |start| source[start..].iter().zip(quoted).take_while(|(a, b)| **a == b.trim()).count();
    let most = (0..source.len()).map(agreeing).max().unwrap_or(0);
    let odd = quoted.get(most).or(quoted.is_empty().then_some(&""))?;
    Some(format!("this is no run of lines of `{path}`, from `{}` on", odd.trim()))
}

/// A record isn't compared, but a reader must be able to repeat it.
fn unrepeatable(record: &str) -> Option<String> {
    match record.splitn(3, ", ").collect::<Vec<_>>()[..] {
        [command, date, _] if command.contains("cargo ") && is_date(date) => commands::missing(command),
        _ => Some(format!("`{record}` is not of the form COMMAND, YYYY-MM-DD, MACHINE")),
    }
}

fn is_date(text: &str) -> bool {
    text.split('-').map(|part| part.parse::<u32>().map_or(0, |_| part.len())).eq([4, 2, 2])
}

#[test]
fn only_labels_of_the_table_are_accepted() {
    assert_problems("text\n```rust,ignore\n```\n```\n```", &["2: nothing checks", "4: nothing checks"]);
    assert_problems("text\n    text\n\n    code\n", &["4: nothing checks the label `(none: indented code)`"]);
    assert_problems("```text\n\n```rust\n```", &["1: this fence isn't closed"]);
}

#[test]
fn a_hidden_line_is_reported() {
    assert_problems("```rust\n#[x]\n  # f();\n```\n```rust,compile_fail\n#\n```", &["1: rust", "5: rust"]);
}

#[test]
fn a_failure_to_compile_has_a_twin() {
    let (fails, compiles) = ("```rust,compile_fail\n```\n", "```rust\n```\n");
    assert_problems(&[fails, compiles, fails, fails].concat(), &["7: a `rust,compile_fail` fence needs"]);
}

#[test]
fn every_chapter_is_a_doctest() {
    let found = problems(&[Page::parse("docs/99-gone.md", ""), Page::parse("docs/gone.md", "```rust\n```")]);
    let lost = |path| format!("{path}:1: its doctests never run, because src/lib.rs doesn't include it");
    assert_eq!(found, [lost("docs/99-gone.md"), lost("docs/gone.md")]);
}

#[test]
fn a_quote_is_a_run_of_lines() {
    let page = |lines| format!("<!-- quote: .rustfmt.toml -->\n```rs\n{lines}\n```");
    assert_problems(&page("  max_width = 110\nuse_small_heuristics = \"Max\""), &[]);
    for lines in ["max_width = 120", "max_width = 110\n\nuse_small", "use_small_heuristics = \"Max\"\n}"] {
        assert_problems(&page(lines), &["2: this is no run of lines of `.rustfmt.toml`, from `"]);
    }
    let of_nothing = "<!-- quote: gone.rs -->\n```rs\nx\n```\n<!-- quote: Cargo.toml -->\n```rs\n```";
    assert_problems(of_nothing, &["2: this is no run of lines", "6: this is no run of lines"]);
}

#[test]
fn a_comment_belongs_above_its_fence() {
    for comment in ["quote: .rustfmt.toml", "output: cargo test", "ouput: cargo run -q", "note"] {
        assert_problems(&format!("<!-- {comment} -->\n```text\n```"), &["2: a comment is"]);
    }
    let without = "<!-- measured: cargo test, 2025-01-31, mine -->\n\n| a |\n```rs\nrun(job);\n```";
    assert_problems(without, &["2: a comment is missing or out of place", "4: a comment is missing"]);
}

#[test]
fn a_measurement_names_command_date_and_machine() {
    let page = |record| format!("<!-- measured: {record} -->\n| a |");
    assert_problems(&page("SEED=1 cargo test --test loom, 2025-01-31, 2 cores, 4 GB"), &[]);
    for record in ["cargo test, 2025-01-31", "cargo test, 31-01-2025, mine", "sleep, 2025-01-31, mine"] {
        assert_problems(&page(record), &[&format!("2: `{record}` is not of the form")]);
    }
    assert_problems(&page("cargo test --test gone, 2025-01-31, a laptop"), &["2: `cargo test --test gone`"]);
}
