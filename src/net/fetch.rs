//! Fetching a URL over plain HTTP: from its host's addresses to the body, redirects included.

use super::response::{Answer, read_answer};
use super::url::Url;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use std::{error, fmt};

/// Fetches the body behind an `http` URL.
///
/// The body of any 2xx answer counts, whatever its type. Redirects (301, 302, 303, 307 and 308 with a
/// `Location`, [RFC 9110 section 15.4]) are followed within `http`, at most ten. Nothing is decoded but the
/// chunked transfer coding.
///
/// The call waits at most 10 seconds for a connection to one address or for the next byte, and at most
/// 30 seconds in all, redirects included. The exception is the lookup of the host's name: `std` can't interrupt
/// it, so it takes as long as the system lets it take.
///
/// No answer makes it use more memory than some multiple of its limits: 65,536 bytes for an answer's head,
/// 16 MiB for its body as it travels, which includes the frame around each chunk.
///
/// # Errors
///
/// Whatever stands between the URL and a whole body; [`FetchErrorKind`] lists it.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpListener;
/// use std::thread;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/greeting", listener.local_addr()?);
/// let server = thread::spawn(move || {
///     let (mut stream, _) = listener.accept()?;
///     stream.read(&mut [0; 1024])?;
///     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
/// });
///
/// assert_eq!(pool_recipes::net::fetch_url(&url)?, b"hello");
/// server.join().unwrap()?;
///
/// let error = pool_recipes::net::fetch_url("https://example.org/").unwrap_err();
/// assert_eq!(error.to_string(), "https://example.org/: std has no TLS, so only http works");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [RFC 9110 section 15.4]: https://www.rfc-editor.org/rfc/rfc9110#section-15.4
pub fn fetch_url(url: &str) -> Result<Vec<u8>, FetchError> {
    fetch_with(url, &LIMITS)
}

/// The failure to fetch a URL: which one, and why.
///
/// It reads as `http://127.0.0.1:1/: connection refused`. Its `source()` is the [`io::Error`] beneath it, if
/// there is one.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::{FetchErrorKind, fetch_url};
///
/// let error = fetch_url("http://127.0.0.1:65536/").unwrap_err();
/// assert_eq!(error.url, "http://127.0.0.1:65536/");
/// assert!(matches!(error.kind, FetchErrorKind::BadUrl(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchError {
    /// The URL as it was asked for.
    pub url: String,
    /// The URL that failed, where redirects led to another than the one asked for.
    pub redirected_to: Option<String>,
    /// Why it failed.
    pub kind: FetchErrorKind,
}

/// The reasons for which a URL can't be fetched.
///
/// # Examples
///
/// ```
/// use pool_recipes::net::{FetchErrorKind, fetch_url};
///
/// let kind = fetch_url("https://example.org/").unwrap_err().kind;
/// assert!(matches!(kind, FetchErrorKind::Https));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The text is no `http` URL that can be asked for, for this reason.
    BadUrl(&'static str),
    /// The URL's scheme is `https`, which takes TLS, and `std` has none.
    Https,
    /// The host's name has no address.
    NoSuchHost(io::Error),
    /// Nothing listens on the host's port.
    Refused,
    /// The connection or the answer didn't come in time.
    TimedOut,
    /// The answer breaks HTTP/1.1, in this way.
    NotHttp(&'static str),
    /// The answer has this status, which is neither 2xx nor a redirect that can be followed.
    Status(u16),
    /// The connection ended before the answer was whole.
    CutShort,
    /// The answer's head or its body exceeds what is allowed.
    TooLarge {
        /// The bytes that are allowed.
        limit: u64,
    },
    /// The last redirect that is followed led to yet another.
    TooManyRedirects,
    /// The connection failed in some other way.
    Io(io::Error),
}

/// What one fetch may take, so that a test needn't wait for half a minute.
pub(super) struct Limits {
    /// For a connection to one address, and for the next byte.
    pub(super) wait: Duration,
    /// For the whole fetch.
    pub(super) total: Duration,
    pub(super) redirects: usize,
    /// The bytes of an answer's head, with the interim answers before it.
    pub(super) head: u64,
    /// The bytes of an answer's body as it travels.
    pub(super) body: u64,
}

const LIMITS: Limits = Limits {
    wait: Duration::from_secs(10),
    total: Duration::from_secs(30),
    redirects: 10,
    head: 64 << 10,
    body: 16 << 20,
};

fn fetch_with(url: &str, limits: &Limits) -> Result<Vec<u8>, FetchError> {
    let mut at = url.to_owned();
    follow(&mut at, limits).map_err(|kind| FetchError {
        url: url.to_owned(),
        redirected_to: (at != url).then_some(at),
        kind,
    })
}

/// Fetches what is at `at`, which moves on with each redirect.
fn follow(at: &mut String, limits: &Limits) -> Result<Vec<u8>, FetchErrorKind> {
    let patience = Patience { wait: limits.wait, deadline: Instant::now() + limits.total };
    for _ in 0..=limits.redirects {
        let url = Url::parse(at)?;
        let addresses = url.address.to_socket_addrs().map_err(FetchErrorKind::NoSuchHost)?;
        let mut connection = Connection::open(addresses, patience)?;
        connection.write_all(request(&url).as_bytes())?;
        match read_answer(BufReader::new(connection), limits)? {
            Answer::Body(body) => return Ok(body),
            Answer::Redirect(location) => *at = url.join(&location),
        }
    }
    Err(FetchErrorKind::TooManyRedirects)
}

fn request(Url { authority, target, .. }: &Url) -> String {
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    format!(
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
}

/// How long a fetch still waits.
#[derive(Clone, Copy)]
struct Patience {
    wait: Duration,
    deadline: Instant,
}

impl Patience {
    fn left(self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.min(self.wait)) }
    }
}

struct Connection {
    stream: TcpStream,
    patience: Patience,
}

impl Connection {
    /// Connects to the first address that lets it.
    fn open(addresses: impl Iterator<Item = SocketAddr>, patience: Patience) -> Result<Self, FetchErrorKind> {
        let mut failure = FetchErrorKind::NoSuchHost(io::ErrorKind::NotFound.into());
        for address in addresses {
            match TcpStream::connect_timeout(&address, patience.left()?) {
                Ok(stream) => return Ok(Self { stream, patience }),
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }

    /// A socket's timeout starts anew with each call, so a server that sends a byte now and then never meets
    /// it. Set to what is left before each call, it ends them all by the deadline.
    fn in_time(&self) -> io::Result<&TcpStream> {
        let left = Some(self.patience.left()?);
        self.stream.set_read_timeout(left)?;
        self.stream.set_write_timeout(left)?;
        Ok(&self.stream)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.in_time()?.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<io::Error> for FetchErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Unix and Windows differ in what a socket's timeout is called.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Io(error),
        }
    }
}

impl fmt::Display for FetchErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl(why) => write!(f, "bad URL: {why}"),
            Self::Https => f.write_str("std has no TLS, so only http works"),
            Self::NoSuchHost(_) => f.write_str("no such host"),
            Self::Refused => f.write_str("connection refused"),
            Self::TimedOut => f.write_str("timed out"),
            Self::NotHttp(why) => write!(f, "not HTTP: {why}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::CutShort => f.write_str("the answer was cut short"),
            Self::TooLarge { limit } => write!(f, "larger than {limit} bytes"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.url))?;
        if let Some(url) = &self.redirected_to {
            write!(f, ", redirected to {}", printable(url))?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl error::Error for FetchError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            FetchErrorKind::NoSuchHost(error) | FetchErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// A server chooses where it redirects to, and must not thereby write escape sequences to a terminal.
fn printable(url: &str) -> String {
    let print = |c: char| if c.is_ascii_graphic() { c.to_string() } else { c.escape_default().to_string() };
    url.chars().map(print).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
    use std::thread;

    /// A server that sends a byte whenever `pause` has passed, until these run out or the sender is dropped.
    fn drip(pause: Duration, bytes: &'static [u8]) -> (String, Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (test, is_over) = channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for &byte in bytes {
                if is_over.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                // The client may have hung up.
                let _ = stream.write_all(&[byte]);
            }
        });
        (url, test)
    }

    fn time_of(url: &str, wait: u64, total: u64) -> (FetchErrorKind, Duration) {
        let limits =
            Limits { wait: Duration::from_millis(wait), total: Duration::from_millis(total), ..LIMITS };
        let start = Instant::now();
        (fetch_with(url, &limits).unwrap_err().kind, start.elapsed())
    }

    #[test]
    fn one_byte_now_and_then_runs_into_the_deadline() {
        let answer =
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nFiller: ------------------------\r\n\r\n123456789";
        let (url, _test) = drip(Duration::from_millis(20), answer);
        let (kind, time) = time_of(&url, 300, 300);
        assert!(matches!(kind, FetchErrorKind::TimedOut), "{kind}");
        assert!(time >= Duration::from_millis(300), "{time:?}");
    }

    #[test]
    fn silence_ends_with_the_wait_or_the_deadline_whichever_is_first() {
        for (wait, total) in [(100, 10_000), (10_000, 100)] {
            let (url, _test) = drip(Duration::from_secs(60), b"HTTP/1.1 200 OK\r\n\r\n");
            let (kind, time) = time_of(&url, wait, total);
            assert!(matches!(kind, FetchErrorKind::TimedOut), "{kind}");
            assert!(time < Duration::from_secs(5), "{time:?}");
        }
    }

    #[test]
    fn a_server_that_does_not_read_is_not_waited_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wait = Duration::from_millis(100);
        let patience = Patience { wait, deadline: Instant::now() + wait };
        let mut connection =
            Connection::open([listener.local_addr().unwrap()].into_iter(), patience).unwrap();
        let error = connection.write_all(&vec![0; 64 << 20]).unwrap_err();
        assert!(matches!(error.into(), FetchErrorKind::TimedOut));
    }

    #[test]
    fn a_greeting_that_is_not_http_is_not_waited_on() {
        let (url, _test) = drip(Duration::from_millis(1), b"hello");
        let (kind, _) = time_of(&url, 10_000, 10_000);
        assert!(matches!(kind, FetchErrorKind::NotHttp(_)), "{kind}");
    }

    #[test]
    fn nothing_is_begun_after_the_deadline() {
        let patience = Patience { wait: LIMITS.wait, deadline: Instant::now() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [listener.local_addr().unwrap()];
        let result = Connection::open(addresses.into_iter(), patience);
        assert!(matches!(result, Err(FetchErrorKind::TimedOut)));
    }

    #[test]
    fn every_address_of_a_host_is_tried() {
        let patience = Patience { wait: LIMITS.wait, deadline: Instant::now() + LIMITS.total };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        // In use, though not for listening, so nobody else can come to listen there.
        let client = TcpStream::connect(open).unwrap();
        let closed = client.local_addr().unwrap();
        assert!(Connection::open([closed, closed, open].into_iter(), patience).is_ok());
        let result = Connection::open([closed, closed].into_iter(), patience);
        assert!(matches!(result, Err(FetchErrorKind::Refused)));
        let result = Connection::open([].into_iter(), patience);
        assert!(matches!(result, Err(FetchErrorKind::NoSuchHost(_))));
    }
}
