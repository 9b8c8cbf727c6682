//! The commands that the book may tell its readers to type.

use crate::project::Project;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    Example { name: String, release: bool, args: Vec<String> },
    Test { cargo: Vec<String>, harness: Vec<String> },
    Build { cargo: Vec<String> },
}

impl Command {
    pub fn parse(line: &str) -> Result<Self, String> {
        let words = words(line)?;
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let ours: Vec<_> = words[..end].iter().map(String::as_str).collect();
        let theirs = words.get(end + 1..).unwrap_or_default().to_vec();
        let command = match ours[..] {
            ["cargo", "run", ref flags @ ..] => example(flags, theirs),
            ["cargo", "test", ..] => Some(Self::Test { cargo: words[2..end].to_vec(), harness: theirs }),
            ["cargo", "build", ..] => Some(Self::Build { cargo: words[2..].to_vec() }),
            _ => None,
        };
        let known = "`cargo run --example NAME`, `cargo test` and `cargo build`";
        command
            .ok_or_else(|| format!("`{line}` is not a command this check knows how to run: it knows {known}"))
    }

    /// The servers serve until they are killed.
    pub fn is_server(&self) -> bool {
        let Self::Example { name, args, .. } = self else { return false };
        let asks_for_help = args.iter().any(|arg| arg == "--help");
        ["executor", "manual_queue", "unbounded", "resilient"].contains(&name.as_str()) && !asks_for_help
    }

    /// The file in `examples` or `tests` that the command names and the project lacks.
    pub fn missing_target(&self, project: &Project) -> Option<String> {
        let (folder, name) = match self {
            Self::Example { name, .. } => ("examples", name),
            Self::Test { cargo, .. } => ("tests", cargo.iter().skip_while(|word| *word != "--test").nth(1)?),
            Self::Build { .. } => return None,
        };
        (!project.has_target(folder, name)).then(|| format!("{folder}/{name}.rs"))
    }
}

fn example(flags: &[&str], args: Vec<String>) -> Option<Command> {
    let (mut name, mut release) = (None, false);
    let mut flags = flags.iter();
    while let Some(&flag) = flags.next() {
        match flag {
            "--release" => release = true,
            "--quiet" | "-q" => {}
            "--example" => name = flags.next(),
            _ => return None,
        }
    }
    Some(Command::Example { name: (*name?).to_owned(), release, args })
}

/// Splits a line as a shell does, and refuses what only a shell could do.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if "|&;<>$\\`#".contains(c) => {
                return Err(format!("`{line}` needs a shell for its `{c}`, and is run without one"));
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() {
        Err(format!("`{line}` opens a quotation that it does not close"))
    } else {
        Ok(words)
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_rejected(line: &str, rule: &str) {
    let error = Command::parse(line).expect_err(line);
    assert!(error.contains(line) && error.contains(rule), "{error}");
}

#[test]
fn an_example_is_read_with_its_arguments() {
    let line = "cargo run -q --release --example fetch_url -- 'http://a/?b&c' \"d e\" ''";
    let args = strings(&["http://a/?b&c", "d e", ""]);
    assert_eq!(Command::parse(line), Ok(Command::Example { name: "fetch_url".into(), release: true, args }));
}

#[test]
fn a_test_is_read_with_its_filters() {
    let (cargo, harness) = (strings(&["--test", "loom", "queue"]), strings(&["--exact"]));
    assert_eq!(
        Command::parse("cargo test --test loom queue -- --exact"),
        Ok(Command::Test { cargo, harness })
    );
}

#[test]
fn an_unknown_command_is_rejected() {
    for line in
        ["cargo", "cargo fmt", "cargo run", "cargo run --example", "cargo run --example a --bin b", "ls", ""]
    {
        assert_rejected(line, "not a command this check knows how to run");
    }
}

#[test]
fn a_command_that_needs_a_shell_is_rejected() {
    assert_rejected("cargo run --example executor &", "needs a shell for its `&`");
    assert_rejected("cargo test # all of them", "needs a shell for its `#`");
    assert_rejected("cargo test 'queue", "does not close");
}

#[test]
fn the_recipes_are_servers_unless_asked_for_help() {
    let is_server = |line| Command::parse(line).is_ok_and(|command| command.is_server());
    assert!(is_server("cargo run --example manual_queue -- --workers 2"));
    assert!(!is_server("cargo run --example manual_queue -- --help"));
    assert!(!is_server("cargo run --example fetch_url"));
}
