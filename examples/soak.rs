//! Good and bad clients, for as long as you like, and an account of every byte.
//!
//! ```console
//! $ cargo run --release --example soak -- --seconds 3600
//! ```
//!
//! The server is the example `resilient`, with a bounded queue and an idle timeout, in a process of its own. An honest
//! client sends pieces of all sizes and compares what comes back. Turned away, it tries again. Anything else that it sees
//! is an error of the server, and so is an account that doesn't close: each connection was served or shed, once.

#![expect(clippy::unnecessary_wraps, reason = "all kinds of clients have one signature")]

mod support;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use pool_recipes::{Executor, as_completed};

use support::arguments::Arguments;
use support::log;
use support::server::Server;
use support::table::table;

/// The server's limits. The idle timeout is long enough for an honest client that must wait for a core.
const LIMITS: [&str; 7] = ["--workers", "8", "--queue", "4", "--idle-timeout", "1", "--stop-at-eof"];

/// How long a client waits at most, which is far longer than the server should let it wait.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a client does, and how many do so at a time.
const CLIENTS: [(&str, usize, Client); 5] = [
    ("honest", 6, honest),
    ("silent until it is closed", 4, silent),
    ("sends and never reads", 1, deaf),
    ("resets, its answer unread", 2, reset),
    ("connects and goes", 1, gone),
];

/// Has one conversation: how many bytes came back as they should, or nothing if it was turned away.
type Client = fn(TcpStream, seed: u64) -> io::Result<Option<u64>>;

fn main() -> ExitCode {
    log::outcome(soak())
}

fn soak() -> Result<(), Box<dyn Error>> {
    let mut arguments =
        Arguments::new("Runs good and bad clients against a server, and accounts for every byte.");
    let time = arguments.number_or(10.0, "--seconds N", "how long they come", 0.001..=1e9);
    arguments.finish();

    // Dropped after the server, without which its tasks fail. So nothing waits here for clients that go on.
    let pool = Executor::new(CLIENTS.iter().map(|(_, count, _)| *count).sum())?;
    let mut server = Server::start("resilient", &LIMITS)?;
    let addr = server.addr;
    log::print(format!(
        "{} clients come to resilient for {time} s, and go when it lets them.\n",
        pool.workers()
    ))?;
    let end = Instant::now() + Duration::from_secs_f64(time);
    let mut clients = Vec::new();
    for (kind, (_, count, client)) in CLIENTS.into_iter().enumerate() {
        for seed in 0..count {
            clients.push(
                pool.submit(move || converse(addr, client, seed as u64, end).map(|account| (kind, account))),
            );
        }
    }
    let mut accounts = CLIENTS.map(|_| Account::default());
    for client in as_completed(clients) {
        let (kind, account) = client.result()??;
        accounts[kind].add(&account);
    }
    // Clients are accepted in turn: after this one, all the others have been.
    accounts[0].add(&converse(addr, honest, 0, Instant::now())?);
    // Its input ends here, which stops it. Its last line has its totals.
    drop(server.process.stdin.take());
    settle(&accounts, &server.stdout.recv()?)
}

/// Prints the account, and says so if it doesn't close.
fn settle(accounts: &[Account], totals: &str) -> Result<(), Box<dyn Error>> {
    let titles = ["client", "connections", "turned away", "bytes that came back"];
    let mut rows = vec![titles.map(str::to_owned)];
    let mut sum = Account::default();
    for ((name, ..), account) in CLIENTS.iter().zip(accounts) {
        let figures =
            [account.connections, account.turned_away, account.bytes].map(|figure| figure.to_string());
        let [connections, turned_away, bytes] = figures;
        rows.push([(*name).to_owned(), connections, turned_away, bytes]);
        sum.add(account);
    }
    log::print(table(&rows))?;
    log::print(totals)?;

    let words = totals.split(|char: char| !char.is_ascii_digit());
    let figures: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
    let [served, shed, _, written] = figures[..] else { return Err("the server prints no totals".into()) };
    let Account { connections, turned_away, bytes } = sum;
    if connections != served + shed {
        return Err(format!("{connections} have connected, and {} are accounted for", served + shed).into());
    }
    if turned_away > shed {
        return Err(format!("{turned_away} got no answer, and only {shed} were shed").into());
    }
    if bytes > written {
        return Err(format!("{bytes} bytes came back, and only {written} were written").into());
    }
    Ok(())
}

/// What clients have seen.
#[derive(Default)]
struct Account {
    connections: u64,
    turned_away: u64,
    bytes: u64,
}

impl Account {
    fn add(&mut self, other: &Account) {
        self.connections += other.connections;
        self.turned_away += other.turned_away;
        self.bytes += other.bytes;
    }
}

/// Has one conversation after the other, at least one, until the time is over or one goes wrong.
fn converse(addr: SocketAddr, client: Client, mut seed: u64, end: Instant) -> io::Result<Account> {
    let mut account = Account::default();
    loop {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        account.connections += 1;
        if let Some(bytes) = client(stream, seed)? {
            account.bytes += bytes;
        } else {
            account.turned_away += 1;
            thread::sleep(Duration::from_millis(10));
        }
        if Instant::now() >= end {
            return Ok(account);
        }
        seed = random(seed);
    }
}

/// Knuth's generator, which gives each conversation other pieces.
fn random(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// Every byte comes back, once and in order, and then the end.
fn honest(mut stream: TcpStream, mut seed: u64) -> io::Result<Option<u64>> {
    let mut back = 0;
    for _ in 0..20 {
        seed = random(seed);
        let piece: Vec<_> = (0..seed >> 48).map(|n| (seed ^ (n * n)).to_le_bytes()[0]).collect();
        let mut answer = vec![0; piece.len()];
        if let Err(error) = stream.write_all(&piece).and_then(|()| stream.read_exact(&mut answer)) {
            // Turned away before it was served. Later, nothing may fail.
            return if back == 0 { Ok(None) } else { Err(error) };
        }
        if answer != piece {
            return Err(io::Error::other(format!("other bytes came back after the first {back}")));
        }
        back += piece.len() as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    match stream.read(&mut [0])? {
        0 => Ok(Some(back)),
        _ => Err(io::Error::other(format!("more than the {back} bytes came back"))),
    }
}

fn silent(mut stream: TcpStream, _seed: u64) -> io::Result<Option<u64>> {
    // The end, or a reset.
    let _ = stream.read(&mut [0]);
    Ok(Some(0))
}

fn deaf(mut stream: TcpStream, _seed: u64) -> io::Result<Option<u64>> {
    // Until the server has had enough.
    while stream.write(&[0; 10_000]).is_ok() {}
    Ok(Some(0))
}

fn reset(mut stream: TcpStream, _seed: u64) -> io::Result<Option<u64>> {
    // To close a connection with something unread resets it.
    let _ = stream.write(b"?").and_then(|_| stream.peek(&mut [0]));
    thread::sleep(Duration::from_millis(1));
    Ok(Some(0))
}

fn gone(_stream: TcpStream, _seed: u64) -> io::Result<Option<u64>> {
    thread::sleep(Duration::from_millis(1));
    Ok(Some(0))
}
