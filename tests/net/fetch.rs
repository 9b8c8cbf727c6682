//! `fetch_url` against servers on loopback that send hand-written bytes. What it makes of a URL and of an answer is
//! tested beside its code.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use pool_recipes::net::{FetchError, fetch_url};

use crate::support::client::peek;

/// A server that gives one answer, and the request that it got.
struct Server {
    authority: String,
    request: Receiver<String>,
}

impl Server {
    fn new(addr: &str, mut answer: impl Read + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let authority = listener.local_addr().unwrap().to_string();
        let (sender, request) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // All of it, so that closing the stream doesn't reset it.
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let lines: String = lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect();
            // Errors mean that the test is over, or that the client has seen enough.
            let _ = sender.send(lines);
            let _ = io::copy(&mut answer, &mut stream);
        });
        Ok(Self { authority, request })
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.authority)
    }
}

const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nend";

#[test]
fn the_request_asks_for_one_plain_page() {
    for addr in ["127.0.0.1:0", "[::1]:0"] {
        // The second needs a system with IPv6.
        let Ok(server) = Server::new(addr, ANSWER) else { continue };
        assert_eq!(fetch_url(&server.url("/a/b?c=d&e#fragment")).unwrap(), b"end");
        let fields = format!("Host: {}\nAccept-Encoding: identity\nConnection: close\n", server.authority);
        assert_eq!(server.request.recv().unwrap(), format!("GET /a/b?c=d&e HTTP/1.0\n{fields}"));
    }
}

#[test]
fn an_empty_path_asks_for_the_root() {
    for (target, asked) in [("", "/"), ("?q", "/?q"), ("#f", "/"), ("/?#/", "/?")] {
        let server = Server::new("127.0.0.1:0", ANSWER).unwrap();
        // The scheme may be in capitals.
        let url = server.url(target).replace("http", "HTTP");
        assert_eq!(fetch_url(&url).unwrap(), b"end");
        assert!(server.request.recv().unwrap().starts_with(&format!("GET {asked} HTTP/1.0\n")), "{target}");
    }
}

#[test]
fn a_reset_is_not_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // To close a socket with a request in it unread resets the connection, on Linux for certain.
    thread::spawn(move || peek(&listener.accept().unwrap().0));
    let failure = fetch_url(&url).unwrap_err().to_string();
    assert!(!failure.contains("timed out"), "{failure}");
}

#[test]
fn a_short_greeting_is_not_waited_on() {
    let (silent, _test) = crate::connection();
    // Otherwise this would be a timeout.
    let server = Server::new("127.0.0.1:0", b"+OK".chain(silent)).unwrap();
    let failure = fetch_url(&server.url("/")).unwrap_err().to_string();
    assert!(failure.ends_with(": not HTTP: it does not begin with HTTP/1."), "{failure}");
}

#[test]
fn an_error_is_whole_and_crosses_threads() {
    fn check<T: Error + Send + Sync + 'static>() {}
    check::<FetchError>();
    let error = fetch_url("http://user:secret@x/").unwrap_err();
    assert_eq!(error.to_string(), "http://***@x/: bad URL: it must name a host, and no user");
    assert!(!format!("{error:?}").contains("secret") && error.source().is_none(), "{error:?}");
}
