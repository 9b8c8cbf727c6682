//! `fetch_url` against servers on loopback that send hand-written bytes.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, repeat};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use pool_recipes::net::{FetchError, fetch_url};

const MIB: u64 = 1 << 20;
const TOO_LARGE: &str = "its head is larger than 64 KiB";
const BAD_LENGTH: &str = "its Content-Length must be one number, 16777216 at most";
const CUT_SHORT: &str = "the answer was cut short";
const NOT_HTTP: &str = "not HTTP: it does not begin with HTTP/1.";
const NO_STATUS: &str = "not HTTP: its first line has no status";
const NO_FIELD: &str = "not HTTP: a line of its head is no field";
const CODED: &str = "its body is coded, which was not asked for";
const BAD_HOST: &str = "bad URL: it must name a host, and no user";

/// A server that gives each answer to one connection, and the requests it got.
struct Server {
    authority: String,
    requests: Receiver<String>,
}

impl Server {
    fn on<A: Read>(listener: TcpListener, answers: impl IntoIterator<Item = A> + Send + 'static) -> Self {
        let authority = listener.local_addr().unwrap().to_string();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for mut answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                // Errors mean that the test is over, or that the client has seen enough.
                let _ = sender.send(request(&stream));
                let _ = io::copy(&mut answer, &mut stream);
            }
        });
        Self { authority, requests }
    }

    fn new<A: Read>(answers: impl IntoIterator<Item = A> + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.authority)
    }
}

/// All of a request, so that closing the stream doesn't reset it.
fn request(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// What comes of a URL: the body, or the error without the URL.
fn outcome(url: &str) -> Result<Vec<u8>, String> {
    fetch_url(url).map_err(|error| error.to_string().replacen(&format!("{url}: "), "", 1))
}

/// What comes of a server that gives this answer.
fn fetch(answer: impl Read + Send + 'static) -> Result<Vec<u8>, String> {
    outcome(&Server::new([answer]).url("/"))
}

fn fetch_head(head: &str) -> Result<Vec<u8>, String> {
    fetch(io::Cursor::new(format!("{head}\r\n\r\n")))
}

fn ok(head: &str, body: &str) -> Result<Vec<u8>, String> {
    fetch(io::Cursor::new(format!("HTTP/1.0 200 OK\r\n{head}\r\n\r\n{body}")))
}

fn err(text: &str) -> Result<Vec<u8>, String> {
    Err(text.to_owned())
}

const END: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nend";

#[test]
fn the_request_asks_for_one_plain_page() {
    let server = Server::new([END]);
    fetch_url(&server.url("/a/b?c=d&e#fragment")).unwrap();
    let fields = format!("Host: {}\nAccept-Encoding: identity\nConnection: close\n", server.authority);
    assert_eq!(server.requests.recv().unwrap(), format!("GET /a/b?c=d&e HTTP/1.0\n{fields}"));
}

#[test]
fn an_empty_path_asks_for_the_root() {
    for (target, asked) in [("", "/"), ("?q", "/?q"), ("#f", "/"), ("/?#/", "/?")] {
        let server = Server::new([END]);
        // The scheme may be in capitals.
        let url = server.url(target).replace("http", "HTTP");
        assert_eq!(fetch_url(&url).unwrap(), b"end");
        assert!(server.requests.recv().unwrap().starts_with(&format!("GET {asked} HTTP/1.0\n")), "{target}");
    }
}

#[test]
fn an_ipv6_literal_keeps_its_brackets() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return println!("not run: this machine has no IPv6 loopback");
    };
    let server = Server::on(listener, [END]);
    assert_eq!(fetch_url(&server.url("/")).unwrap(), b"end");
    assert!(server.requests.recv().unwrap().contains("\nHost: [::1]:"));
}

#[test]
fn what_is_no_http_url_is_refused() {
    let no_scheme = "bad URL: it does not begin with http://";
    for url in ["127.0.0.1/", "//127.0.0.1/", "http:127.0.0.1", "http:/127.0.0.1/", "ftp://127.0.0.1/"] {
        assert_eq!(outcome(url), err(no_scheme), "{url}");
    }
    assert_eq!(fetch_url("").unwrap_err().to_string(), format!("\"\": {no_scheme}"));
    for url in ["http://", "http:///path", "http://?query", "http://:80/", "http://::1/", "http://a,b/"] {
        assert_eq!(outcome(url), err(BAD_HOST), "{url}");
    }
    for port in ["65536", "-1", "80:x", "http", "["] {
        assert_eq!(outcome(&format!("http://127.0.0.1:{port}/")), err("invalid port value"), "{port}");
    }
    assert_eq!(outcome("http://127.0.0.1:+80/"), err(BAD_HOST));
}

#[test]
fn a_url_cannot_leave_the_request_line() {
    for end in [" HTTP/1.0\r\nX: y", "\r\nX:y", "\n", "a b", "\t", "\0", "\x7f", "ä", "\u{9b}2J"] {
        let error = fetch_url(&format!("http://127.0.0.1/{end}")).unwrap_err().to_string();
        assert!(error.ends_with(": bad URL: it must be of visible ASCII characters, at most 8,000"));
        assert!(error.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{error:?}");
    }
}

#[test]
fn https_is_refused_for_want_of_tls() {
    for url in ["https://x/", "HTTPS://x/"] {
        assert_eq!(outcome(url), err("std has no TLS, so only http works"));
    }
}

#[test]
fn a_password_is_not_shown() {
    for (url, shown) in [
        ("http://user:secret@x/@y", "http://***@x/@y"),
        ("https://secret@x", "https://***@x"),
        ("http://http:secret@secret@x?y", "http://***@x?y"),
        ("secret@x", "***@x"),
    ] {
        let error = fetch_url(url).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{shown}: ")), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    assert_eq!(fetch_url("http://user@x/").unwrap_err().to_string(), format!("http://***@x/: {BAD_HOST}"));
}

#[test]
fn a_long_url_is_refused_and_not_shown_whole() {
    let server = Server::new([END]);
    let fill = |length| server.url("/") + &"x".repeat(length - server.url("/").len());
    assert_eq!(fetch_url(&fill(8_000)).unwrap(), b"end");
    for length in [8_001, 700_000] {
        let error = fetch_url(&fill(length)).unwrap_err().to_string();
        assert!(error.ends_with("at most 8,000") && error.len() < 300, "{error}");
    }
}

#[test]
fn a_name_that_no_host_can_have_is_an_error() {
    // A part longer than any may be, so that no name server is asked.
    let url = format!("http://{}.invalid/", "a".repeat(100));
    let failure = outcome(&url).unwrap_err();
    assert!(failure.starts_with("failed to lookup address information") || cfg!(windows), "{failure}");
}

#[test]
fn a_closed_port_refuses() {
    // The accepted side's port, on which nothing listens any more. It isn't one that a connection may get.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    drop(listener);
    let failure = outcome(&format!("http://{}/", accepted.local_addr().unwrap())).unwrap_err();
    assert!(failure.contains("refused"), "{failure}");
}

#[test]
fn a_connection_to_itself_is_no_page() {
    // A connection to a closed port may get that port as its own. Then the request comes back.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        io::copy(&mut &stream, &mut &stream)
    });
    assert_eq!(outcome(&url), err(NOT_HTTP));
}

#[test]
fn an_error_can_cross_threads() {
    fn check<T: Error + Send + Sync + 'static>() {}
    check::<FetchError>();
    assert!(fetch_url("").unwrap_err().source().is_none(), "its text has all of it");
}

#[test]
fn a_body_ends_where_its_length_says() {
    assert_eq!(ok("Content-Length: 5", "hello, and more").unwrap(), b"hello");
    assert_eq!(ok("content-length:05\t", "hello").unwrap(), b"hello");
    assert_eq!(ok("Content-Length: 0", "hello").unwrap(), b"");
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    assert_eq!(ok("Content-Type: text/plain", "hello").unwrap(), b"hello");
    assert_eq!(ok("Content-Type: text/plain", "").unwrap(), b"");
}

#[test]
fn a_coded_body_is_refused() {
    for coding in
        ["gzip", "chunked", "gzip\r\nContent-Encoding: identity", "", "Identity\r\nContent-Encoding: br"]
    {
        assert_eq!(ok(&format!("Content-Encoding: {coding}"), "\x1f"), err(CODED), "{coding}");
        assert_eq!(ok(&format!("Transfer-Encoding: {coding}"), "0\r\n\r\n"), err(CODED), "{coding}");
    }
    assert_eq!(ok("Content-Encoding: identity\r\nTransfer-Encoding: Identity", "hello").unwrap(), b"hello");
}

#[test]
fn a_length_must_be_one_number_within_the_limit() {
    let not_one = ["", "-5", "+5", "5 5", "5, 5", "0x5", "5.0", "٥", "5\r\nContent-Length: 5"];
    let too_large = ["16777217", "18446744073709551615", "18446744073709551616"];
    for length in not_one.into_iter().chain(too_large) {
        assert_eq!(ok(&format!("Content-Length: {length}"), "hello"), err(BAD_LENGTH), "{length}");
    }
}

#[test]
fn a_body_may_fill_the_limit_exactly() {
    let body = |head: &'static str, size| fetch(head.as_bytes().chain(repeat(b'x').take(size)));
    let with_length = "HTTP/1.0 200 OK\r\nContent-Length: 16777216\r\n\r\n";
    assert_eq!(body(with_length, 16 * MIB).unwrap().len(), 16 << 20);
    let without = "HTTP/1.0 200 OK\r\n\r\n";
    assert_eq!(body(without, 16 * MIB).unwrap().len(), 16 << 20);
    for size in [16 * MIB + 1, 64 * MIB] {
        assert_eq!(body(without, size).map(|body| body.len()), Err("its body is larger than 16 MiB".into()));
    }
}

#[test]
fn an_answer_cut_short_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n";
    for answer in ["", "HT", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n", head] {
        assert_eq!(fetch(answer.as_bytes()), err(CUT_SHORT), "{answer}");
    }
    for body in ["", "hell"] {
        assert_eq!(ok("Content-Length: 5", body), err(CUT_SHORT), "{body}");
    }
}

#[test]
fn what_does_not_speak_http_1_is_named_so() {
    let tls_alert = b"\x15\x03\x01\0\x02\x02\x28".as_slice();
    let greetings = ["SSH-2.0-OpenSSH_9.9\r\n", "hi", "HTTP/2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n"];
    for greeting in greetings.map(str::as_bytes).into_iter().chain([tls_alert]) {
        assert_eq!(fetch(greeting), err(NOT_HTTP), "{}", greeting.escape_ascii());
    }
}

#[test]
fn a_short_greeting_is_not_waited_on() {
    let (silent, _test) = crate::connection();
    // Otherwise this would be a timeout.
    assert_eq!(fetch(b"+OK".chain(silent)), err(NOT_HTTP));
}

#[test]
fn a_head_that_breaks_the_grammar_is_refused() {
    let lines = ["", " OK", " 20 OK", " 2000 OK", "  200 OK", " 2x0 OK", "junk 200 OK", "\n: x"];
    for line in lines {
        assert_eq!(fetch_head(&format!("HTTP/1.1{line}")), err(NO_STATUS), "{line}");
    }
    for field in ["no field", ": no name", "Content-Length : 5", " folded: onto", "\tfolded", "X\u{b}y"] {
        assert_eq!(ok(&format!("X: y\r\n{field}"), "hello"), err(NO_FIELD), "{field}");
    }
}

#[test]
fn an_old_or_foreign_head_is_understood() {
    assert_eq!(fetch(b"HTTP/1.0 200\nContent-Length: 5\n\nhello\n".as_slice()).unwrap(), b"hello");
    assert_eq!(fetch(b"HTTP/1.1 200 \xff\r\nX: \xfd\r\n\r\n\xfchello".as_slice()).unwrap(), b"\xfchello");
}

#[test]
fn an_endless_head_is_refused() {
    for head in ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: "] {
        assert_eq!(fetch(head.as_bytes().chain(repeat(b'x').take(4 * MIB))), err(TOO_LARGE), "{head}");
    }
    let fields = "HTTP/1.1 200 OK\r\n".to_owned() + &"a:b\r\n".repeat(100_000);
    assert_eq!(fetch(io::Cursor::new(fields)), err(TOO_LARGE));
}

#[test]
fn any_2xx_is_a_success() {
    assert_eq!(fetch(b"HTTP/1.1 299 Odd\r\n\r\nhello".as_slice()).unwrap(), b"hello");
    assert_eq!(fetch_head("HTTP/1.1 204 No Content").unwrap(), b"");
}

#[test]
fn any_other_status_is_an_error() {
    for status in ["000", "099", "100", "101", "103", "300", "302", "304", "404", "500", "600", "999"] {
        let answer = format!("HTTP/1.1 {status} S\r\nContent-Encoding: br\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(fetch(io::Cursor::new(answer)), err(&format!("status {status}")));
    }
}

#[test]
fn a_redirect_names_where_it_leads() {
    for status in [301, 302, 303, 307, 308] {
        let moved = |to| fetch_head(&format!("HTTP/1.1 {status} Moved\r\nlocation: {to}"));
        assert_eq!(moved("https://x/y"), err(&format!("status {status}, a redirect to https://x/y")));
        assert!(moved("\x1b[2J\u{9b}").unwrap_err().ends_with("a redirect to \\u{1b}[2J\\u{9b}"));
        assert!(moved(&"x".repeat(10_000)).unwrap_err().len() < 300);
    }
    assert_eq!(fetch_head("HTTP/1.1 404 Lost\r\nLocation: /elsewhere"), err("status 404"));
}
