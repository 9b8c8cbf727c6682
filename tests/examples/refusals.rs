//! What an example can't do is one line on stderr and an exit code: 2 for a bad argument, 1 for anything else.

use std::net::TcpListener;

use crate::LINUX;
use crate::recipes::SERVERS;
use crate::support::example::{fail, in_shell, killed_leaves_no_process, succeed, with_open_files};
use crate::support::server::command;

const ADDR: &str = "must be an IP address and a port, such as 127.0.0.1:15000 or [::1]:15000";
const STACK: &str = "must be a whole number from 32768 to ";
const WORKERS: &str = "must be a whole number from 1 to 10000\n";
const SECONDS: &str = "must be a number from 0.001 to ";

/// No machine has room for this stack.
const TOO_LARGE: usize = usize::MAX / 4;

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
    for name in ["executor", "manual_queue", "resilient"] {
        let refused = || command(name, &["--addr", "127.0.0.1:0", "--stack-size", &TOO_LARGE.to_string()]);
        let error = fail(refused(), 1);
        assert!(error.starts_with("error: could not start worker 1 of 128"), "{name}: {error}");
        assert_eq!(refused().output().unwrap().stdout, b"", "{name}");
    }
    // The threads for which these programs set no stack.
    for name in ["fetch_url", "resilient"] {
        let mut refused = command(name, &[]);
        refused.env("RUST_MIN_STACK", TOO_LARGE.to_string());
        fail(refused, 1);
    }
}

#[test]
fn lost_output_is_a_failure() {
    if LINUX {
        for name in ["stack_size", "cpu_bound", "fetch_url"] {
            let lost = in_shell(r#"exec "$0" "$@" >/dev/full"#, &command(name, &[]));
            assert!(fail(lost, 1).contains("can't print on stdout"), "{name}");
        }
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_named() {
    if LINUX {
        for name in ["flood", "overload", "stack_size"] {
            let error = fail(command(name, &["--svg", "no-such-directory/x.svg"]), 1);
            assert!(error.starts_with("error: no-such-directory/x.svg: "), "{name}: {error}");
        }
    }
}

#[test]
fn a_flood_says_what_it_lacks() {
    let flood = command("flood", &[]);
    if LINUX {
        assert!(fail(with_open_files(64, &flood), 1).contains("64 open files"));
        let mut without_cargo = flood;
        without_cargo.env("CARGO", "/no/such/cargo");
        assert!(fail(without_cargo, 1).contains("cargo can't be run"));
    } else {
        assert!(fail(flood, 1).contains("only Linux"));
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
