//! Good and bad clients, for as long as you like, and an account of every byte.
//!
//! ```console
//! $ cargo run --release --example soak -- --seconds 3600
//! ```
//!
//! A pool with a bounded queue and an idle timeout serves them in this process. An honest client sends pieces of all
//! sizes and compares what comes back. Turned away, it tries again. Anything else that it sees is an error of the server,
//! and so is an account that doesn't close: each connection was served or shed, once.

#![expect(clippy::unnecessary_wraps, reason = "all kinds of clients have one signature")]

mod support;

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use pool_recipes::Executor;
use pool_recipes::net::{Connections, Server, Totals, echo};
use support::arguments::{Arguments, Seconds};
use support::log;
use support::table::{Table, number};

/// Long enough for an honest client that must wait for a core.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

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
    let Seconds(time) =
        arguments.value("--seconds N", "how long they come", Seconds(Duration::from_secs(10)));
    arguments.finish();

    let connections = Connections::new(Some(IDLE_TIMEOUT));
    let pool = Executor::builder().workers(8).queue_capacity(4).build()?;
    let server = Server::bind("127.0.0.1:0")?;
    let (target, stopper) = (&Target { addr: server.local_addr(), shed: Mutex::default() }, server.stopper());
    let accounts = CLIENTS.map(|_| Account::default());
    let end = Instant::now() + time;
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            server.serve(|stream, peer| {
                let mut connection = connections.add(stream);
                // What goes wrong with a bad client is no news, and an honest one looks for itself.
                if let Err(full) = pool.try_submit(move || _ = echo(&mut connection)) {
                    // Before its connection is dropped, which the client may notice at once.
                    target.shed().insert(peer);
                    drop(full);
                }
            })
        });
        let clients: Vec<_> = (CLIENTS.iter().zip(&accounts))
            .flat_map(|((_, count, client), account)| {
                (0..*count)
                    .map(move |seed| scope.spawn(move || account.fill(target, *client, seed as u64, end)))
            })
            .collect();
        let outcomes: Vec<_> =
            clients.into_iter().map(|client| client.join().expect("no client panics")).collect();
        // Whoever is accepted is accepted in turn: after this one, all the others have been.
        let last = accounts[0].fill(target, honest, 0, Instant::now());
        // Should the system have no port left for the wake-up, it has some in a minute.
        while let Err(error) = stopper.stop() {
            log::error(format_args!("can't stop yet: {error}"));
            thread::sleep(Duration::from_secs(1));
        }
        serving.join().expect("the handler doesn't panic")?;
        outcomes.into_iter().chain([last]).collect::<io::Result<()>>()
    })?;
    connections.close(IDLE_TIMEOUT);
    pool.shutdown();
    settle(&accounts, connections.totals())
}

/// Prints the account, and says so if it doesn't close.
fn settle(accounts: &[Account], totals: Totals) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(["client", "connections", "turned away", "bytes that came back"]);
    for ((name, ..), account) in CLIENTS.iter().zip(accounts) {
        let Account { connections, turned_away, bytes } = account;
        let cells = [connections, turned_away, bytes].map(|count| number(count.load(Ordering::Relaxed), 0));
        let [connections, turned_away, bytes] = cells;
        table.row([(*name).to_owned(), connections, turned_away, bytes]);
    }
    let Totals { served, shed, timed_out, written, .. } = totals;
    log::line(format_args!(
        "{table}\nThe server served {served} and shed {shed}; {timed_out} timed out; it wrote {written} bytes."
    ));
    let sum = |count: fn(&Account) -> &AtomicU64| -> u64 {
        accounts.iter().map(|account| count(account).load(Ordering::Relaxed)).sum()
    };
    let connected = sum(|account| &account.connections);
    if connected != served + shed {
        return Err(format!("{connected} have connected, and {} are accounted for", served + shed).into());
    }
    let back = sum(|account| &account.bytes);
    if back > written {
        return Err(format!("{back} bytes came back, and only {written} were written").into());
    }
    Ok(())
}

/// The server, and whom it has turned away.
struct Target {
    addr: SocketAddr,
    /// Each until its client looks.
    shed: Mutex<HashSet<SocketAddr>>,
}

impl Target {
    fn shed(&self) -> MutexGuard<'_, HashSet<SocketAddr>> {
        self.shed.lock().expect("nothing panics under the lock")
    }
}

/// What clients of one kind have seen.
#[derive(Default)]
struct Account {
    connections: AtomicU64,
    turned_away: AtomicU64,
    bytes: AtomicU64,
}

impl Account {
    /// Has one conversation after the other, at least one, until the time is over or one goes wrong.
    fn fill(&self, target: &Target, client: Client, mut seed: u64, end: Instant) -> io::Result<()> {
        loop {
            let stream = TcpStream::connect(target.addr)?;
            let here = stream.local_addr()?;
            stream.set_read_timeout(Some(5 * IDLE_TIMEOUT))?;
            stream.set_write_timeout(Some(5 * IDLE_TIMEOUT))?;
            self.connections.fetch_add(1, Ordering::Relaxed);
            let answer = client(stream, seed)?;
            let was_shed = target.shed().remove(&here);
            if let Some(bytes) = answer {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            } else if !was_shed {
                return Err(io::Error::other("a client got no answer, and there was room for it"));
            } else {
                self.turned_away.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
            if Instant::now() >= end {
                return Ok(());
            }
            seed = random(seed);
        }
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
