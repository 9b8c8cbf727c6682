//! The book in `docs/` holds what it promises: every fence is checked by the rule of its label, every link
//! leads somewhere, every command runs and prints what the book shows.

#[path = "book/command.rs"]
mod command;
#[path = "book/fences.rs"]
mod fences;
#[path = "book/links.rs"]
mod links;
#[path = "book/notes.rs"]
mod notes;
#[path = "book/page.rs"]
mod page;
#[path = "book/process.rs"]
mod process;
#[path = "book/project.rs"]
mod project;
#[path = "book/transcript.rs"]
mod transcript;

use page::Problem;
use project::Project;

#[test]
fn every_fence_follows_the_rule_of_its_label() {
    assert_none(&fences::check(&Project::read()));
}

#[test]
fn every_comment_is_true_of_what_stands_under_it() {
    assert_none(&notes::check(&Project::read()));
}

#[test]
fn every_link_leads_somewhere_and_no_page_is_lost() {
    assert_none(&links::check(&Project::read()));
}

#[test]
fn every_command_runs_and_prints_what_the_book_shows() {
    assert_none(&transcript::check(&Project::read(), &mut process::run));
}

#[track_caller]
fn assert_none(problems: &[Problem]) {
    let list: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "the book breaks its promises:\n{}", list.join("\n"));
}

/// For the tests of the checks: a made-up page breaks one rule, in one place.
#[track_caller]
fn assert_one(problems: &[Problem], place: &str, rule: &str) {
    let list: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let is_it = |problem: &String| problem.starts_with(&format!("{place}: ")) && problem.contains(rule);
    assert!(list.len() == 1 && is_it(&list[0]), "not one problem at {place} with {rule:?}: {list:#?}");
}
