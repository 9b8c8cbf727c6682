//! The three recipes, and `resilient`, give the same service. They differ in how many clients they serve at a time.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::client::{bytes, connect, exchange, pause, peek, rest, round_trip, served};
use crate::support::example::succeed;
use crate::support::process::limited;
use crate::support::server::{Running, command, lines};

/// The servers, those with a pool first.
pub const SERVERS: [&str; 4] = ["executor", "manual_queue", "resilient", "unbounded"];

/// Tests servers at the same time, each on a thread with its name, which a failure shows.
fn each(names: &[&str], test: fn(&str)) {
    thread::scope(|scope| {
        for name in names {
            let thread = thread::Builder::new().name((*name).to_owned());
            thread.spawn_scoped(scope, || test(name)).unwrap();
        }
    });
}

/// A command that runs a server, with four workers if it has a pool.
fn small(name: &str, arguments: &[&str]) -> Command {
    let workers: &[_] = if name == "unbounded" { &[] } else { &["--workers", "4"] };
    command(name, &[workers, arguments].concat())
}

fn start(name: &str) -> Running {
    Running::start(small(name, &[]))
}

/// Enough clients to use up a pool under test, if each took a worker with it.
const SOME: usize = 10;

/// Far more clients than such a pool has workers, and fewer than a backlog has room for.
const MANY: usize = 100;

#[test]
fn it_says_where_it_listens() {
    each(&SERVERS, |name| {
        let running = start(name);
        let port = running.addr.port();
        assert!(running.addr.ip().is_loopback() && port != 0);
        let said: Vec<_> = lines(running.stdout).take(3).collect();
        let stop = if name == "resilient" { "type stop and press Enter" } else { "Ctrl-C" };
        assert_eq!(said[0], format!("try it: nc 127.0.0.1 {port}"));
        assert_eq!(said[2], format!("stop it: {stop}"));
        let python = said[1].strip_prefix("    or: ").unwrap();
        assert!(python.starts_with("python3 -c \"") && python.contains(&port.to_string()), "{python}");
        if cfg!(unix) && Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok() {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("exec {python}")]);
            assert_eq!(succeed(shell), "b'hi'\n");
        }
        // And its process ends with its test.
        drop(running.process);
        assert_eq!(TcpStream::connect(running.addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn it_prints_what_the_recipe_prints() {
    each(&SERVERS, |name| {
        let running = start(name);
        let mut log = lines(running.stdout).skip(3);
        let clients = [(); 2].map(|()| {
            let client = served(running.addr);
            assert_eq!(log.next().unwrap(), format!("Got connection from {}", client.local_addr().unwrap()));
            client
        });
        for client in clients {
            drop(client);
            assert_eq!(log.next().unwrap(), "Client closed connection");
        }
    });
}

#[test]
fn every_byte_comes_back_on_the_smallest_stack() {
    each(&SERVERS, |name| {
        let running = Running::start(small(name, &["--stack-size", "32768"]));
        for length in [0, 1, 65_536, 65_537, 1 << 20] {
            let answer = exchange(&connect(running.addr), &bytes(length));
            assert!(answer == bytes(length), "{length} bytes");
        }
    });
}

#[test]
fn a_pool_serves_one_client_a_worker() {
    each(&SERVERS[..3], |name| {
        let running = start(name);
        let served: Vec<_> = (0..4).map(|_| served(running.addr)).collect();
        let waiting: Vec<_> = (0..MANY).map(|_| connect(running.addr)).collect();
        for (index, mut client) in waiting.iter().enumerate() {
            client.write_all(&bytes(index)).unwrap();
        }
        // A worker too many would serve one of them meanwhile.
        for _ in 0..100 {
            served.iter().for_each(round_trip);
        }
        drop(served);
        let next = format!("Got connection from {}", waiting[0].local_addr().unwrap());
        // And the others in turn.
        for (index, client) in waiting.iter().enumerate() {
            assert_eq!(exchange(client, b"the end"), [&bytes(index), b"the end".as_slice()].concat());
        }
        let before: Vec<_> = lines(running.stdout).take_while(|line| *line != next).collect();
        assert!(before.iter().any(|line| line == "Client closed connection"), "{before:?}");
    });
}

#[test]
fn unbounded_serves_all_at_the_same_time() {
    let running = start("unbounded");
    let clients: Vec<_> = (0..MANY).map(|_| connect(running.addr)).collect();
    for _ in 0..2 {
        clients.iter().for_each(round_trip);
    }
}

#[test]
fn a_refused_thread_costs_one_connection() {
    // No machine has room for this stack.
    let running = Running::start(small("unbounded", &["--stack-size", &(usize::MAX / 4).to_string()]));
    let mut errors = lines(running.stderr);
    for _ in 0..SOME {
        let client = connect(running.addr);
        let peer = client.local_addr().unwrap();
        assert_eq!(rest(&client), b"");
        let error = errors.next().unwrap();
        assert!(error.starts_with(&format!("error: {peer}: no thread for this client: ")), "{error}");
    }
}

/// A client that resets its connection, on Linux for certain: it closes its socket with something in it unread. Returns
/// whom the server has seen.
fn reset(addr: SocketAddr, length: usize) -> SocketAddr {
    let mut client = connect(addr);
    client.write_all(&bytes(length)).unwrap();
    peek(&client);
    client.local_addr().unwrap()
}

#[test]
fn a_reset_harms_nobody_else() {
    each(&SERVERS, |name| {
        let running = start(name);
        let mut errors = lines(running.stderr);
        let bystander = served(running.addr);
        // The server reads on, or is still writing.
        for length in [1, 1 << 20].repeat(SOME / 2) {
            let peer = reset(running.addr, length);
            if cfg!(target_os = "linux") {
                let error = errors.next().unwrap();
                assert!(error.starts_with(&format!("error: {peer}: ")), "{error}");
            }
        }
        round_trip(&bystander);
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    });
}

#[test]
fn closed_outputs_do_not_stop_it() {
    each(&SERVERS, |name| {
        let running = start(name);
        drop((running.stdout, running.stderr));
        for _ in 0..SOME {
            reset(running.addr, 1);
            assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
        }
    });
}

#[cfg(unix)]
#[test]
fn want_of_descriptors_is_said_once_and_survived() {
    each(&SERVERS, |name| {
        let mut running = Running::start(limited("-n 20", &small(name, &[])));
        let mut clients: Vec<_> = (0..40).map(|_| connect(running.addr)).collect();
        let mut first = [0];
        running.stderr.read_exact(&mut first).unwrap();
        // The loop that accepts runs on the main thread. It has a fifth of a second, and should sleep.
        let busy = || {
            let stat = fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", running.pid())).ok();
            stat.map(|stat| Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap()))
        };
        let before = busy();
        pause(&clients[0], Duration::from_millis(200));
        if let (Some(before), Some(after)) = (before, busy()) {
            assert!(after < before + Duration::from_millis(50), "{before:?} {after:?}");
        }
        // Each client that leaves gives a descriptor back, which the next one takes: a want that comes and goes.
        for _ in 0..20 {
            drop(clients.remove(0));
            round_trip(&clients[0]);
        }
        drop(clients);
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
        drop(running.process);
        let errors: Vec<_> = lines(running.stderr).collect();
        let wants = errors.iter().filter(|line| line.contains("rror: accepting a connection: "));
        assert_eq!(wants.count(), 1, "{errors:?}");
    });
}

#[test]
fn fetch_url_asks_for_all_urls_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        // No page comes before both are asked for.
        for mut client in [(); 2].map(|()| listener.accept().unwrap().0) {
            assert_ne!(client.read(&mut [0; 4096]).unwrap(), 0);
            client.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").unwrap();
        }
    });
    let output = succeed(command("fetch_url", &[&url, &url]));
    assert_eq!(output, format!("{url}: 5 bytes\n").repeat(2));
    serving.join().unwrap();
}

#[test]
fn fetch_url_fails_if_a_page_does() {
    let output = command("fetch_url", &["https://example.com/", "nonsense"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.lines().count(), 3, "{errors}");
    assert!(errors.ends_with("error: 2 could not be fetched\n"), "{errors}");
}
