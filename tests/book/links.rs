//! Every link leads to something, and everything in the book is led to.

use crate::{
    assert_none, assert_one,
    page::{Kind, Page, Problem},
    project::Project,
};

const INDEX: &str = "docs/README.md";

/// A link within the project: `file` is its path from the top, unless it leads out of the project.
struct Link {
    line: usize,
    target: String,
    file: Option<String>,
}

impl Link {
    fn leads_to(&self, path: &str) -> bool {
        self.file.as_deref() == Some(path)
    }
}

pub fn check(project: &Project) -> Vec<Problem> {
    let pages: Vec<_> = project.pages().into_iter().map(|page| (links(&page), page)).collect();
    let mut problems = lost_files(project, &pages);
    for (links, page) in &pages {
        problems.extend(links.iter().filter_map(|link| dead(link, page, &pages, project)));
    }
    problems.extend(missing_neighbours(&pages));
    problems
}

type Linked<'a> = (Vec<Link>, Page<'a>);

fn dead(link: &Link, page: &Page, pages: &[Linked], project: &Project) -> Option<Problem> {
    let Some(file) = link.file.as_deref().filter(|file| project.has(file)) else {
        return Some(page.problem(link.line, format!("the link to `{}` leads to no file here", link.target)));
    };
    let (_, fragment) = link.target.split_once('#')?;
    let (_, target) = pages.iter().find(|(_, page)| page.path == file)?;
    let what = format!("the link to `{}` leads to no heading of {file}", link.target);
    (!has_heading(target, fragment)).then(|| page.problem(link.line, what))
}

/// Chapters that the index does not name, and images that no page shows.
fn lost_files(project: &Project, pages: &[Linked]) -> Vec<Problem> {
    let Some((index, index_page)) = pages.iter().find(|(_, page)| page.path == INDEX) else {
        return vec![Page::parse(INDEX, "").problem(1, "the book has no index")];
    };
    let chapters =
        pages.iter().map(|(_, page)| page.path).filter(|path| path.starts_with("docs/") && *path != INDEX);
    let unnamed = chapters.filter(|path| !index.iter().any(|link| link.leads_to(path)));
    let images = project.paths().filter(|path| path.starts_with("docs/img/"));
    let unshown =
        images.filter(|path| !pages.iter().flat_map(|(links, _)| links).any(|link| link.leads_to(path)));
    let unnamed = unnamed.map(|path| format!("the index does not link to {path}"));
    let unshown = unshown.map(|path| format!("no page shows {path}"));
    unnamed.chain(unshown).map(|what| index_page.problem(1, what)).collect()
}

/// The last line of a chapter leads to the chapters before and after it.
fn missing_neighbours(pages: &[Linked]) -> Vec<Problem> {
    let chapters: Vec<_> = pages.iter().filter(|(_, page)| is_chapter(page.path)).collect();
    let neighbours = chapters.windows(2).flat_map(|pair| [(pair[0], pair[1]), (pair[1], pair[0])]);
    let missing = |((links, page), (_, other)): (&Linked, &Linked)| {
        let line = page.last_line();
        let is_there = links.iter().any(|link| link.line == line && link.leads_to(other.path));
        let what =
            format!("the last line of a chapter links to its neighbours, and {} is missing", other.path);
        (!is_there).then(|| page.problem(line, what))
    };
    neighbours.filter_map(missing).collect()
}

fn is_chapter(path: &str) -> bool {
    let name = path.strip_prefix("docs/").unwrap_or_default().as_bytes();
    matches!(name, [b'0'..=b'9', b'0'..=b'9', b'-', ..])
}

fn links(page: &Page) -> Vec<Link> {
    let mut found = Vec::new();
    let mut open = 0;
    for block in &page.blocks {
        let Kind::Prose(text) = block.kind else {
            open = 0;
            continue;
        };
        for target in targets(&without_code(text, &mut open)) {
            let file = resolve(page.path, target);
            found.push(Link { line: block.line, target: target.to_owned(), file });
        }
    }
    found
}

/// `open` is the number of backticks of the code that is still open, because code may go on in the next line.
fn without_code(mut text: &str, open: &mut usize) -> String {
    let mut kept = String::new();
    while let Some(start) = text.find('`') {
        let after = text[start..].trim_start_matches('`');
        let ticks = text.len() - start - after.len();
        if *open == 0 {
            kept.push_str(&text[..start]);
            *open = ticks;
        } else if *open == ticks {
            *open = 0;
        }
        text = after;
    }
    if *open == 0 {
        kept.push_str(text);
    }
    kept
}

fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (start, end) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
        found.extend(
            text.split(start).skip(1).filter_map(|rest| rest.split(end).next()?.split_whitespace().next()),
        );
    }
    let definition = text.strip_prefix('[').and_then(|text| text.split_once("]: "));
    found.extend(definition.and_then(|(_, target)| target.split_whitespace().next()));
    found.retain(|target| !target.contains("://") && !target.starts_with("mailto:"));
    found
}

fn resolve(from: &str, target: &str) -> Option<String> {
    let file = target.split('#').next().filter(|file| !file.starts_with('/'))?;
    if file.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop()?,
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn has_heading(page: &Page, fragment: &str) -> bool {
    page.blocks
        .iter()
        .any(|block| matches!(block.kind, Kind::Prose(text) if slug(text).as_deref() == Some(fragment)))
}

/// The name a forge gives to a heading.
fn slug(text: &str) -> Option<String> {
    let title = text.trim_start_matches('#').strip_prefix(' ').filter(|_| text.starts_with('#'))?;
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

fn problems(files: &[(&str, &str)]) -> Vec<Problem> {
    check(&Project::of(files))
}

/// A page that shows the one image, and is linked to from the index.
fn problems_of(text: &str) -> Vec<Problem> {
    let text = format!("![a](img/a.svg)\n{text}");
    let index = (INDEX, "# The book\n[a](a.md)");
    problems(&[index, ("docs/a.md", &text), ("src/lib.rs", ""), ("docs/img/a.svg", "")])
}

#[test]
fn a_link_to_a_file_a_folder_or_a_heading_is_accepted() {
    assert_none(&problems_of(
        "[a](../src/lib.rs) [b](../src) [c](README.md#the-book) [d](img/a.svg \"title\")",
    ));
    assert_none(&problems_of("# What's a *worker*, or `Sender<T>`?\n[a](#whats-a-worker-or-sendert)"));
    assert_none(&problems_of("[a](https://example.org/gone.md) [b](mailto:a@example.org)"));
}

#[test]
fn a_link_to_no_file_is_rejected() {
    for target in ["gone.md", "/img/a.svg", "../../src/lib.rs", "../sr"] {
        let rule = format!("the link to `{target}` leads to no file here");
        assert_one(&problems_of(&format!("[a]({target})")), "docs/a.md:2", &rule);
    }
    for link in ["![a](gone.svg)", "[a]: gone.svg", "<img src=\"gone.svg\">", "<a href=\"gone.svg\">"] {
        assert_one(&problems_of(link), "docs/a.md:2", "the link to `gone.svg` leads to no file here");
    }
}

#[test]
fn a_link_to_no_heading_is_rejected() {
    assert_one(&problems_of("# Goal\n[a](#goals)"), "docs/a.md:3", "leads to no heading of docs/a.md");
    assert_one(&problems_of("[a](README.md#gone)"), "docs/a.md:2", "leads to no heading of docs/README.md");
}

#[test]
fn a_link_in_code_is_no_link() {
    assert_none(&problems_of("`[a](b)` and `` ` [a](b) `` and `[a](b)\n[a](b)`\n\n```text\n[a](b)\n```"));
    assert_one(&problems_of("a lone `\n\n[a](b)"), "docs/a.md:4", "the link to `b` leads to no file here");
}

#[test]
fn a_chapter_that_the_index_does_not_link_to_is_rejected() {
    let found = problems(&[(INDEX, "`01-a.md`"), ("docs/01-a.md", "")]);
    assert_one(&found, "docs/README.md:1", "the index does not link to docs/01-a.md");
}

#[test]
fn a_book_without_an_index_is_rejected() {
    assert_one(&problems(&[("docs/01-a.md", "")]), "docs/README.md:1", "the book has no index");
}

#[test]
fn an_image_that_no_page_shows_is_rejected() {
    let found = problems(&[(INDEX, "`img/a.svg`"), ("docs/img/a.svg", "")]);
    assert_one(&found, "docs/README.md:1", "no page shows docs/img/a.svg");
}

#[test]
fn a_chapter_without_its_neighbours_is_rejected() {
    let book_with = |second| {
        let index = (INDEX, "[a](01-a.md) [b](02-b.md) [d](04-d.md)");
        let (first, last) = (("docs/01-a.md", "[next](02-b.md)\n"), ("docs/04-d.md", "[previous](02-b.md)"));
        problems(&[index, first, ("docs/02-b.md", second), last])
    };
    assert_none(&book_with("text\n\n[previous](01-a.md) · [next](04-d.md)\n\n"));
    assert_one(&book_with("[previous](01-a.md)"), "docs/02-b.md:1", "docs/04-d.md is missing");
    assert_one(&book_with("[next](04-d.md)"), "docs/02-b.md:1", "docs/01-a.md is missing");
    assert_one(
        &book_with("[previous](01-a.md)\n[next](04-d.md)"),
        "docs/02-b.md:2",
        "docs/01-a.md is missing",
    );
}
