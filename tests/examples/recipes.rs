//! The three recipes give the same service, and differ in how many clients they serve at the same time.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::client::{bytes, connect, exchange, pause, peek, round_trip};
use crate::support::example::{fail, succeed, with_open_files};
use crate::support::server::{Running, command, lines};

/// A recipe, and the arguments it is tested with.
struct Recipe {
    name: &'static str,
    arguments: &'static [&'static str],
}

impl Recipe {
    /// A command that runs it.
    fn command(&self, arguments: &[&str]) -> Command {
        command(self.name, &[self.arguments, arguments].concat())
    }

    /// Runs it on a free port.
    fn start(&self) -> Running {
        Running::start(self.command(&[]))
    }
}

/// Makes a module of tests for a recipe and its arguments: the tests of all recipes, and those of its kind.
macro_rules! recipe {
    ($name:ident $arguments:tt: $($own:ident),*) => {
        recipe! {
            @tests $name $arguments:
            says_where_it_listens_and_how_to_try_it,
            prints_what_the_recipe_prints,
            every_byte_comes_back,
            a_closed_half_still_gets_its_answer,
            many_clients_are_all_served,
            a_reset_harms_nobody_else,
            a_closed_stdout_does_not_stop_it,
            want_of_descriptors_is_said_once_and_survived,
            the_smallest_stack_is_enough,
            help_wins_over_the_rest_of_the_line,
            a_bad_argument_is_one_line,
            a_taken_address_is_one_line,
            its_process_ends_with_its_test,
            $($own),*
        }
    };
    (@tests $name:ident $arguments:tt: $($test:ident),*) => {
        mod $name {
            const RECIPE: super::Recipe = super::Recipe { name: stringify!($name), arguments: &$arguments };

            $(
                #[test]
                fn $test() {
                    super::$test(&RECIPE);
                }
            )*
        }
    };
}

recipe!(
    executor ["--workers", "4"]:
    as_many_clients_are_served_as_it_has_workers,
    it_has_from_one_to_ten_thousand_workers,
    a_refused_worker_is_one_line
);

recipe!(
    manual_queue ["--workers", "4"]:
    as_many_clients_are_served_as_it_has_workers,
    it_has_from_one_to_ten_thousand_workers,
    a_refused_worker_is_one_line
);

recipe!(
    unbounded []:
    all_clients_are_served_at_the_same_time,
    a_refused_thread_costs_one_connection,
    it_has_no_workers
);

/// Far more clients than a pool under test has workers. A process on macOS may start with only 256 descriptors.
const MANY: usize = if cfg!(target_os = "macos") { 100 } else { 300 };

/// Enough clients to use up such a pool, if each took a worker with it.
const SOME: usize = 10;

fn says_where_it_listens_and_how_to_try_it(recipe: &Recipe) {
    let running = recipe.start();
    assert!(running.addr.ip().is_loopback());
    let port = running.addr.port();
    assert_ne!(port, 0);
    let said: Vec<_> = lines(running.stdout).take(3).collect();
    assert_eq!([&*said[0], &said[2]], [&*format!("try it: nc 127.0.0.1 {port}"), "stop it: Ctrl-C"]);
    let python = said[1].trim_start().strip_prefix("or: ").unwrap();
    assert!(python.starts_with("python3 -c \"") && python.contains(&port.to_string()), "{python}");
    if cfg!(unix) && Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok() {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {python}")]);
        assert_eq!(succeed(shell), "b'hi'\n");
    }
}

fn prints_what_the_recipe_prints(recipe: &Recipe) {
    let running = recipe.start();
    let mut log = lines(running.stdout).skip(3);
    let clients = [(); 2].map(|()| {
        let client = connect(running.addr);
        round_trip(&client);
        assert_eq!(log.next().unwrap(), format!("Got connection from {}", client.local_addr().unwrap()));
        client
    });
    for client in clients {
        drop(client);
        assert_eq!(log.next().unwrap(), "Client closed connection");
    }
}

fn every_byte_comes_back(recipe: &Recipe) {
    let running = recipe.start();
    for length in [0, 1, 65_536, 65_537, 4 << 20] {
        let answer = exchange(&connect(running.addr), &bytes(length));
        assert!(answer == bytes(length), "{length} bytes");
    }
}

fn a_closed_half_still_gets_its_answer(recipe: &Recipe) {
    let running = recipe.start();
    let mut client = connect(running.addr);
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
}

fn many_clients_are_all_served(recipe: &Recipe) {
    let running = recipe.start();
    let clients = running.clients(MANY);
    for (index, mut client) in clients.iter().enumerate() {
        client.write_all(&bytes(index)).unwrap();
    }
    for (index, client) in clients.into_iter().enumerate() {
        assert_eq!(exchange(&client, b"the end"), [&bytes(index), b"the end".as_slice()].concat());
    }
}

fn a_reset_harms_nobody_else(recipe: &Recipe) {
    let running = recipe.start();
    let mut errors = lines(running.stderr);
    let bystander = connect(running.addr);
    round_trip(&bystander);
    for _ in 0..SOME {
        let mut client = connect(running.addr);
        let peer = client.local_addr().unwrap();
        client.write_all(b"?").unwrap();
        // To close a socket with unread bytes in it resets the connection, on Linux for certain.
        peek(&client);
        drop(client);
        if cfg!(target_os = "linux") {
            let error = errors.next().unwrap();
            assert!(error.starts_with(&format!("error: {peer}: ")), "{error}");
        }
    }
    round_trip(&bystander);
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
}

fn a_closed_stdout_does_not_stop_it(recipe: &Recipe) {
    let running = recipe.start();
    drop(running.stdout);
    for _ in 0..SOME {
        assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
    }
}

fn want_of_descriptors_is_said_once_and_survived(recipe: &Recipe) {
    if cfg!(not(unix)) {
        return;
    }
    let mut running = Running::start(with_open_files(20, &recipe.command(&[])));
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
    let [_, errors] = running.kill();
    let wants = errors.iter().filter(|line| line.contains("rror: accepting a connection: "));
    assert_eq!(wants.count(), 1, "{errors:?}");
}

fn the_smallest_stack_is_enough(recipe: &Recipe) {
    let running = Running::start(recipe.command(&["--stack-size", "32768"]));
    assert!(exchange(&connect(running.addr), &bytes(65_537)) == bytes(65_537));
}

fn help_wins_over_the_rest_of_the_line(recipe: &Recipe) {
    for arguments in [["--help"].as_slice(), &["-h"], &["--addr", "nowhere", "--help"], &["-h", "--bogus"]] {
        let usage = succeed(recipe.command(arguments));
        for word in [recipe.name, "--addr IP:PORT", "127.0.0.1:15000", "--stack-size BYTES", "-h, --help"] {
            assert!(usage.contains(word), "{word} is not in:\n{usage}");
        }
    }
}

fn a_bad_argument_is_one_line(recipe: &Recipe) {
    let addr = "must be an IP address and a port, such as ";
    let stack = "must be a whole number from 32768 to ";
    for (arguments, said) in [
        (["--addr"].as_slice(), "--addr needs a value"),
        (&["--addr", "localhost:15000"], &*format!("--addr \"localhost:15000\": {addr}")),
        (&["--addr", "127.0.0.1"], &format!("--addr \"127.0.0.1\": {addr}")),
        (&["--addr", ""], &format!("--addr \"\": {addr}")),
        (&["--addr", "two\nlines"], &format!(r#"--addr "two\nlines": {addr}"#)),
        (&["--stack-size", "1000"], &format!("--stack-size \"1000\": {stack}")),
        (&["--stack-size", "32767"], &format!("--stack-size \"32767\": {stack}")),
        (&["--stack-size", "-1"], &format!("--stack-size \"-1\": {stack}")),
        (&["--stack-size", "64k"], &format!("--stack-size \"64k\": {stack}")),
        (&["--addr", "[::1]:0", "--addr", "[::1]:0"], "unexpected argument \"--addr\""),
        (&["--bogus"], "unexpected argument \"--bogus\""),
        (&["stray"], "unexpected argument \"stray\""),
        (&[""], "unexpected argument \"\""),
    ] {
        let error = fail(recipe.command(arguments), 2);
        assert!(error.starts_with(&format!("error: {said}")), "{arguments:?}: {error}");
    }
}

fn a_taken_address_is_one_line(recipe: &Recipe) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let error = fail(recipe.command(&["--addr", &addr]), 1);
    assert!(error.starts_with(&format!("error: can't listen on {addr}: ")), "{error}");
}

fn its_process_ends_with_its_test(recipe: &Recipe) {
    let addr = recipe.start().addr;
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

fn all_clients_are_served_at_the_same_time(recipe: &Recipe) {
    let running = recipe.start();
    let clients = running.clients(MANY);
    for _ in 0..2 {
        clients.iter().for_each(round_trip);
    }
}

/// No machine has room for this stack.
const TOO_LARGE: usize = usize::MAX / 4;

fn a_refused_thread_costs_one_connection(recipe: &Recipe) {
    let running = Running::start(recipe.command(&["--stack-size", &TOO_LARGE.to_string()]));
    let mut errors = lines(running.stderr);
    for _ in 0..SOME {
        let mut client = connect(running.addr);
        let peer = client.local_addr().unwrap();
        assert_eq!(client.read_to_end(&mut Vec::new()).unwrap(), 0);
        let error = errors.next().unwrap();
        assert!(error.starts_with(&format!("error: {peer}: no thread for this client: ")), "{error}");
    }
}

fn it_has_no_workers(recipe: &Recipe) {
    let error = fail(recipe.command(&["--workers", "4"]), 2);
    assert!(error.starts_with("error: unexpected argument \"--workers\""), "{error}");
}

fn as_many_clients_are_served_as_it_has_workers(recipe: &Recipe) {
    let running = recipe.start();
    let mut served: Vec<_> = (0..4).map(|_| connect(running.addr)).collect();
    served.iter().for_each(round_trip);
    let mut extra = connect(running.addr);
    extra.write_all(b"?").unwrap();
    // A worker too many would serve the extra client meanwhile.
    for _ in 0..100 {
        served.iter().for_each(round_trip);
    }
    served.pop();
    assert_eq!(exchange(&extra, b"!"), b"?!");
    let got_extra = format!("Got connection from {}", extra.local_addr().unwrap());
    let before: Vec<_> = lines(running.stdout).take_while(|line| *line != got_extra).collect();
    assert!(before.iter().any(|line| line == "Client closed connection"), "{before:?}");
}

fn it_has_from_one_to_ten_thousand_workers(recipe: &Recipe) {
    for workers in ["0", "10001", "-1", "1.5", "many"] {
        let error = fail(command(recipe.name, &["--workers", workers]), 2);
        let said = format!("error: --workers \"{workers}\": must be a whole number from 1 to 10000\n");
        assert_eq!(error, said);
    }
}

fn a_refused_worker_is_one_line(recipe: &Recipe) {
    let arguments = ["--addr", "127.0.0.1:0", "--stack-size", &TOO_LARGE.to_string()];
    let error = fail(recipe.command(&arguments), 1);
    assert!(error.starts_with("error: could not start "), "{error}");
    // All threads start before it says that it listens.
    assert_eq!(recipe.command(&arguments).output().unwrap().stdout, b"");
}

#[test]
fn fetch_url_fetches_both_pages() {
    let output = succeed(command("fetch_url", &[]));
    assert!(output.contains(" bytes and ") && output.contains("each page takes 0.3 s"), "{output}");
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
