//! A page of Markdown, taken apart as far as the checks need it, and what can be wrong in a place on it.

use std::fmt;

pub struct Problem {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

pub struct Page<'a> {
    pub path: &'a str,
    pub blocks: Vec<Block<'a>>,
}

pub struct Block<'a> {
    pub line: usize,
    pub kind: Kind<'a>,
}

pub enum Kind<'a> {
    Blank,
    /// One line of anything else: a paragraph, a heading, a row of a table.
    Prose(&'a str),
    Fence {
        label: &'a str,
        body: Vec<&'a str>,
    },
    Comment(&'a str),
    /// Something that Markdown reads in another way than it looks, so that no check would see it.
    Malformed(&'static str),
}

impl<'a> Page<'a> {
    pub fn parse(path: &'a str, text: &'a str) -> Self {
        let mut lines = text.lines().enumerate();
        let mut blocks = Vec::new();
        let mut in_list = false;
        while let Some((index, line)) = lines.next() {
            let is_inner = line.is_empty() || line.starts_with([' ', '\t']);
            in_list = starts_item(line) || in_list && is_inner;
            let kind = next_block(line, &mut lines.by_ref().map(|(_, line)| line), blocks.last(), in_list);
            blocks.push(Block { line: index + 1, kind });
        }
        Self { path, blocks }
    }

    pub fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem { file: self.path.to_owned(), line, what: what.into() }
    }

    /// Each fence as its line, label and body.
    pub fn fences(&self) -> impl Iterator<Item = (usize, &'a str, &[&'a str])> {
        self.blocks.iter().filter_map(|block| match &block.kind {
            Kind::Fence { label, body } => Some((block.line, *label, body.as_slice())),
            _ => None,
        })
    }

    /// Each comment as its line and text, with the block under it: one blank line may stand between.
    pub fn comments(&self) -> impl Iterator<Item = (usize, &'a str, Option<&Block<'a>>)> {
        self.blocks.iter().enumerate().filter_map(|(index, block)| match block.kind {
            Kind::Comment(text) => {
                let under = self.blocks[index + 1..].iter().take(2).find(|block| !block.is_blank());
                Some((block.line, text, under))
            }
            _ => None,
        })
    }

    pub fn last_line(&self) -> usize {
        self.blocks.iter().rfind(|block| !block.is_blank()).map_or(1, |block| block.line)
    }
}

impl Block<'_> {
    fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Blank)
    }
}

fn next_block<'a>(
    line: &'a str,
    rest: &mut dyn Iterator<Item = &'a str>,
    above: Option<&Block<'a>>,
    in_list: bool,
) -> Kind<'a> {
    let text = line.trim();
    let above = match above {
        Some(Block { kind: Kind::Prose(above), .. }) if !above.starts_with('#') => *above,
        _ => "",
    };
    let is_indented = line.starts_with("    ") || line.starts_with('\t');
    let fence = fence_mark(text);
    if text.is_empty() {
        Kind::Blank
    } else if is_indented && !in_list && (above.is_empty() || fence.is_some()) {
        Kind::Malformed("code that is indented and not fenced is never checked: put it in a fence")
    } else if let Some(mark) = fence {
        let indent = line.len() - line.trim_start_matches(' ').len();
        next_fence(mark, text, indent, rest, above)
    } else if let Some(comment) = text.strip_prefix("<!--") {
        let comment = comment.strip_suffix("-->").map(|text| Kind::Comment(text.trim()));
        comment.unwrap_or(Kind::Malformed("a comment ends where its line ends"))
    } else if fence_mark(text.trim_start_matches(|c| "0123456789-*+.)> ".contains(c))).is_some() {
        Kind::Malformed("a fence behind a list mark or a quotation mark is not checked: give it its own line")
    } else {
        Kind::Prose(line)
    }
}

fn next_fence<'a>(
    mark: &str,
    first: &'a str,
    indent: usize,
    rest: &mut dyn Iterator<Item = &'a str>,
    above: &str,
) -> Kind<'a> {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.next() else {
            return Kind::Malformed("a fence that is never closed: the rest of the page is in it");
        };
        if line.trim().starts_with(mark) && fence_mark(line.trim()) == Some(line.trim()) {
            break;
        }
        // A fence in a list is indented as a whole, which is no part of what it shows.
        let spaces = line.len() - line.trim_start_matches(' ').len();
        body.push(&line[indent.min(spaces)..]);
    }
    if above.trim_start().starts_with('<') {
        return Kind::Malformed("a fence right under HTML shows as plain text: put a blank line between");
    }
    Kind::Fence { label: first[mark.len()..].trim(), body }
}

/// The run of backticks or tildes that opens or closes a fence.
fn fence_mark(text: &str) -> Option<&str> {
    let first = text.chars().next().filter(|c| "`~".contains(*c))?;
    let mark = &text[..text.len() - text.trim_start_matches(first).len()];
    (mark.len() >= 3).then_some(mark)
}

fn starts_item(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", ". ", ") "].iter().any(|mark| line.starts_with(mark))
}

/// The page in short: each block that is not blank, with its line.
fn outline(text: &str) -> Vec<String> {
    let page = Page::parse("docs/01-a.md", text);
    let describe = |Block { line, kind }: &Block| match kind {
        Kind::Blank => None,
        Kind::Prose(text) => Some(format!("{line} prose {text}")),
        Kind::Fence { label, body } => Some(format!("{line} {label} {body:?}")),
        Kind::Comment(text) => Some(format!("{line} comment {text}")),
        Kind::Malformed(what) => Some(format!("{line} malformed {what}")),
    };
    page.blocks.iter().filter_map(describe).collect()
}

#[track_caller]
fn assert_malformed(text: &str, line: usize, what: &str) {
    let start = format!("{line} malformed {what}");
    assert!(outline(text).iter().any(|block| block.starts_with(&start)), "{text:?}: {:#?}", outline(text));
}

#[test]
fn a_page_is_taken_apart_into_its_blocks() {
    let outline = outline("# Goal\n\n<!-- quote: src/a.rs -->\n````rs\n```\n  x\n````\n``more``");
    assert_eq!(
        outline,
        ["1 prose # Goal", "3 comment quote: src/a.rs", "4 rs [\"```\", \"  x\"]", "8 prose ``more``"]
    );
}

#[test]
fn an_unclosed_fence_is_rejected() {
    assert_malformed("text\n\n```rust\nlet x = 1;\n", 3, "a fence that is never closed");
    assert_malformed("~~~text\n```\n", 1, "a fence that is never closed");
    assert_malformed("````text\n```\n", 1, "a fence that is never closed");
}

#[test]
fn an_unclosed_comment_is_rejected() {
    assert_malformed("<!-- quote: src/a.rs\n-->", 1, "a comment ends where its line ends");
}

#[test]
fn an_indented_code_block_is_rejected() {
    assert_malformed("text\n\n    let x = 1;\n", 3, "code that is indented");
    assert_malformed("# Goal\n    let x = 1;\n", 2, "code that is indented");
    assert_malformed("text\n\n\tlet x = 1;\n", 3, "code that is indented");
    assert_malformed("- item\n\ntext\n\n    let x = 1;\n", 5, "code that is indented");
    assert_malformed("text\n    ```rust\n    ```\n", 2, "code that is indented");
}

#[test]
fn an_indented_line_of_a_paragraph_or_a_list_is_no_code() {
    assert_eq!(outline("text\n    more")[1], "2 prose     more");
    assert_eq!(outline("10. item\n\n    more")[1], "3 prose     more");
    assert_eq!(outline("- item\n\n  ```text\n    x\n  ```")[1], "3 text [\"  x\"]");
}

#[test]
fn a_fence_behind_a_mark_is_rejected() {
    assert_malformed("> ```rust\n", 1, "a fence behind a list mark");
    assert_malformed("1. ```rust\n", 1, "a fence behind a list mark");
}

#[test]
fn a_fence_right_under_html_is_rejected() {
    assert_malformed("<details>\n```rust\n```\n", 2, "a fence right under HTML");
    assert_eq!(outline("<details>\n\n```rust\n```\n")[1], "3 rust []");
}
