//! One accept loop for all three recipes, and how to stop it.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How long the loop waits after an error that only time can mend: long enough not to burn a processor,
/// short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(50);

/// After this long without it, an error of the loop counts as gone.
const CALM: Duration = Duration::from_secs(10);

/// How long [`Stopper::stop`] waits for its wake-up connection, which the loopback makes at once.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// A TCP socket that listens, and the loop that accepts its connections.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::{Server, echo};
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use std::thread;
///
/// let server = Server::bind("127.0.0.1:0")?;
/// let stopper = server.stopper();
/// let mut client = TcpStream::connect(server.local_addr())?;
///
/// let serving = thread::spawn(move || {
///     server.serve(|mut stream, peer| {
///         thread::spawn(move || echo(&mut stream).unwrap_or_else(|error| panic!("{peer}: {error}")));
///     })
/// });
///
/// client.write_all(b"hello")?;
/// let mut answer = [0; 5];
/// client.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"hello");
///
/// stopper.stop()?;
/// serving.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    /// Owned here, so that dropping the server frees the port.
    listener: TcpListener,
    /// Asked once, at bind, so that asking again can't fail.
    addr: SocketAddr,
    /// Dropped with the server: its stoppers only have weak references.
    stop: Arc<Stop>,
}

/// What a server and its stoppers share.
#[derive(Debug)]
struct Stop {
    /// Set by any stopper and never cleared. An atomic, as `serve` reads it while others write.
    requested: AtomicBool,
    /// A descriptor to be given up for the wake-up: an accept that waits may already hold the last one. The lock is
    /// for those who stop at the same time.
    spare: Mutex<Option<TcpListener>>,
}

impl Server {
    /// Listens on the first of the addresses in `addr` that is free; port 0 lets the system choose the port.
    ///
    /// Clients can connect from now on and wait until [`serve`](Self::serve) accepts them. Takes two
    /// descriptors, of which one is for [`Stopper::stop`].
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`]: above all, that the address is in use.
    ///
    /// # Examples
    ///
    /// ```
    /// let server = pool_recipes::net::Server::bind("127.0.0.1:0")?;
    /// assert_ne!(server.local_addr().port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let spare = Mutex::new(Some(listener.try_clone()?));
        Ok(Self { listener, addr, stop: Arc::new(Stop { requested: AtomicBool::new(false), spare }) })
    }

    /// The address it listens on, with the real port.
    ///
    /// # Examples
    ///
    /// ```
    /// let server = pool_recipes::net::Server::bind("127.0.0.1:0")?;
    /// assert!(server.local_addr().ip().is_loopback());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// A handle with which another thread ends [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// let server = pool_recipes::net::Server::bind("127.0.0.1:0")?;
    /// server.stopper().stop()?;
    /// server.serve(|_, _| unreachable!("a stopped server accepts nobody"))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        let mut wake = self.addr;
        // A socket may listen on the unspecified address, but not every system lets one connect to it.
        if wake.ip().is_unspecified() {
            wake.set_ip(match wake {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Stopper { wake, stop: Arc::downgrade(&self.stop) }
    }

    /// Accepts connections and calls `handler` with each and its peer's address, until it is stopped.
    ///
    /// The handler runs on this thread, and the next connection waits until it returns: it hands the
    /// connection to a pool, a queue or a thread. After a stop `serve` returns `Ok`, at once when it was
    /// waiting for a connection, and every later call returns at once. A connection that comes in after
    /// the stop is closed unhandled.
    ///
    /// An error that concerns one connection, or that passes, such as running out of descriptors, is one
    /// line on stderr, and the server goes on. The same error is not said again before it has been gone for
    /// ten seconds.
    ///
    /// # Errors
    ///
    /// That the socket doesn't listen, which nothing would change. No call of this type brings it about.
    ///
    /// # Panics
    ///
    /// When `handler` panics: the loop is on the caller's thread, so its panic is the caller's. The
    /// server is as before, and may serve again.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::net::Server;
    /// use std::net::TcpStream;
    ///
    /// let server = Server::bind("127.0.0.1:0")?;
    /// let stopper = server.stopper();
    /// let client = TcpStream::connect(server.local_addr())?;
    ///
    /// let mut peers = Vec::new();
    /// server.serve(|_stream, peer| {
    ///     peers.push(peer);
    ///     stopper.stop().unwrap();
    /// })?;
    /// assert_eq!(peers, [client.local_addr()?]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve(&self, handler: impl FnMut(TcpStream, SocketAddr)) -> io::Result<()> {
        serve_from(|| self.listener.accept(), &self.stop.requested, handler, io::stderr())
    }
}

/// Ends the [`Server::serve`] of the server it came from, from any thread.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::Server;
/// use std::thread;
///
/// let server = Server::bind("127.0.0.1:0")?;
/// let stopper = server.stopper();
/// thread::scope(|scope| {
///     let serving = scope.spawn(|| server.serve(|_, _| ()));
///     stopper.stop()?;
///     serving.join().unwrap()
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stopper {
    /// Where a connection reaches the server from its own machine.
    wake: SocketAddr,
    /// The server's. Weak: once the server is gone, its port may be another's, whom nobody should wake.
    stop: Weak<Stop>,
}

impl Stopper {
    /// Tells the server to stop, and wakes it by a connection, the only thing that ends an accept in `std`.
    ///
    /// It is fine to stop twice, before the server serves, and after it is gone. A stop wakes one `serve`:
    /// where several threads serve, stop once for each. Doesn't wait for `serve` to return, and at most a
    /// second for the connection.
    ///
    /// # Errors
    ///
    /// That the wake-up could not be sent. The first stop has a descriptor for it, a second one may find
    /// none. The server knows of the stop all the same, but a `serve` that is waiting only sees it when the
    /// next connection comes in. Stopping again wakes it.
    ///
    /// # Examples
    ///
    /// ```
    /// let server = pool_recipes::net::Server::bind("127.0.0.1:0")?;
    /// let stopper = server.stopper();
    /// stopper.stop()?;
    /// drop(server);
    /// stopper.stop()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stop(&self) -> io::Result<()> {
        use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
        let Some(stop) = self.stop.upgrade() else { return Ok(()) };
        // Nothing panics under the lock. The spare is closed before the stop is seen: it would keep the port.
        drop(stop.spare.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Before the connection, whose acceptance makes the loop look. Release, with the loop's acquire:
        // after `serve` the caller sees all that came before the stop.
        stop.requested.store(true, Ordering::Release);
        match TcpStream::connect_timeout(&self.wake, WAKE_TIMEOUT) {
            Ok(_) => Ok(()),
            // Another connection woke the server, and it went, or so many wait that it needs no more of them.
            Err(error)
                if matches!(
                    error.kind(),
                    ConnectionRefused | ConnectionReset | ConnectionAborted | TimedOut
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The accept loop. What it accepts from and reports to are parameters, so that a test can make them fail.
fn serve_from(
    mut accept: impl FnMut() -> io::Result<(TcpStream, SocketAddr)>,
    stopped: &AtomicBool,
    mut handler: impl FnMut(TcpStream, SocketAddr),
    log: impl Write,
) -> io::Result<()> {
    let stopped = || stopped.load(Ordering::Acquire);
    let mut complaints = Complaints { log, calm: CALM, last: None };
    while !stopped() {
        match accept() {
            // The wake-up, or a client that came too late.
            Ok(_) if stopped() => {}
            Ok((stream, peer)) => handler(stream, peer),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // EINVAL: not listening. By accept(2) the other errors are about one connection ("treat them
            // like EAGAIN"), about a shortage, or about a descriptor that isn't a socket, and this one is.
            Err(error) if error.kind() == ErrorKind::InvalidInput && error.raw_os_error().is_some() => {
                return Err(error);
            }
            Err(error) => {
                complaints.say(&error);
                if !is_about_one_connection(&error) {
                    thread::sleep(PAUSE);
                }
            }
        }
    }
    Ok(())
}

/// Says what accept fails with: when it begins, and not at every pause while it goes on for hours.
struct Complaints<W> {
    log: W,
    /// How long it must have been gone to be said again. Out of descriptors, accept succeeds and fails by turns.
    calm: Duration,
    /// The last error, and when it was.
    last: Option<(String, Instant)>,
}

impl<W: Write> Complaints<W> {
    fn say(&mut self, error: &io::Error) {
        let message = error.to_string();
        let goes_on =
            self.last.as_ref().is_some_and(|(last, when)| *last == message && when.elapsed() < self.calm);
        if !goes_on {
            // Not eprintln, which panics when stderr is closed: a server outlives its terminal.
            let _ = writeln!(self.log, "error: accepting a connection: {message}");
        }
        self.last = Some((message, Instant::now()));
    }
}

/// Whether a client went away while it queued: it left the queue, so the next one needn't wait.
///
/// `InvalidInput` is macOS: an IPv6 listener there accepts a connection that was reset in the queue, with no
/// address, and `std` calls that address invalid, by an error without a number of the system's.
fn is_about_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionReset, InvalidInput};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one accept returns in these tests.
    type Accepted = io::Result<(TcpStream, SocketAddr)>;

    fn connection() -> Accepted {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let _client = TcpStream::connect(listener.local_addr()?)?;
        listener.accept()
    }

    /// The error of a socket that doesn't listen.
    fn not_listening() -> io::Error {
        io::Error::from_raw_os_error(if cfg!(windows) { 10_022 } else { 22 })
    }

    /// Serves what `accepted` yields, then a listener that no longer listens: how many connections were
    /// handled, and what was logged.
    fn serve_all(accepted: Vec<Accepted>) -> (usize, String) {
        let mut accepted = accepted.into_iter();
        let mut handled = 0;
        let mut log = Vec::new();
        let result = serve_from(
            || accepted.next().unwrap_or_else(|| Err(not_listening())),
            &AtomicBool::new(false),
            |_, _| handled += 1,
            &mut log,
        );
        assert_eq!(result.unwrap_err().raw_os_error(), not_listening().raw_os_error());
        (handled, String::from_utf8(log).unwrap())
    }

    #[test]
    fn an_aborted_connection_does_not_end_the_server() {
        for kind in [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::InvalidInput] {
            let (handled, log) = serve_all(vec![connection(), Err(kind.into()), connection()]);
            assert_eq!(handled, 2);
            assert_eq!(log, format!("error: accepting a connection: {kind}\n"));
        }
    }

    #[test]
    fn aborted_connections_do_not_slow_the_server() {
        let start = Instant::now();
        for kind in [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::InvalidInput] {
            serve_all((0..100).map(|_| Err(kind.into())).collect());
        }
        assert!(start.elapsed() < 100 * PAUSE);
    }

    #[test]
    fn a_shortage_does_not_end_the_server() {
        for kind in
            [ErrorKind::OutOfMemory, ErrorKind::NetworkDown, ErrorKind::PermissionDenied, ErrorKind::Other]
        {
            assert_eq!(serve_all(vec![Err(kind.into()), connection()]).0, 1, "{kind}");
        }
    }

    #[test]
    fn a_shortage_does_not_make_a_busy_loop() {
        let start = Instant::now();
        serve_all((0..3).map(|_| Err(ErrorKind::OutOfMemory.into())).collect());
        assert!(start.elapsed() >= 3 * PAUSE);
    }

    #[test]
    fn an_error_is_said_when_it_begins_and_not_while_it_goes_on() {
        let fail = |kind: ErrorKind| Err(kind.into());
        let (memory, network) = (ErrorKind::OutOfMemory, ErrorKind::NetworkDown);
        let (_, log) = serve_all(vec![
            fail(memory),
            fail(memory),
            connection(),
            fail(memory),
            fail(network),
            fail(memory),
        ]);
        let said: Vec<_> = log.lines().collect();
        assert_eq!(
            said,
            [memory, network, memory].map(|kind| format!("error: accepting a connection: {kind}"))
        );
    }

    #[test]
    fn an_error_that_comes_back_is_said_again() {
        let mut complaints = Complaints { log: Vec::new(), calm: Duration::ZERO, last: None };
        for _ in 0..2 {
            complaints.say(&ErrorKind::OutOfMemory.into());
        }
        assert_eq!(complaints.log.split(|byte| *byte == b'\n').count(), 3);
    }

    #[test]
    fn an_interrupted_accept_is_tried_again_in_silence() {
        let (handled, log) = serve_all(vec![Err(ErrorKind::Interrupted.into()), connection()]);
        assert_eq!((handled, log.as_str()), (1, ""));
    }

    #[test]
    fn a_stop_without_a_wake_up_is_seen_when_accept_fails() {
        let stopped = AtomicBool::new(false);
        let accept = || {
            assert!(!stopped.swap(true, Ordering::Release), "accepted after the stop");
            Err(ErrorKind::OutOfMemory.into())
        };
        serve_from(accept, &stopped, |_, _| unreachable!(), io::sink()).unwrap();
    }

    #[test]
    fn the_wake_up_is_not_handled() {
        let stopped = AtomicBool::new(false);
        let accept = || {
            stopped.store(true, Ordering::Release);
            connection()
        };
        serve_from(accept, &stopped, |_, _| unreachable!("handled the wake-up"), io::sink()).unwrap();
    }

    #[test]
    fn a_closed_stderr_does_not_end_the_server() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(ErrorKind::BrokenPipe.into())
            }
        }
        let mut accepted = [connection(), Err(ErrorKind::ConnectionAborted.into())].into_iter().rev();
        let stopped = AtomicBool::new(false);
        let handler = |_, _| stopped.store(true, Ordering::Release);
        serve_from(|| accepted.next().unwrap(), &stopped, handler, Closed).unwrap();
    }
}
