//! A listening socket, the loop that accepts its connections, and how to stop that loop.

use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// A TCP socket that listens, and the loop that accepts its connections.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use std::thread;
///
/// use pool_recipes::net::{Server, echo};
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
    /// Dropping it frees the port.
    listener: TcpListener,
    /// The listener's, asked for once, because asking can fail.
    addr: SocketAddr,
    /// Shared with the stoppers. Their references are weak, so this ends with the server.
    stop: Arc<Stop>,
}

/// What a server and its stoppers share.
#[derive(Debug)]
struct Stop {
    /// Set by any stopper and never cleared.
    requested: AtomicBool,
    /// A descriptor in reserve. A stop closes it to have one for the connection that wakes `serve`, because all others
    /// may be in use. The lock is for stoppers that stop at the same time.
    spare: Mutex<Option<TcpListener>>,
}

impl Server {
    /// Listen on the first of the addresses in `addr` that is free; port 0 lets the system choose the port.
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
    pub fn stopper(&self) -> Stopper {
        let mut wake = self.addr;
        // A socket may listen on the unspecified address, but not every system can connect to it.
        match wake.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => wake.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => wake.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Stopper { wake, stop: Arc::downgrade(&self.stop) }
    }

    /// Accept connections and call `handler` with each and its peer's address, until it is stopped.
    ///
    /// The handler runs on this thread, and the next connection waits until it returns. So it should hand the
    /// connection to a pool, a queue or a thread. After a stop `serve` returns `Ok`, at once if it was waiting for a
    /// connection, and every later call returns at once. A connection that comes in after the stop is closed unhandled.
    ///
    /// An error that concerns one connection, or that is temporary, such as running out of descriptors, is printed as
    /// one line on stderr, and the server goes on. The same error isn't printed again until another one has come
    /// between, or it has been absent for ten seconds.
    ///
    /// # Errors
    ///
    /// Fails if the socket isn't listening, which no method of this type can cause.
    ///
    /// # Panics
    ///
    /// When `handler` panics, because it runs on the caller's thread. The server can serve again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpStream;
    ///
    /// use pool_recipes::net::Server;
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

/// A handle that ends the [`Server::serve`] of its server, from any thread.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// use pool_recipes::net::Server;
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
    /// Where a connection from this machine reaches the server.
    wake: SocketAddr,
    /// The server's. Once the server is gone, another program may have its port, and must not be connected to.
    stop: Weak<Stop>,
}

impl Stopper {
    /// Tell the server to stop, and wake it with a connection: nothing else in `std` ends an accept that waits.
    ///
    /// It may be called twice, before the server serves, and after the server is gone. One call wakes one `serve`, so
    /// where several threads serve, call it once for each. Waits for the connection, for a second at most, and not for
    /// `serve` to return.
    ///
    /// # Errors
    ///
    /// The connection could not be made. The first stop has a descriptor for it, a second one may find none. The server
    /// has been told all the same, but a `serve` that waits notices only when the next connection comes in. Another
    /// call may wake it.
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
        let Some(stop) = self.stop.upgrade() else { return Ok(()) };
        // Before the server can see the stop and end: the spare would keep its port in use.
        drop(lock(&stop.spare).take());
        // Before the connection, after which the loop looks here. Release, for the loop's acquire: after `serve` the
        // caller sees all that came before the stop.
        stop.requested.store(true, Ordering::Release);
        // A connection from this machine is made at once, if there is room for one more.
        match TcpStream::connect_timeout(&self.wake, Duration::from_secs(1)) {
            Err(error) if !needs_no_wake_up(error.kind()) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether a connection that failed with `kind` wasn't needed: another one has woken the server, which is already gone,
/// or so many wait to be accepted that there is no room for one more.
fn needs_no_wake_up(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
    matches!(kind, ConnectionRefused | ConnectionReset | ConnectionAborted | TimedOut)
}

/// How long the loop pauses after an error that only time can mend: it must neither spin nor keep a client waiting.
const PAUSE: Duration = Duration::from_millis(50);

/// An error that has been absent for this long is printed again. When descriptors run out, accept succeeds and fails by
/// turns.
const QUIET: Duration = Duration::from_secs(10);

/// The accept loop. What it accepts from and where it prints are parameters, so that a test can make both fail.
fn serve_from(
    mut accept: impl FnMut() -> io::Result<(TcpStream, SocketAddr)>,
    stopped: &AtomicBool,
    mut handler: impl FnMut(TcpStream, SocketAddr),
    mut log: impl Write,
) -> io::Result<()> {
    let stopped = || stopped.load(Ordering::Acquire);
    let mut last_error = None;
    while !stopped() {
        match accept() {
            // The connection of the stop, or a client that came too late.
            Ok(_) if stopped() => {}
            Ok((stream, peer)) => handler(stream, peer),
            // EINVAL: not listening. By accept(2) the other errors concern one connection ("treat them like EAGAIN"), a
            // shortage, or a descriptor that isn't a socket, and this one is.
            Err(error) if error.kind() == ErrorKind::InvalidInput && error.raw_os_error().is_some() => {
                return Err(error);
            }
            Err(error) => {
                if is_news(&mut last_error, error.to_string(), Instant::now()) {
                    // Not eprintln, which panics when stderr is closed: a server outlives its terminal.
                    let _ = writeln!(log, "error: accepting a connection: {error}");
                }
                if !is_about_one_connection(error.kind()) {
                    thread::sleep(PAUSE);
                }
            }
        }
    }
    Ok(())
}

/// Whether an error is other than the last, or was absent for a while. Remembers it as the last.
fn is_news(last: &mut Option<(String, Instant)>, error: String, now: Instant) -> bool {
    let goes_on = last.as_ref().is_some_and(|(last, then)| *last == error && now < *then + QUIET);
    *last = Some((error, now));
    !goes_on
}

/// Whether a client went away while it waited to be accepted. The next client need not wait for that.
///
/// `InvalidInput` comes from macOS: an IPv6 listener there accepts a connection that was already reset, with no
/// address. `std` calls that address invalid, in an error without an OS error number.
fn is_about_one_connection(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionReset, InvalidInput};
    matches!(kind, ConnectionAborted | ConnectionReset | InvalidInput)
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

    /// Serves what `accepted` yields, then a socket that doesn't listen: how many connections were handled, and what
    /// was printed.
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

    const ABORTED: [ErrorKind; 3] =
        [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::InvalidInput];

    #[test]
    fn an_aborted_connection_does_not_end_the_server() {
        for kind in ABORTED {
            let (handled, log) = serve_all(vec![connection(), Err(kind.into()), connection()]);
            assert_eq!(handled, 2);
            assert_eq!(log, format!("error: accepting a connection: {kind}\n"));
        }
    }

    #[test]
    fn aborted_connections_do_not_slow_the_server() {
        let begin = Instant::now();
        serve_all(ABORTED.into_iter().cycle().take(300).map(|kind| Err(kind.into())).collect());
        assert!(begin.elapsed() < 100 * PAUSE);
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
        let begin = Instant::now();
        serve_all((0..3).map(|_| Err(ErrorKind::OutOfMemory.into())).collect());
        assert!(begin.elapsed() >= 3 * PAUSE);
    }

    #[test]
    fn an_error_is_printed_when_it_begins() {
        let (memory, network) = (ErrorKind::OutOfMemory, ErrorKind::NetworkDown);
        let fail = |kind: ErrorKind| Err(kind.into());
        let accepted =
            vec![fail(memory), fail(memory), connection(), fail(memory), fail(network), fail(memory)];
        let expected =
            [memory, network, memory].map(|kind| format!("error: accepting a connection: {kind}\n"));
        assert_eq!(serve_all(accepted).1, expected.concat());
    }

    #[test]
    fn an_error_that_comes_back_is_news() {
        let begin = Instant::now();
        let mut last = None;
        let mut is_news =
            |seconds| is_news(&mut last, "no memory".into(), begin + Duration::from_secs(seconds));
        assert_eq!([0, 9, 18, 28].map(&mut is_news), [true, false, false, true]);
    }

    #[test]
    fn a_failing_accept_notices_a_stop() {
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

    #[test]
    fn a_stop_forgives_what_shows_that_it_is_known() {
        use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
        let known = [ConnectionRefused, ConnectionReset, ConnectionAborted, TimedOut];
        assert_eq!(known.map(needs_no_wake_up), [true; 4]);
        // Out of ports, of descriptors, of rights: nothing shows that the server has woken.
        let unknown = [ErrorKind::AddrNotAvailable, ErrorKind::Other, ErrorKind::PermissionDenied];
        assert_eq!(unknown.map(needs_no_wake_up), [false; 3]);
    }

    #[test]
    fn a_wake_up_that_fails_is_an_error() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        // No system connects to the broadcast address.
        let stopper = Stopper { wake: (Ipv4Addr::BROADCAST, 9).into(), ..server.stopper() };
        stopper.stop().unwrap_err();
        server.serve(|_, _| unreachable!("the stop is known all the same")).unwrap();
    }
}
