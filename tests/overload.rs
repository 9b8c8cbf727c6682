//! The example that floods a plain pool and a protected one: who answers the honest client, and what each holds.

mod support;

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs, process};

use support::client::TOO_LONG;
use support::recipe::Recipe;
use support::xml::{elements, texts};

const LINUX: bool = cfg!(target_os = "linux");

/// More silent clients than the pool has workers and the protected queue places.
const OVERLOAD: Recipe = Recipe {
    name: "overload",
    arguments: &["--connections", "300", "--seconds", "2.5", "--idle-timeout", "0.5"],
};

/// What it prints, and its picture. It takes seconds, so there is only one.
fn overload() -> &'static (String, String) {
    static RUN: OnceLock<(String, String)> = OnceLock::new();
    RUN.get_or_init(|| {
        let picture = env::temp_dir().join(format!("pool-recipes-overload-{}.svg", process::id()));
        let mut command = OVERLOAD.command();
        command.arg("--svg").arg(&picture);
        let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().success().stderr("");
        let svg = fs::read_to_string(&picture).unwrap();
        fs::remove_file(&picture).unwrap();
        (String::from_utf8(assert.get_output().stdout.clone()).unwrap(), svg)
    })
}

/// A server's row of the table, by the titles of its columns.
fn cell(server: &str, title: &str) -> String {
    let (output, _) = overload();
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(|cell| cell.trim().replace(',', "")).filter(|cell| !cell.is_empty()).collect()
    };
    let line = |start: &str| cells(output.lines().find(|line| line.starts_with(start)).expect(output));
    let column = line("server ").iter().position(|cell| cell == title).expect(title);
    line(&format!("{server} "))[column].clone()
}

fn figure(server: &str, title: &str) -> f64 {
    let cell = cell(server, title);
    cell.parse().unwrap_or_else(|_| panic!("{server}: {title}: {cell}\n{}", overload().0))
}

#[test]
fn the_honest_client_never_waits_longer_than_the_idle_timeout_and_a_second_on_the_protected_server() {
    if LINUX {
        assert!(figure("protected", "asked") >= 1.0);
        assert!(figure("protected", "gave up") < 0.5);
        assert!(figure("protected", "worst ms") < 1500.0, "{}", overload().0);
    }
}

#[test]
fn the_plain_server_starves_the_honest_client() {
    if LINUX {
        assert!(figure("plain", "gave up") >= 1.0);
        assert_eq!(cell("plain", "worst ms"), "gave up");
    }
}

#[test]
fn only_the_protected_server_bounds_its_descriptors_and_sheds_the_others() {
    if LINUX {
        assert!(figure("plain", "descriptors") >= 300.0);
        assert!(figure("plain", "shed") + figure("plain", "timed out") < 0.5);
        // 128 workers, 64 places, its own descriptors, and those it is about to close.
        assert!(figure("protected", "descriptors") <= 128.0 + 64.0 + 20.0, "{}", overload().0);
        assert!(figure("protected", "shed") >= 1.0 && figure("protected", "timed out") >= 128.0);
    }
}

#[test]
fn the_picture_has_a_line_for_each_server_and_names_its_axes() {
    if LINUX {
        let (_, svg) = overload();
        let texts = texts(svg);
        for text in ["plain", "protected", "seconds since the start"] {
            assert!(texts.contains(&text), "{texts:?}");
        }
        let lines = elements(svg).into_iter().filter(|element| element.attribute("points").is_some());
        assert_eq!(lines.count(), 2);
    }
}

#[test]
fn a_bad_argument_is_one_line_and_exit_code_2() {
    for arguments in
        [["--connections", "0"], ["--queue", "0"], ["--idle-timeout", "0"], ["--seconds", "soon"]]
    {
        let mut command = OVERLOAD.command();
        command.args(arguments);
        let assert = assert_cmd::Command::from_std(command).timeout(TOO_LONG).assert().code(2).stdout("");
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr);
        assert!(stderr.starts_with(&format!("error: {} {}: ", arguments[0], arguments[1])), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn no_server_outlives_it() {
    if !LINUX {
        return;
    }
    let mark = format!("POOL_RECIPES_MARK=overload-{}", process::id());
    let (name, value) = mark.split_once('=').unwrap();
    let mut command: Command = OVERLOAD.command();
    command.args(["--connections", "1", "--seconds", "0.1"]).env(name, value).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    for entry in fs::read_dir("/proc").unwrap().map(Result::unwrap) {
        // Processes of others can't be read, and those that have ended are gone.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&environment).contains(&mark), "{:?} is left", entry.path());
    }
}
