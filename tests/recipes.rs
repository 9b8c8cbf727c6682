//! The three recipes give the same service, and differ in how many clients they serve at the same time.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use support::client::{bytes, connect, exchange, round_trip};
use support::example::{fail, succeed, with_open_files};
use support::recipe::{Recipe, Running, lines};

/// Makes a module of tests for a recipe and its arguments: the tests of all recipes, and those of its kind.
macro_rules! recipe {
    ($name:ident $arguments:tt: $($own:ident),*) => {
        recipe! {
            @tests $name $arguments:
            it_says_where_it_listens_and_how_to_try_it,
            it_prints_what_the_recipe_prints,
            every_byte_comes_back,
            a_client_that_has_closed_its_half_still_gets_its_answer,
            many_clients_at_once_are_all_served_in_the_end,
            a_client_that_resets_its_connection_harms_nobody_else,
            a_closed_stdout_does_not_stop_it,
            a_want_of_descriptors_does_not_stop_it,
            the_smallest_stack_is_enough,
            help_is_printed_whatever_else_is_on_the_line,
            a_bad_argument_is_one_line_and_exit_code_2,
            an_address_in_use_is_one_line_and_exit_code_1,
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
    as_many_clients_are_served_at_the_same_time_as_it_has_workers,
    it_needs_a_worker
);

recipe!(
    manual_queue ["--workers", "4"]:
    as_many_clients_are_served_at_the_same_time_as_it_has_workers,
    it_needs_a_worker
);

recipe!(
    unbounded []:
    all_clients_are_served_at_the_same_time,
    a_failed_spawn_costs_one_connection,
    it_has_no_workers
);

/// Far more clients than a pool under test has workers. A process on macOS may start with only 256 descriptors.
const MANY: usize = if cfg!(target_os = "macos") { 100 } else { 300 };

/// Enough clients to use up such a pool, if each took a worker with it.
const SOME: usize = 10;

fn it_says_where_it_listens_and_how_to_try_it(recipe: &Recipe) {
    let running = recipe.start();
    assert!(running.addr.ip().is_loopback());
    assert_ne!(running.addr.port(), 0);
    assert_eq!(lines(running.stdout).next().unwrap(), format!("try: nc 127.0.0.1 {}", running.addr.port()));
}

fn it_prints_what_the_recipe_prints(recipe: &Recipe) {
    let running = recipe.start();
    let mut log = lines(running.stdout).skip(1);
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
    for length in [0, 1, 65_536, 65_537, 16 << 20] {
        let answer = exchange(&connect(running.addr), &bytes(length));
        assert!(answer == bytes(length), "{length} bytes");
    }
}

fn a_client_that_has_closed_its_half_still_gets_its_answer(recipe: &Recipe) {
    let running = recipe.start();
    let mut client = connect(running.addr);
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
}

fn many_clients_at_once_are_all_served_in_the_end(recipe: &Recipe) {
    let running = recipe.start();
    let clients: Vec<_> = (0..MANY).map(|_| connect(running.addr)).collect();
    for (index, mut client) in clients.iter().enumerate() {
        client.write_all(&bytes(index)).unwrap();
    }
    for (index, client) in clients.into_iter().enumerate() {
        assert_eq!(exchange(&client, b"the end"), [&bytes(index), b"the end".as_slice()].concat());
    }
}

fn a_client_that_resets_its_connection_harms_nobody_else(recipe: &Recipe) {
    let running = recipe.start();
    let mut errors = lines(running.stderr);
    let bystander = connect(running.addr);
    round_trip(&bystander);
    for _ in 0..SOME {
        let mut client = connect(running.addr);
        let peer = client.local_addr().unwrap();
        client.write_all(b"?").unwrap();
        // To close a socket with unread bytes in it resets the connection, on Linux for certain.
        assert_eq!(client.peek(&mut [0]).unwrap(), 1);
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

fn a_want_of_descriptors_does_not_stop_it(recipe: &Recipe) {
    if cfg!(not(unix)) {
        return;
    }
    let running = Running::start(with_open_files(20, &recipe.command()));
    let clients: Vec<_> = (0..40).map(|_| connect(running.addr)).collect();
    let error = lines(running.stderr).next().unwrap();
    assert!(error.starts_with("error: accepting a connection: "), "{error}");
    drop(clients);
    assert_eq!(exchange(&connect(running.addr), b"hello"), b"hello");
}

fn the_smallest_stack_is_enough(recipe: &Recipe) {
    let mut command = recipe.command();
    command.arg("--stack-size=32768");
    let running = Running::start(command);
    assert!(exchange(&connect(running.addr), &bytes(65_537)) == bytes(65_537));
}

/// A command that runs it with `arguments`.
fn command(recipe: &Recipe, arguments: &[&str]) -> Command {
    let mut command = recipe.command();
    command.args(arguments);
    command
}

fn help_is_printed_whatever_else_is_on_the_line(recipe: &Recipe) {
    for arguments in [["--help"].as_slice(), &["--addr", "nowhere", "--help"], &["--help", "--bogus"]] {
        let usage = succeed(command(recipe, arguments));
        for word in [recipe.name, "--addr IP:PORT", "127.0.0.1:15000", "--stack-size BYTES", "--help"] {
            assert!(usage.contains(word), "{word} is not in:\n{usage}");
        }
    }
}

fn a_bad_argument_is_one_line_and_exit_code_2(recipe: &Recipe) {
    for (arguments, said) in [
        (["--addr"].as_slice(), "--addr: needs a value"),
        (&["--addr", "--stack-size", "65536"], "--addr: needs a value"),
        (&["--addr", "nowhere"], "--addr nowhere: invalid socket address"),
        (&["--addr=127.0.0.1"], "--addr 127.0.0.1: invalid socket address"),
        (&["--addr="], "--addr : invalid socket address"),
        (&["--addr", "two\nlines"], r"--addr two\nlines: invalid socket address"),
        (&["--stack-size", "32767"], "--stack-size 32767: must be a whole number from 32768 to "),
        (&["--stack-size", "-1"], "--stack-size -1: must be a whole number from 32768 to "),
        (&["--stack-size=64k"], "--stack-size 64k: must be a whole number from 32768 to "),
        (&["--bogus"], "--bogus: unknown argument"),
        (&["stray"], "stray: unknown argument"),
    ] {
        let error = fail(command(recipe, arguments), 2);
        assert!(error.starts_with(&format!("error: {said}")), "{arguments:?}: {error}");
    }
}

fn an_address_in_use_is_one_line_and_exit_code_1(recipe: &Recipe) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for arguments in [["--addr", &addr].as_slice(), &[&format!("--addr={addr}")]] {
        let error = fail(command(recipe, arguments), 1);
        assert!(error.contains(&addr), "{error}");
    }
}

fn its_process_ends_with_its_test(recipe: &Recipe) {
    let addr = recipe.start().addr;
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

fn all_clients_are_served_at_the_same_time(recipe: &Recipe) {
    let running = recipe.start();
    let clients: Vec<_> = (0..MANY).map(|_| connect(running.addr)).collect();
    for _ in 0..2 {
        clients.iter().for_each(round_trip);
    }
}

fn a_failed_spawn_costs_one_connection(recipe: &Recipe) {
    // No machine has room for this stack.
    let size = usize::MAX / 4;
    let mut command = recipe.command();
    command.arg(format!("--stack-size={size}"));
    let running = Running::start(command);
    let mut errors = lines(running.stderr);
    for _ in 0..SOME {
        let mut client = connect(running.addr);
        let peer = client.local_addr().unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let error = errors.next().unwrap();
        assert!(error.starts_with(&format!("error: {peer}: ")), "{error}");
    }
}

fn it_has_no_workers(recipe: &Recipe) {
    assert!(fail(command(recipe, &["--workers", "4"]), 2).starts_with("error: --workers: unknown argument"));
}

fn as_many_clients_are_served_at_the_same_time_as_it_has_workers(recipe: &Recipe) {
    let workers = recipe.arguments.last().unwrap().parse().unwrap();
    let running = recipe.start();
    let mut served: Vec<_> = (0..workers).map(|_| connect(running.addr)).collect();
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

fn it_needs_a_worker(recipe: &Recipe) {
    let error = fail(command(recipe, &["--workers", "0"]), 2);
    assert!(error.starts_with("error: --workers 0: "), "{error}");
}
