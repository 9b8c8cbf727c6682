//! What an example can't do is one line on stderr and an exit code: 2 for a bad argument, 1 for anything else.

use std::net::TcpListener;
use std::process::Command;

use crate::LINUX;
use crate::recipes::SERVERS;
use crate::support::example::{fail, killed_leaves_no_process, succeed};
use crate::support::process::{in_shell, limited};
use crate::support::server::command;

const ADDR: &str = "must be an IP address and a port, such as 127.0.0.1:15000 or [::1]:15000";
const STACK: &str = "must be a whole number from 32768 to ";
const WORKERS: &str = "must be a whole number from 1 to 10000\n";
const SECONDS: &str = "must be a number from 0.001 to ";

/// So large a stack that there is no room for it.
const TOO_LARGE: &str = if cfg!(target_pointer_width = "64") { "4611686018427387903" } else { "1073741823" };

fn with_variable(variable: &str, value: &str, name: &str) -> Command {
    let mut command = command(name, &[]);
    command.env(variable, value);
    command
}

/// One server stands for all: their common flags are read by the same functions.
#[test]
fn a_bad_value_is_named_with_its_rule() {
    for (name, flag, values, rule) in [
        ("unbounded", "--addr", ["localhost:15000", "127.0.0.1", "", "two\nlines"].as_slice(), ADDR),
        ("unbounded", "--stack-size", &["1000", "32767", "-1", "64k"], STACK),
        ("executor", "--workers", &["0", "10001", "-1", "1.5", "many"], WORKERS),
        ("resilient", "--queue", &["0", "many", "1000001"], "must be a whole number from 1 to 1000000\n"),
        ("resilient", "--idle-timeout", &["0", "-1", "nan", "soon"], SECONDS),
        ("resilient", "--grace", &["inf", "1e19", "", "1 s"], SECONDS),
        ("overload", "--connections", &["0"], WORKERS),
        ("overload", "--queue", &["0"], "must be a whole number from 1 to 1000000\n"),
        ("overload", "--idle-timeout", &["0"], SECONDS),
        ("overload", "--seconds", &["soon"], SECONDS),
        ("flood", "--connections", &["0", "10001"], WORKERS),
        ("soak", "--seconds", &["0", "inf"], SECONDS),
        ("stack_size", "--threads", &["0", "10001"], WORKERS),
        ("cpu_bound", "--work", &["999"], "must be a whole number from 1000 to "),
        ("cpu_bound", "--idle", &["10001"], WORKERS),
        ("cpu_bound", "--rounds", &["0"], "must be a whole number from 1 to 1000\n"),
    ] {
        for value in values {
            let error = fail(command(name, &[flag, value]), 2);
            assert!(error.starts_with(&format!("error: {flag} {value:?}: {rule}")), "{name}: {error}");
        }
    }
}

#[test]
fn what_is_no_flag_is_unexpected() {
    for (name, arguments, unexpected) in [
        ("executor", ["--addr", "[::1]:0", "--addr", "[::1]:0"].as_slice(), "--addr"),
        ("executor", &["--bogus"], "--bogus"),
        ("manual_queue", &["stray"], "stray"),
        ("unbounded", &["--workers", "4"], "--workers"),
        ("resilient", &[""], ""),
        ("stack_size", &["--child", "wait"], "--child"),
        ("fetch_url", &["--bogus"], "--bogus"),
    ] {
        let error = fail(command(name, arguments), 2);
        assert!(
            error.starts_with(&format!("error: unexpected argument {unexpected:?}: ")),
            "{name}: {error}"
        );
    }
    for (name, flag) in [("executor", "--addr"), ("flood", "--svg"), ("stack_size", "--svg")] {
        assert_eq!(fail(command(name, &[flag]), 2), format!("error: {flag} needs a value\n"));
    }
}

#[test]
fn help_wins_over_the_rest_of_the_line() {
    for name in SERVERS {
        for arguments in [&["--help"][..], &["-h"], &["--addr", "nowhere", "--help"], &["-h", "--bogus"]] {
            let usage = succeed(command(name, arguments));
            for word in [name, "--addr IP:PORT", "127.0.0.1:15000", "--stack-size BYTES", "-h, --help"] {
                assert!(usage.contains(word), "{word} is not in:\n{usage}");
            }
        }
    }
}

#[test]
fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for name in SERVERS {
        let error = fail(command(name, &["--addr", &addr]), 1);
        assert!(error.starts_with(&format!("error: can't listen on {addr}: ")), "{name}: {error}");
    }
}

#[test]
fn all_threads_start_before_it_listens() {
    let too_large = ["--addr", "127.0.0.1:0", "--stack-size", TOO_LARGE];
    for name in ["executor", "manual_queue", "resilient"] {
        let error = fail(command(name, &too_large), 1);
        assert!(error.starts_with("error: could not start worker 1 of 128"), "{name}: {error}");
        assert_eq!(command(name, &too_large).output().unwrap().stdout, b"", "{name}");
    }
    // The threads for which these programs set no stack.
    for name in ["fetch_url", "resilient"] {
        fail(with_variable("RUST_MIN_STACK", TOO_LARGE, name), 1);
    }
}

#[test]
fn what_it_cannot_have_is_named() {
    let to_nowhere = |name| command(name, &["--svg", "no-such-directory/x.svg"]);
    let lost = |name| in_shell(r#"exec "$0" "$@" >/dev/full"#, &command(name, &[]));
    let cases = [
        (to_nowhere("flood"), "no-such-directory/x.svg: "),
        (to_nowhere("overload"), "no-such-directory/x.svg: "),
        (to_nowhere("stack_size"), "no-such-directory/x.svg: "),
        (lost("stack_size"), "can't print on stdout: "),
        (lost("cpu_bound"), "can't print on stdout: "),
        (lost("fetch_url"), "can't print on stdout: "),
        (limited("-n 64", &command("flood", &[])), "64 open files, the limit here, are too few"),
        (
            with_variable("CARGO", "/no/such/cargo", "flood"),
            "unbounded: can't be built, as cargo can't be run",
        ),
    ];
    let only_linux = [(command("flood", &[]), "only Linux"), (command("overload", &[]), "only Linux")];
    for (command, said) in if LINUX { Vec::from(cases) } else { Vec::from(only_linux) } {
        let case = format!("{command:?}");
        let error = fail(command, 1);
        assert!(error.contains(said), "{case}: {error}");
    }
}

#[test]
fn no_server_outlives_an_example_that_is_killed() {
    if LINUX {
        for (name, arguments) in
            [("flood", [].as_slice()), ("overload", &["--seconds", "3600"]), ("soak", &["--seconds", "3600"])]
        {
            killed_leaves_no_process(command(name, arguments));
        }
    }
}
