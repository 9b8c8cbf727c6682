//! Every link leads to something, and every page is led to.

use std::fs;

use crate::page::Page;
use crate::{assert_problems, file, problems};

/// The pages that list all others. mdbook reads the second one, where there is one.
const CONTENTS: [&str; 2] = ["docs/README.md", "docs/SUMMARY.md"];

pub fn check(page: &Page, pages: &[Page]) -> Vec<(usize, String)> {
    let links = links(page);
    let dead = links.iter().filter(|(_, target)| !leads_somewhere(page, target));
    let dead = dead.map(|(line, target)| (*line, format!("the link to `{target}` leads nowhere")));
    let is_listed = |other: &str| links.iter().any(|(_, target)| other == format!("docs/{target}"));
    let others = pages.iter().map(|page| page.path).filter(|_| CONTENTS.contains(&page.path));
    let others = others.filter(|path| path.starts_with("docs/") && !CONTENTS.contains(path));
    let lost = others.filter(|path| !is_listed(path)).map(|path| (1, format!("there is no link to {path}")));
    dead.chain(lost).collect()
}

/// Where the links and the images of a page lead, unless it is out of the project.
fn links<'a>(page: &Page<'a>) -> Vec<(usize, &'a str)> {
    let prose = page.pieces(false).into_iter();
    let ends = prose.flat_map(|(line, text)| text.split("](").skip(1).map(move |end| (line, end)));
    let targets = ends.filter_map(|(line, end)| Some((line, end.split([')', ' ']).next()?)));
    targets.filter(|(_, target)| !target.contains("://")).collect()
}

fn leads_somewhere(page: &Page, target: &str) -> bool {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { file(page.path) } else { file(page.path).with_file_name(path) };
    let text = fs::read_to_string(&path).unwrap_or_default();
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_matches(['#', ' ']));
    // A forge gives these names to the headings.
    let mut names = titles.map(|title| title.to_lowercase().replace(' ', "-"));
    let is_kept = |c: &char| c.is_alphanumeric() || "-_".contains(*c);
    path.exists() && (heading.is_empty() || names.any(|it| it.chars().filter(is_kept).eq(heading.chars())))
}

#[test]
fn a_link_leads_somewhere() {
    assert_problems("[a](src \"b\"), [`c`](docs/)\n`[d](e)`, `[f](g)\n[h](i)`, [j](https://k)", &[]);
    assert_problems("[a](#pool-recipes) [b](docs/README.md#part-one-the-recipe-in-its-own-order)", &[]);
    for target in ["gone.md", "docs/gone.svg", "#gone", "docs/README.md#gone", "src/lib.rs#gone"] {
        let problem = format!("3: the link to `{target}` leads nowhere");
        assert_problems(&format!("a lone `\n\n![`a`]({target})"), &[&problem]);
    }
}

#[test]
fn every_page_is_listed() {
    let pages = [("docs/README.md", "`q.md`"), ("docs/SUMMARY.md", "[a](README.md)"), ("docs/q.md", "")];
    let found = problems(&pages.map(|(path, text)| Page::parse(path, text)));
    let lost = |contents| format!("docs/{contents}.md:1: there is no link to docs/q.md");
    assert_eq!(found, [lost("README"), lost("SUMMARY")]);
}
