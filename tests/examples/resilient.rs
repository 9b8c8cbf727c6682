//! What can go wrong with a client, the system or the terminal goes wrong here.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, thread};

use pool_recipes::Usage;

use crate::LINUX;
use crate::support::client::{TOO_LONG, bytes, connect, exchange, pause, peek, round_trip};
use crate::support::example::{fail, with_open_files};
use crate::support::server::{Running, command, lines};

/// Shorter than anybody waits, and longer than a busy machine takes to answer.
const IDLE: &str = "0.5";

fn start(arguments: &[&str]) -> Running {
    Running::start(command("resilient", arguments))
}

/// A server that may have 20 files open, and needs some for itself.
fn poor() -> Running {
    Running::start(with_open_files(20, &command("resilient", &["--workers", "4", "--grace", "0.1"])))
}

/// The totals in its last line: served, shed, timed out, bytes echoed.
fn totals(stdout: &[String]) -> [u64; 4] {
    let last = stdout.last().expect("no totals");
    let figures: Vec<_> =
        last.split(|char: char| !char.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    figures.try_into().unwrap_or_else(|_| panic!("no totals: {last}"))
}

/// Waits until the server closes the connection: at its end, or with a reset if something was left unread.
fn wait_for_the_end(mut client: &TcpStream) {
    if let Err(error) = client.read_to_end(&mut Vec::new()) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
}

/// What the descriptors of a process are, except one that is closed meanwhile. Only Linux says it.
fn fds(pid: u32) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    entries.filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned()))
}

/// A client that is being served.
fn served(running: &Running) -> TcpStream {
    let client = connect(running.addr);
    round_trip(&client);
    client
}

#[test]
fn want_of_descriptors_is_said_once_and_survived() {
    if cfg!(not(unix)) {
        return;
    }
    let running = poor();
    let mut clients: Vec<_> = (0..60).map(|_| connect(running.addr)).collect();
    // Each one that leaves gives a descriptor back, which the next one takes: a want that comes and goes.
    for _ in 0..50 {
        drop(clients.remove(0));
        round_trip(&clients[0]);
    }
    drop(clients);
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    // A want again, in which it stops.
    let clients: Vec<_> = (0..40).map(|_| connect(running.addr)).collect();
    round_trip(&clients[0]);
    let [_, stderr] = running.stop();
    let wants = stderr.iter().filter(|line| line.starts_with("error: accepting a connection: "));
    assert_eq!(wants.count(), 1, "{stderr:?}");
}

#[test]
fn a_stop_needs_no_free_descriptor() {
    if !LINUX {
        return;
    }
    let running = poor();
    let mut clients = Vec::new();
    // Below the limit only: it may have inherited others.
    let fds = format!("/proc/{}/fd", running.pid());
    let open = || (0..20).filter(|fd| fs::read_link(format!("{fds}/{fd}")).is_ok()).count();
    // One is left in the end, and an accept that waits has that one for its next client.
    while open() < 19 {
        let before = open();
        clients.push(connect(running.addr));
        let begin = Instant::now();
        while open() == before {
            assert!(begin.elapsed() < TOO_LONG, "nobody accepts");
            thread::yield_now();
        }
    }
    let [_, stderr] = running.stop();
    assert!(stderr.iter().all(|line| line.contains("closed, as the server stops")), "{stderr:?}");
}

#[test]
fn resets_at_every_stage_harm_nobody_and_are_counted() {
    let running = start(&["--workers", "2"]);
    let busy = [served(&running), served(&running)];
    // Before a worker has it: the workers are busy.
    for _ in 0..10 {
        connect(running.addr).write_all(b"?").unwrap();
    }
    drop(busy);
    for _ in 0..10 {
        // Served, and its answer unread.
        let mut client = connect(running.addr);
        client.write_all(b"?").unwrap();
        peek(&client);
        drop(client);
        // While the server writes.
        let mut client = connect(running.addr);
        client.write_all(&bytes(1 << 20)).unwrap();
        client.read_exact(&mut [0; 10]).unwrap();
        drop(client);
    }
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    let [stdout, _] = running.stop();
    let [served, shed, timed_out, _] = totals(&stdout);
    assert_eq!([served, shed, timed_out], [2 + 10 + 20 + 1, 0, 0]);
}

#[test]
fn a_client_that_never_reads_loses_its_worker() {
    let running = start(&["--workers", "1", "--idle-timeout", IDLE]);
    let mut deaf = connect(running.addr);
    // Until the server closes the connection, as it gets rid of nothing.
    while deaf.write_all(&[0; 10_000]).is_ok() {}
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    let [stdout, _] = running.stop();
    assert_eq!(totals(&stdout)[..3], [2, 0, 1]);
}

#[test]
fn a_client_that_sends_now_and_then_stays() {
    let running = start(&["--workers", "2", "--idle-timeout", "0.8"]);
    let slow = connect(running.addr);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        round_trip(&slow);
        pause(&slow, Duration::from_millis(50));
        // Meanwhile the other worker serves others.
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    }
    drop(slow);
    let [stdout, _] = running.stop();
    assert_eq!(totals(&stdout)[1..3], [0, 0]);
}

#[test]
fn half_open_and_half_closed_clients_lose_their_workers() {
    let running = start(&["--workers", "1", "--idle-timeout", IDLE]);
    // A peer that is gone without a word sends nothing any more: a server sees no more of it.
    let gone = served(&running);
    // It is there, and has said that it will send nothing.
    let done = connect(running.addr);
    done.shutdown(Shutdown::Write).unwrap();
    // It will read nothing.
    let mut deaf = connect(running.addr);
    deaf.shutdown(Shutdown::Read).unwrap();
    deaf.write_all(b"?").unwrap();
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    wait_for_the_end(&gone);
    wait_for_the_end(&done);
    let [stdout, _] = running.stop();
    let [served, shed, timed_out, _] = totals(&stdout);
    assert_eq!([served, shed], [4, 0]);
    // On some systems the third one is reset for its answer.
    assert!((1..=2).contains(&timed_out), "{stdout:?}");
}

#[test]
fn a_stop_lets_the_served_finish() {
    let mut running = start(&["--workers", "2", "--queue", "1", "--grace", "30"]);
    let (client, other) = (served(&running), served(&running));
    let waiting = connect(running.addr);
    // Too many: when it is closed, the one before it has been accepted.
    wait_for_the_end(&connect(running.addr));
    let begin = Instant::now();
    running.tell_to_stop();
    // The one that no worker has is closed. From here on it stops.
    wait_for_the_end(&waiting);
    assert_eq!(TcpStream::connect(running.addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    round_trip(&client);
    assert_eq!(exchange(&client, b"hello"), b"hello");
    drop(other);
    let [stdout, stderr] = running.end();
    assert!(begin.elapsed() < TOO_LONG);
    assert_eq!(totals(&stdout), [2, 2, 0, 1 + 1 + 1 + 5]);
    // Of the one that waited.
    assert_eq!(stderr.len(), 1, "{stderr:?}");
}

#[test]
fn a_stop_cuts_off_the_others() {
    let mut running = start(&["--workers", "2", "--grace", "0.1"]);
    let silent = served(&running);
    let flooding = served(&running);
    let sending = thread::spawn(move || {
        let mut flooding = flooding;
        while flooding.write_all(&[0; 10_000]).is_ok() {}
    });
    let begin = Instant::now();
    running.tell_to_stop();
    wait_for_the_end(&silent);
    sending.join().unwrap();
    let [stdout, stderr] = running.end();
    assert!(begin.elapsed() < TOO_LONG / 3, "the grace is a tenth of a second");
    assert_eq!(totals(&stdout)[..3], [2, 0, 0]);
    // The last words of the workers, for whom it waits.
    assert_eq!(stderr.len(), 2, "{stderr:?}");
}

#[test]
fn two_stops_are_one_and_turn_away_a_full_queue() {
    let mut running = start(&["--workers", "1", "--queue", "2", "--grace", "30"]);
    let client = served(&running);
    let waiting = [connect(running.addr), connect(running.addr)];
    // Too many: when it is closed, the others have been accepted.
    wait_for_the_end(&connect(running.addr));
    running.tell_to_stop();
    waiting.iter().for_each(wait_for_the_end);
    running.stdin.write_all(b" stop\r\n").unwrap();
    assert_eq!(exchange(&client, b"hello"), b"hello");
    let [stdout, _] = running.end();
    assert_eq!(totals(&stdout), [1, 3, 0, 6]);
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
fn the_end_of_the_input_is_said_and_no_stop() {
    let running = start(&[]);
    drop(running.stdin);
    let mut printed = lines(running.stdout).skip_while(|line| !line.starts_with("stop it: ")).skip(1);
    assert!(printed.next().unwrap().starts_with("The input has ended"));
    for _ in 0..10 {
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    }
}

#[test]
fn the_end_of_the_input_stops_it_if_asked_to() {
    let running = start(&["--stop-at-eof"]);
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    let [stdout, _] = running.end();
    assert_eq!(totals(&stdout), [1, 0, 0, 5]);
}

#[test]
fn an_unread_log_stops_neither_service_nor_end() {
    let mut running = start(&["--grace", "0.1"]);
    // Each leaves two lines, of some 60 bytes together, in a pipe that has room for about 65,536.
    for _ in 0..2000 {
        round_trip(&connect(running.addr));
    }
    running.tell_to_stop();
    assert!(running.process.end().success());
    // What was in the pipe ends where it was full, as its totals had no place there.
    let [stdout, _] = running.end();
    assert!(stdout.len() < 4000 && stdout.iter().all(|line| !line.starts_with("Served")), "{}", stdout.len());
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted() {
    let running = start(&[]);
    for _ in 0..2000 {
        round_trip(&connect(running.addr));
    }
    let [stdout, _] = running.stop();
    let [.., dropped, _] = &stdout[..] else { panic!("{stdout:?}") };
    let count = dropped.strip_suffix(" lines of this log were dropped, as nobody read them").expect(dropped);
    // Two lines for each client, and one for the stop. Beside these there are three at the start and two at the end.
    assert_eq!(stdout.len() - 5 + count.parse::<usize>().unwrap(), 2 * 2000 + 1);
    assert_eq!(totals(&stdout)[..2], [2000, 0]);
}

#[test]
fn a_client_too_many_is_closed_at_once() {
    let running = start(&["--workers", "1", "--queue", "1"]);
    let client = served(&running);
    let waiting = connect(running.addr);
    for _ in 0..10 {
        wait_for_the_end(&connect(running.addr));
    }
    round_trip(&client);
    drop(client);
    assert_eq!(exchange(&waiting, b"hello"), b"hello");
    let [stdout, _] = running.stop();
    assert_eq!(totals(&stdout), [2, 10, 0, 7]);
}

#[test]
fn closed_outputs_stop_neither_service_nor_end() {
    let Running { addr, mut stdin, stdout, stderr, mut process } =
        start(&["--workers", "1", "--idle-timeout", IDLE]);
    drop((stdout, stderr));
    for _ in 0..10 {
        assert_eq!(exchange(&connect(addr), b"hello"), b"hello");
    }
    // One that it would say something of on stderr.
    wait_for_the_end(&connect(addr));
    assert_eq!(exchange(&connect(addr), b"hello"), b"hello");
    stdin.write_all(b"stop\n").unwrap();
    assert!(process.end().success());
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    if !LINUX {
        return;
    }
    let running = start(&["--workers", "8"]);
    let pid = running.pid();
    let sockets = || fds(pid).filter(|fd| fd.starts_with("socket:")).count();
    let visit = |n: usize| {
        let client = connect(running.addr);
        if n.is_multiple_of(2) {
            round_trip(&client);
        }
    };
    let (alone, descriptors) = (sockets(), fds(pid).count());
    (0..1000).for_each(visit);
    let before = Usage::of(pid).unwrap();
    (0..10_000).for_each(visit);
    let begin = Instant::now();
    // Not more of others than before. There may have been one more at that moment, as glibc reads a file now and then.
    while sockets() != alone || fds(pid).count() > descriptors {
        assert!(begin.elapsed() < TOO_LONG, "left: {:?}", fds(pid).collect::<Vec<_>>());
        thread::yield_now();
    }
    let after = Usage::of(pid).unwrap();
    assert_eq!(after.threads, before.threads);
    assert!(after.resident_bytes < before.resident_bytes + (2 << 20), "{before:?} {after:?}");
    // Whoever is accepted is accepted in turn: after this one, all the others have been.
    visit(0);
    let [stdout, _] = running.stop();
    assert_eq!(totals(&stdout), [11_001, 0, 0, 5501]);
}

#[test]
fn a_bad_limit_is_one_line() {
    for (flag, values) in [
        ("--queue", ["0", "many", "1000001", "18446744073709551615"]),
        ("--idle-timeout", ["0", "-1", "nan", "soon"]),
        ("--grace", ["inf", "1e19", "", "1 s"]),
    ] {
        for value in values {
            let error = fail(command("resilient", &[flag, value]), 2);
            assert!(error.starts_with(&format!("error: {flag} \"{value}\": must be ")), "{error}");
        }
    }
}
