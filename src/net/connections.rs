//! A server's open connections: how long each may be idle, how many there were, and how all of them end.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::sync::lock;

/// The connections of a server, from the accept to the close of each.
///
/// The accept loop [adds](Self::add) a connection and hands it to the worker that will serve it. A connection is
/// *served* from its first read or write on, and *waits* until then. A connection that is dropped while it waits, for
/// instance because a queue had no room for it, is *shed*.
///
/// # Examples
///
/// A pool that serves one client at a time, lets one more wait, and allows none to be idle for longer than a second:
///
/// ```
/// use std::io::Read;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use pool_recipes::Executor;
/// use pool_recipes::net::{Connections, Server, echo};
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
/// // All three are silent. The one that is being served may go on for 50 ms, the others may not.
/// connections.close(Duration::from_millis(50));
/// pool.shutdown();
/// let totals = connections.totals();
/// assert_eq!(totals.served + totals.shed, 3);
/// assert_eq!((&clients[2]).read(&mut [0])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Connections {
    /// Shared with every connection, because each one removes itself when it is dropped.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Set on a socket when serving begins. Only a read or a write that waits counts, not the time in a queue.
    idle_timeout: Option<Duration>,
    /// Never held while a socket is read or written, which can wait.
    state: Mutex<State>,
    /// Notified when a served connection ends, which is what [`Connections::close`] waits for.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The open connections that nobody has read or written yet, by number.
    waiting: HashMap<u64, Arc<TcpStream>>,
    /// The open connections that are being served.
    served: HashMap<u64, Arc<TcpStream>>,
    /// How many were added so far, which is the number of the next.
    added: u64,
    /// Whether [`Connections::close`] was called, so that no connection begins to be served.
    is_closing: bool,
    /// Whether its grace is over, so that every connection is shut down.
    is_closed: bool,
    totals: Totals,
}

/// Counts of a server's connections and of the bytes written to them.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::{Connections, Totals};
///
/// assert_eq!(Connections::new(None).totals(), Totals::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Connections that were read or written, also those that still are.
    pub served: u64,
    /// Connections that were dropped before that.
    pub shed: u64,
    /// Served connections that have ended and were idle for too long.
    pub timed_out: u64,
    /// Bytes that were written to served connections that have ended.
    pub written: u64,
}

impl Connections {
    /// Start with no connections. Each may be idle for `idle_timeout` at most; `None` is no limit.
    ///
    /// A connection is idle while a read waits for the first byte, or a write for room. The time in a queue doesn't
    /// count. An `idle_timeout` of zero is refused: the first read or write of each connection is an error.
    ///
    /// The system measures the timeout, and so sets its limits:
    ///
    /// - A write that placed some of its bytes before the time was up succeeds. So a client that stops reading is
    ///   noticed after at most twice `idle_timeout`.
    /// - A client that reads slowly can't be told from one that doesn't read. Room is made known in large steps, some
    ///   64 KiB on Linux. A client that reads less than that in each `idle_timeout` is disconnected, although it reads
    ///   steadily: at 20 KB/s, for instance, a timeout of one second is too short.
    /// - A read or write that a signal interrupts, as when the process is stopped and continued (`SIGSTOP`,
    ///   `SIGCONT`), fails as [`Interrupted`](ErrorKind::Interrupted). Trying again, as [`echo`](super::echo) does,
    ///   waits for the whole timeout anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pool_recipes::net::Connections;
    ///
    /// let connections = Connections::new(Some(Duration::from_secs(60)));
    /// assert_eq!(connections.totals().served, 0);
    /// ```
    pub fn new(idle_timeout: Option<Duration>) -> Self {
        Self { shared: Arc::new(Shared { idle_timeout, state: Mutex::default(), ended: Condvar::new() }) }
    }

    /// Add an accepted connection, which now waits to be served.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// use pool_recipes::net::Connections;
    ///
    /// let connections = Connections::new(None);
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let mut connection = connections.add(listener.accept()?.0);
    /// client.write_all(b"hello")?;
    /// connection.read_exact(&mut [0; 5])?;
    /// assert_eq!(connections.totals().served, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add(&self, stream: TcpStream) -> Connection {
        let stream = Arc::new(stream);
        let shared = Arc::clone(&self.shared);
        let mut state = lock(&self.shared.state);
        if state.is_closing {
            shut_down(&stream);
        }
        let number = state.added;
        state.added += 1;
        state.waiting.insert(number, Arc::clone(&stream));
        Connection { stream, number, is_served: false, timed_out: false, written: 0, shared }
    }

    /// The totals so far.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// use pool_recipes::net::Connections;
    ///
    /// let connections = Connections::new(None);
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let client = TcpStream::connect(listener.local_addr()?)?;
    /// drop(connections.add(listener.accept()?.0)); // as when a queue has no room for it
    /// assert_eq!(connections.totals().shed, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn totals(&self) -> Totals {
        lock(&self.shared.state).totals
    }

    /// End all connections in good order: those that wait, at once; those that are served, when they are done or after
    /// `grace`.
    ///
    /// Waits until no connection is being served, but for `grace` at most. The connections that are left then are shut
    /// down: a read or write that waits returns at once, with an error, so the worker that serves it can be joined.
    /// From this call on no other connection is served. One that is added later is shut down at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::net::{TcpListener, TcpStream};
    /// use std::time::Duration;
    ///
    /// use pool_recipes::net::Connections;
    ///
    /// let connections = Connections::new(None);
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let client = TcpStream::connect(listener.local_addr()?)?;
    /// let mut waiting = connections.add(listener.accept()?.0);
    /// connections.close(Duration::from_secs(5)); // returns at once, as none is being served
    /// assert_eq!(waiting.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close(&self, grace: Duration) {
        let mut state = lock(&self.shared.state);
        state.is_closing = true;
        state.waiting.values().for_each(|stream| shut_down(stream));
        let waited = self.shared.ended.wait_timeout_while(state, grace, |state| !state.served.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_closed = true;
        state.served.values().for_each(|stream| shut_down(stream));
    }
}

/// Ends a connection for both sides, without waiting. Reads and writes that wait return.
fn shut_down(stream: &TcpStream) {
    // An error means that the peer has ended it already.
    let _ = stream.shutdown(Shutdown::Both);
}

/// One of a server's [`Connections`], closed when this is dropped.
///
/// Reads and writes fail as those of a [`TcpStream`] do. The error says so where the connection was idle for too long
/// ([`TimedOut`](ErrorKind::TimedOut)) or the server closes ([`ConnectionAborted`](ErrorKind::ConnectionAborted)).
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use std::net::{TcpListener, TcpStream};
/// use std::time::Duration;
///
/// use pool_recipes::net::Connections;
///
/// let connections = Connections::new(Some(Duration::from_millis(10)));
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let silent = TcpStream::connect(listener.local_addr()?)?;
/// let mut connection = connections.add(listener.accept()?.0);
/// assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    /// The other owner is [`State`], for [`Connections::close`]. A clone would take a second descriptor.
    stream: Arc<TcpStream>,
    /// Its key in [`State`].
    number: u64,
    /// Whether serving has begun, so that only the first read or write looks into [`State`].
    is_served: bool,
    /// Whether it was idle for too long. Counted at the end, because it may happen more than once.
    timed_out: bool,
    /// The bytes written so far. Counted at the end, so that a write doesn't take the lock.
    written: u64,
    shared: Arc<Shared>,
}

impl Connection {
    /// The socket, to be read or written. The first time, serving begins; that is an error if the server closes.
    fn socket(&mut self) -> io::Result<&TcpStream> {
        if !self.is_served {
            self.stream.set_read_timeout(self.shared.idle_timeout)?;
            self.stream.set_write_timeout(self.shared.idle_timeout)?;
            let mut state = lock(&self.shared.state);
            if state.is_closing {
                return Err(closing());
            }
            state.waiting.remove(&self.number);
            state.served.insert(self.number, Arc::clone(&self.stream));
            state.totals.served += 1;
            self.is_served = true;
        }
        Ok(&self.stream)
    }

    /// The result of a read or a write. An error that this module brought about says why.
    fn explained(&mut self, result: io::Result<usize>, idle: &str) -> io::Result<usize> {
        match (result, self.shared.idle_timeout) {
            (Err(error), Some(limit)) if is_timeout(error.kind()) => {
                self.timed_out = true;
                Err(io::Error::new(ErrorKind::TimedOut, format!("{idle} for {limit:?}")))
            }
            // A connection that was shut down here ends like one that its peer has ended.
            (Ok(0) | Err(_), _) if lock(&self.shared.state).is_closed => Err(closing()),
            (result, _) => result,
        }
    }
}

/// Unix and Windows differ in what a socket's timeout is called.
fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn closing() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "closed, as the server stops")
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.socket()?.read(buffer);
        self.explained(result, "sent nothing")
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut result = self.socket()?.write(bytes);
        // Linux wakes a writer when a third of its buffer is free, so there may be room although nothing woke it. By
        // the rules of Unix, nothing was written before the timeout. Windows has no such rule.
        if cfg!(unix) && result.as_ref().is_err_and(|error| is_timeout(error.kind())) {
            result = write_without_waiting(&self.stream, bytes);
        }
        let length = self.explained(result, "took nothing")?;
        self.written += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}

fn write_without_waiting(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.set_nonblocking(true)?;
    let result = stream.write(bytes);
    stream.set_nonblocking(false)?;
    result
}

impl Drop for Connection {
    /// Counts what became of it. The socket is closed afterwards, without the lock.
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        if self.is_served {
            state.served.remove(&self.number);
            state.totals.timed_out += u64::from(self.timed_out);
            state.totals.written += self.written;
            self.shared.ended.notify_all();
        } else {
            state.waiting.remove(&self.number);
            state.totals.shed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_timeout_is_a_timeout() {
        assert!(is_timeout(ErrorKind::WouldBlock) && is_timeout(ErrorKind::TimedOut));
        assert!(!is_timeout(ErrorKind::ConnectionReset) && !is_timeout(ErrorKind::Interrupted));
    }
}
