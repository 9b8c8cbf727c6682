//! Who is connected: how long each may idle, how many there were, and how they all come to an end.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The connections of a server, from the accept to the close of each.
///
/// The accept loop [adds](Self::add) a connection and hands it on, to be read and written by whoever serves
/// it. Its first read or write is where serving begins. One that is dropped before, for instance because a
/// queue had no place for it, is *shed*.
///
/// # Examples
///
/// A pool that serves one client at a time, lets one more wait, and waits for none longer than a second:
///
/// ```
/// use pool_recipes::Executor;
/// use pool_recipes::net::{Connections, Server, echo};
/// use std::io::Read;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// let connections = Connections::new(Some(Duration::from_secs(1)));
/// let pool = Executor::builder().workers(1).queue_capacity(1).build().unwrap();
/// let server = Server::bind("127.0.0.1:0")?;
/// let stopper = server.stopper();
/// let clients: Vec<_> =
///     (0..3).map(|_| TcpStream::connect(server.local_addr())).collect::<Result<_, _>>()?;
///
/// let mut accepted = 0;
/// server.serve(|stream, _peer| {
///     let mut connection = connections.add(stream);
///     // Drops the handle; or, if the queue is full, the task, and with it the connection.
///     drop(pool.try_submit(move || echo(&mut connection)));
///     accepted += 1;
///     if accepted == clients.len() {
///         stopper.stop().unwrap();
///     }
/// })?;
///
/// // All three are silent. Who is being served may go on for a while, and nobody else.
/// connections.close(Duration::from_millis(50));
/// pool.shutdown();
/// let totals = connections.totals();
/// assert_eq!(totals.served + totals.shed, 3);
/// assert_eq!((&clients[2]).read(&mut [0])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Connections {
    /// Shared with every connection, which strikes itself off at its end.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Set on a connection when serving begins: what waits for a worker isn't idle.
    idle_timeout: Option<Duration>,
    /// Never held while a socket is read, written or closed, all of which can wait.
    ledger: Mutex<Ledger>,
    /// Signalled when a connection that was served is closed, which [`Connections::close`] waits for.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Ledger {
    /// Open, and not yet read or written.
    waiting: HashMap<u64, Arc<TcpStream>>,
    /// Open, and being served.
    served: HashMap<u64, Arc<TcpStream>>,
    /// Of all connections so far, which gives the next one its key.
    added: u64,
    /// Whether a connection may begin to be served, and why one that is ends.
    end: End,
    /// Of those that are closed, save that `served` counts when serving begins.
    totals: Totals,
}

/// How far [`Connections::close`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum End {
    /// Not called.
    #[default]
    Open,
    /// Who is served goes on, and nobody else begins.
    Grace,
    /// Everybody is cut off.
    Closed,
}

/// What became of a server's connections.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::{Connections, Totals};
///
/// assert_eq!(Connections::new(None).totals(), Totals::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections that were read or written.
    pub served: u64,
    /// Connections that were closed without.
    pub shed: u64,
    /// Connections, of those that were served and have ended, that idled too long.
    pub timed_out: u64,
    /// Bytes that were written to connections, of those that have ended.
    pub written: u64,
}

impl Connections {
    /// Has no connections yet; none may idle longer than `idle_timeout`, if there is one.
    ///
    /// A connection idles while it is being served and a read finds nothing, or a write no room. The system
    /// counts the time of each call, and a write that placed a part of its bytes succeeds: a peer that stops
    /// reading is noticed after at most twice `idle_timeout`.
    ///
    /// An `idle_timeout` of zero is no time at all: the first read or write of each connection is an error.
    #[must_use]
    pub fn new(idle_timeout: Option<Duration>) -> Self {
        Self { shared: Arc::new(Shared { idle_timeout, ledger: Mutex::default(), ended: Condvar::new() }) }
    }

    /// Adds an accepted connection, as one that waits to be served.
    pub fn add(&self, stream: TcpStream) -> Connection {
        let stream = Arc::new(stream);
        let mut ledger = self.shared.ledger();
        if ledger.end != End::Open {
            cut(&stream);
        }
        let number = ledger.added;
        ledger.added += 1;
        ledger.waiting.insert(number, Arc::clone(&stream));
        Connection {
            stream,
            number,
            is_served: false,
            timed_out: false,
            written: 0,
            shared: Arc::clone(&self.shared),
        }
    }

    /// What became of the connections so far.
    pub fn totals(&self) -> Totals {
        self.shared.ledger().totals
    }

    /// Closes all connections in good order: those that wait at once, those that are served when they are done,
    /// or after `grace`.
    ///
    /// Waits until none is served any more, and at most `grace`. What is cut off then is closed for its peer,
    /// and whoever serves it sees it end, at once where it waits for its peer: a thread to be joined is free
    /// after this. None is served from now on, also not what is still added, which is closed at once.
    pub fn close(&self, grace: Duration) {
        let mut ledger = self.shared.ledger();
        if ledger.end == End::Open {
            ledger.end = End::Grace;
        }
        ledger.waiting.values().for_each(|stream| cut(stream));
        let wait = self.shared.ended.wait_timeout_while(ledger, grace, |ledger| !ledger.served.is_empty());
        let (mut ledger, _) = wait.unwrap_or_else(PoisonError::into_inner);
        ledger.end = End::Closed;
        ledger.served.values().for_each(|stream| cut(stream));
    }
}

/// Ends a connection for both sides, and never waits; what waits for the peer wakes.
fn cut(stream: &TcpStream) {
    // An error means that the peer was quicker.
    let _ = stream.shutdown(Shutdown::Both);
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing panics under the lock.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of a server's [`Connections`], closed when this is dropped.
///
/// Reads and writes fail as those of a [`TcpStream`] do, and say in words when they do so because the
/// connection was idle ([`ErrorKind::TimedOut`]) or the server closes ([`ErrorKind::ConnectionAborted`]).
#[derive(Debug)]
pub struct Connection {
    /// Shared with the ledger, which ends it at a close. Not a clone, which would take a second descriptor.
    stream: Arc<TcpStream>,
    /// Its key in the ledger.
    number: u64,
    /// Whether serving has begun, so that only the first read or write asks the ledger.
    is_served: bool,
    /// Whether it has idled too long, for the ledger.
    timed_out: bool,
    /// The bytes written so far, for the ledger.
    written: u64,
    /// With the ledger in which it stands until it is dropped.
    shared: Arc<Shared>,
}

impl Connection {
    /// Has serving begin, unless it has or the server closes.
    fn begin(&mut self) -> io::Result<()> {
        if self.is_served {
            return Ok(());
        }
        let mut ledger = self.shared.ledger();
        if ledger.end != End::Open {
            return Err(closing());
        }
        if let Some(stream) = ledger.waiting.remove(&self.number) {
            ledger.served.insert(self.number, stream);
            ledger.totals.served += 1;
        }
        drop(ledger);
        self.stream.set_read_timeout(self.shared.idle_timeout)?;
        self.stream.set_write_timeout(self.shared.idle_timeout)?;
        self.is_served = true;
        Ok(())
    }

    /// Says why a read or a write has failed, where that is this module's doing.
    fn explain(&mut self, error: io::Error, what: &str) -> io::Error {
        if is_timeout(&error) {
            if let Some(limit) = self.shared.idle_timeout {
                self.timed_out = true;
                return io::Error::new(ErrorKind::TimedOut, format!("{what} for {limit:?}"));
            }
        }
        if self.shared.ledger().end == End::Closed { closing() } else { error }
    }
}

/// Unix and Windows differ in what a socket's timeout is called.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Writes what there is room for now. By the rules of Unix, nothing was written before a timeout; Windows has none.
fn write_unless_full(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.set_nonblocking(true)?;
    let written = stream.write(bytes);
    stream.set_nonblocking(false)?;
    written
}

fn closing() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "closed, as the server stops")
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin()?;
        match (&*self.stream).read(buffer) {
            // The end of a connection that was cut off isn't its peer's.
            Ok(0) if !buffer.is_empty() && self.shared.ledger().end == End::Closed => Err(closing()),
            Ok(length) => Ok(length),
            Err(error) => Err(self.explain(error, "sent nothing")),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?;
        let mut written = (&*self.stream).write(bytes);
        // Linux wakes a writer when a third of its buffer is free. The peer of one that sleeps may just be slow.
        if cfg!(unix) && written.as_ref().is_err_and(is_timeout) {
            written = write_unless_full(&self.stream, bytes);
        }
        let length = written.map_err(|error| self.explain(error, "took nothing"))?;
        self.written += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut ledger = self.shared.ledger();
        // Not the last owner of the stream, which is this connection: it closes after the lock is released.
        if ledger.waiting.remove(&self.number).is_some() {
            ledger.totals.shed += 1;
        } else {
            ledger.served.remove(&self.number);
            ledger.totals.timed_out += u64::from(self.timed_out);
            ledger.totals.written += self.written;
            self.shared.ended.notify_all();
        }
    }
}
