//! The book in `docs/` holds what it promises: each fence is checked by the rule of its label, each link leads
//! somewhere, each command and each test that it names exists, each output is what its command prints.

#[path = "book/commands.rs"]
mod commands;
#[path = "book/fences.rs"]
mod fences;
#[path = "book/links.rs"]
mod links;
#[path = "book/outputs.rs"]
mod outputs;
#[path = "book/page.rs"]
mod page;
mod support;

use std::path::{Path, PathBuf};
use std::{fs, thread};

use page::Page;

#[test]
fn the_book_holds_what_it_promises() {
    let names = fs::read_dir(file("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let paths = names.map(|name| format!("docs/{}", name.display())).chain(["README.md".to_owned()]);
    let pages = paths.filter(|path| Path::new(path).extension().is_some_and(|end| end == "md"));
    let pages: Vec<_> = pages.map(|path| (fs::read_to_string(file(&path)).unwrap(), path)).collect();
    let problems = problems(&pages.iter().map(|(text, path)| Page::parse(path, text)).collect::<Vec<_>>());
    assert!(problems.is_empty(), "the book breaks its promises:\n{}", problems.join("\n"));
}

/// All that is wrong with the pages, each as `PAGE:LINE: WHAT`.
fn problems(pages: &[Page]) -> Vec<String> {
    let check = |page: &Page| {
        let found = [fences::check(page), commands::check(page), links::check(page, pages)].concat();
        found.iter().map(|(line, what)| format!("{}:{line}: {what}", page.path)).collect::<Vec<_>>()
    };
    // All at the same time, because it takes a while to see what some commands print.
    thread::scope(|scope| {
        let checks: Vec<_> = pages.iter().map(|page| scope.spawn(move || check(page))).collect();
        checks.into_iter().flat_map(|check| check.join().unwrap()).collect()
    })
}

/// A file of this project.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What is wrong with a made-up page starts with these words, each behind its line.
#[track_caller]
fn assert_problems(page: &str, expected: &[&str]) {
    let found = problems(&[Page::parse("README.md", page)]);
    let agrees = |(found, expected): (&String, _)| found.starts_with(&format!("README.md:{expected}"));
    let agree = found.len() == expected.len() && found.iter().zip(expected).all(agrees);
    assert!(agree, "{page}\nhas {found:#?}\nand not {expected:#?}");
}
