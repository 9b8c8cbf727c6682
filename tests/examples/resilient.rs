//! What `resilient` adds to the recipes: a bounded queue, an idle timeout, a stop, a log that nobody need read.
//!
//! How the library's parts do it is tested in `tests/net`. That bad clients and an account agree, and that it stops at
//! the end of its input if asked to, is tested by `soak`.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Instant;

use pool_recipes::Usage;

use crate::LINUX;
use crate::support::client::{connect, exchange, rest, round_trip, served};
use crate::support::server::{Running, command, lines};
use crate::support::time::{TOO_LONG, until};

fn start(arguments: &[&str]) -> Running {
    Running::start(command("resilient", arguments))
}

/// The totals in its last line: served, shed, timed out, bytes echoed.
fn totals(stdout: &[String]) -> Vec<u64> {
    let words = stdout.last().expect("no totals").split(|char: char| !char.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_silent_client_loses_its_worker() {
    let running = start(&["--workers", "1", "--idle-timeout", "0.2"]);
    let silent = served(running.addr);
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    assert_eq!(rest(&silent), b"");
    let [stdout, stderr] = running.stop();
    assert_eq!(totals(&stdout), [2, 0, 1, 1 + 5]);
    assert!(stderr.len() == 1 && stderr[0].ends_with(": sent nothing for 200ms"), "{stderr:?}");
}

#[test]
fn a_stop_lets_only_the_served_finish() {
    let mut running = start(&["--workers", "2", "--queue", "1", "--grace", "3600"]);
    let (client, other) = (served(running.addr), served(running.addr));
    let waiting = connect(running.addr);
    // Too many: when it is closed, the one before it has been accepted.
    assert_eq!(rest(&connect(running.addr)), b"");
    running.stdin.write_all(b" stop\r\n").unwrap();
    // The one that no worker has is closed. From here on it stops, and a second stop changes nothing.
    assert_eq!(rest(&waiting), b"");
    assert_eq!(TcpStream::connect(running.addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    running.stdin.write_all(b"stop\n").unwrap();
    round_trip(&client);
    assert_eq!(exchange(&client, b"hello"), b"hello");
    drop(other);
    let [stdout, stderr] = running.end();
    assert_eq!(totals(&stdout), [2, 2, 0, 1 + 1 + 1 + 5]);
    // Of the one that waited.
    assert_eq!(stderr.len(), 1, "{stderr:?}");
}

#[test]
fn clients_are_cut_off_after_the_grace() {
    let running = start(&["--workers", "2", "--grace", "0.1"]);
    let silent = served(running.addr);
    let begin = Instant::now();
    let [stdout, stderr] = running.stop();
    assert!(begin.elapsed() < TOO_LONG / 3, "the grace is a tenth of a second");
    assert_eq!(rest(&silent), b"");
    assert_eq!(totals(&stdout), [1, 0, 0, 1]);
    // The last words of the worker, for which it waits.
    assert!(stderr.len() == 1 && stderr[0].ends_with(": closed, as the server stops"), "{stderr:?}");
}

#[test]
fn an_unknown_word_is_an_error() {
    let mut running = start(&[]);
    running.stdin.write_all(b"\nquit\n\xff\n").unwrap();
    let mut errors = lines(running.stderr);
    for word in ["quit", "\u{fffd}"] {
        assert_eq!(errors.next().unwrap(), format!("error: \"{word}\": the only command is stop"));
    }
}

#[test]
fn the_end_of_the_input_is_no_stop() {
    let running = start(&[]);
    drop(running.stdin);
    let mut printed = lines(running.stdout).skip_while(|line| !line.starts_with("stop it: ")).skip(1);
    assert!(printed.next().unwrap().starts_with("The input has ended"));
    for _ in 0..10 {
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    }
}

/// Each client leaves two lines, of some 60 bytes together, in a pipe that has room for about 65,536.
fn fill_the_log(running: &Running) {
    for _ in 0..2000 {
        round_trip(&connect(running.addr));
    }
}

#[test]
fn an_unread_log_stops_neither_service_nor_end() {
    let mut running = start(&["--grace", "0.1"]);
    fill_the_log(&running);
    running.stdin.write_all(b"stop\n").unwrap();
    assert!(running.process.end().success());
    // What was in the pipe ends where it was full, as its totals had no place there.
    let [stdout, _] = running.end();
    assert!(stdout.len() < 4000 && stdout.iter().all(|line| !line.starts_with("Served")), "{}", stdout.len());
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted() {
    let running = start(&[]);
    fill_the_log(&running);
    let [stdout, _] = running.stop();
    let [.., dropped, _] = &stdout[..] else { panic!("{stdout:?}") };
    let count = dropped.strip_suffix(" lines of this log were dropped, as nobody read them").expect(dropped);
    // Two lines for each client, and one for the stop. Beside these there are three at the start and two at the end.
    assert_eq!(stdout.len() - 5 + count.parse::<usize>().unwrap(), 2 * 2000 + 1);
    assert_eq!(totals(&stdout)[..2], [2000, 0]);
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    if !LINUX {
        return;
    }
    let running = start(&["--workers", "8"]);
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", running.pid())).unwrap().count();
    let visit = |n: usize| {
        let client = connect(running.addr);
        if n.is_multiple_of(2) {
            round_trip(&client);
        }
    };
    let alone = descriptors();
    (0..1000).for_each(visit);
    let before = Usage::of(running.pid()).unwrap();
    (0..10_000).for_each(visit);
    until("the close of all connections", || descriptors() <= alone);
    let after = Usage::of(running.pid()).unwrap();
    assert_eq!(after.threads, before.threads);
    assert!(after.resident_bytes < before.resident_bytes + (2 << 20), "{before:?} {after:?}");
    // Clients are accepted in turn: after this one, all the others have been.
    visit(0);
    let [stdout, _] = running.stop();
    assert_eq!(totals(&stdout), [11_001, 0, 0, 5501]);
}
