//! `fetch_url` against servers on loopback that send hand-written bytes.

use pool_recipes::net::FetchErrorKind::{
    self, BadUrl, CutShort, Https, NoSuchHost, NotHttp, Refused, Status, TooLarge, TooManyRedirects,
};
use pool_recipes::net::{FetchError, fetch_url};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, repeat};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

const MIB: u64 = 1 << 20;

/// A server that gives one answer a connection, and the requests it got.
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
                // Nobody listens any more where the test is over.
                let _ = sender.send(request(&stream));
                // A client that has seen enough hangs up.
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

    /// The targets that were asked for, in order.
    fn targets(&self) -> Vec<String> {
        self.requests.try_iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
    }
}

/// All of a request, so that closing the stream doesn't reset it.
fn request(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// What comes of a server that gives this answer.
fn fetch(answer: impl Read + Send + 'static) -> Result<Vec<u8>, FetchErrorKind> {
    fetch_url(&Server::new([answer]).url("/")).map_err(|error| error.kind)
}

fn fetch_head(head: &str) -> Result<Vec<u8>, FetchErrorKind> {
    fetch(io::Cursor::new(format!("{head}\r\n\r\n")))
}

fn ok(head: &str, body: &'static str) -> Result<Vec<u8>, FetchErrorKind> {
    fetch(io::Cursor::new(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")))
}

fn redirect(location: &str) -> io::Cursor<String> {
    io::Cursor::new(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n"))
}

fn end() -> io::Cursor<String> {
    io::Cursor::new("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend".into())
}

/// A body in one coding or the other that goes on for longer than any is allowed to.
fn endless(head: &'static str, byte: u8) -> impl Read + Send + 'static {
    head.as_bytes().chain(repeat(byte).take(64 * MIB))
}

#[test]
fn the_request_names_the_host_and_asks_to_close() {
    let server = Server::new([end()]);
    fetch_url(&server.url("/a/b?c=d&e#fragment")).unwrap();
    let request = server.requests.recv().unwrap();
    let expected = format!("GET /a/b?c=d&e HTTP/1.1\nHost: {}\nUser-Agent: ", server.authority);
    assert!(request.starts_with(&expected), "{request}");
    assert!(request.ends_with("\nAccept: */*\nConnection: close\n"), "{request}");
}

#[test]
fn an_empty_path_asks_for_the_root() {
    let server = Server::new([end(), end(), end()]);
    for target in ["", "?q", "#f"] {
        assert_eq!(fetch_url(&server.url(target)).unwrap(), b"end");
    }
    assert_eq!(server.targets(), ["/", "/?q", "/"]);
}

#[test]
fn the_scheme_may_be_in_capitals() {
    let server = Server::new([end()]);
    assert_eq!(fetch_url(&format!("HTTP://{}/", server.authority)).unwrap(), b"end");
}

#[test]
fn an_ipv6_literal_keeps_its_brackets() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return println!("not run: this machine has no IPv6 loopback");
    };
    let server = Server::on(listener, [end()]);
    assert_eq!(fetch_url(&server.url("/")).unwrap(), b"end");
    assert!(server.requests.recv().unwrap().contains("\nHost: [::1]:"));
}

#[test]
fn what_is_no_http_url_is_refused() {
    let urls = [
        "",
        "127.0.0.1/",
        "//127.0.0.1/",
        "http:127.0.0.1",
        "http:/127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://",
        "http:///path",
        "http://?query",
        "http://:80/",
        "http://user@127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:+80/",
        "http://127.0.0.1:80:80/",
        "http://127.0.0.1:http/",
        "http://::1/",
        "http://[::1/",
        "http://::1]/",
        "http://[]/",
        "http://[::g]/",
        "http://[::1]80/",
        "http://[127.0.0.1]/",
        "http://127.0.0.1\\@example.org/",
        "http://a,b/",
        "http://127.0.0.1/ HTTP/1.1\r\nX: y",
        "http://127.0.0.1/\r\nX:y",
        "http://127.0.0.1/\n",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\t",
        "http://127.0.0.1/\0",
        "http://127.0.0.1/\x7f",
        "http://127.0.0.1/ä",
        " http://127.0.0.1/",
    ];
    for url in urls {
        let error = fetch_url(url).unwrap_err();
        assert!(matches!(error.kind, BadUrl(_)), "{error}");
        assert_eq!(error.url, url);
    }
}

#[test]
fn user_information_is_refused_by_name() {
    for url in ["http://user@x/", "http://user:password@x:80/"] {
        assert_eq!(fetch_url(url).unwrap_err().to_string(), format!("{url}: bad URL: it names a user"));
    }
}

#[test]
fn https_is_refused_for_want_of_tls() {
    for url in ["https://x/", "HTTPS://x/"] {
        let error = fetch_url(url).unwrap_err();
        assert!(matches!(error.kind, Https));
        assert_eq!(error.to_string(), format!("{url}: std has no TLS, so only http works"));
    }
}

#[test]
fn a_name_that_no_host_can_have_is_no_such_host() {
    // Longer than any name may be, so that no name server is asked.
    let error = fetch_url(&format!("http://{}.invalid/", "a".repeat(300))).unwrap_err();
    assert!(matches!(error.kind, NoSuchHost(_)), "{error}");
    assert!(error.to_string().ends_with(".invalid/: no such host"));
    assert!(error.source().unwrap().is::<io::Error>());
}

#[test]
fn a_closed_port_refuses() {
    // A port that is in use, though not for listening, so nobody else can come to listen there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let url = format!("http://{}/", client.local_addr().unwrap());
    let error = fetch_url(&url).unwrap_err();
    assert!(matches!(error.kind, Refused), "{error}");
    assert_eq!(error.to_string(), format!("{url}: connection refused"));
}

#[test]
fn an_error_escapes_what_a_url_cannot_hold() {
    let error = fetch_url("http://x/\x1b[2J\n").unwrap_err();
    assert!(error.to_string().starts_with("http://x/\\u{1b}[2J\\n: bad URL: "), "{error}");
}

#[test]
fn an_error_can_cross_threads() {
    fn check<T: Error + Send + Sync + 'static>() {}
    check::<FetchError>();
}

#[test]
fn a_body_ends_where_its_length_says() {
    assert_eq!(ok("Content-Length: 5", "hello, and more").unwrap(), b"hello");
    assert_eq!(ok("content-length:5", "hello").unwrap(), b"hello");
    assert_eq!(ok("Content-Length: 0", "hello").unwrap(), b"");
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    assert_eq!(ok("Content-Type: text/plain", "hello").unwrap(), b"hello");
    assert_eq!(ok("Content-Type: text/plain", "").unwrap(), b"");
}

#[test]
fn chunks_are_joined_and_what_surrounds_them_is_dropped() {
    let body = "5;name=\"value\"\r\nhello\r\nA  ;x\r\n, chunked \r\n1\r\n!\r\n00\r\nTrailer: x\r\n\r\nmore";
    assert_eq!(ok("Transfer-Encoding: Chunked", body).unwrap(), b"hello, chunked !");
}

#[test]
fn chunks_count_more_than_a_length() {
    let head = "Content-Length: 3\r\nTransfer-Encoding: chunked";
    assert_eq!(ok(head, "5\r\nhello\r\n0\r\n\r\n").unwrap(), b"hello");
}

#[test]
fn another_coding_is_refused() {
    for coding in
        ["gzip", "gzip, chunked", "identity", "chunked, chunked", "chunked\r\nTransfer-Encoding: x", ""]
    {
        let answer = ok(&format!("Transfer-Encoding: {coding}"), "0\r\n\r\n");
        assert!(matches!(answer, Err(NotHttp(_))), "{coding}: {answer:?}");
    }
}

#[test]
fn a_length_may_be_said_twice() {
    assert_eq!(ok("Content-Length: 5, 05\r\nContent-Length: 5", "hello").unwrap(), b"hello");
}

#[test]
fn a_length_that_is_not_one_number_is_refused() {
    for length in
        ["-5", "+5", "5 5", "5, 6", "5\r\nContent-Length: 6", "5,", ",5", "", "0x5", "5.0", "five", "٥"]
    {
        let answer = ok(&format!("Content-Length: {length}"), "hello");
        assert!(matches!(answer, Err(NotHttp(_))), "{length}: {answer:?}");
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_the_body_comes() {
    for length in ["16777217", "18446744073709551615", "18446744073709551616", "99999999999999999999999999"] {
        let answer = ok(&format!("Content-Length: {length}"), "");
        assert!(matches!(answer, Err(TooLarge { limit: 16_777_216 })), "{length}: {answer:?}");
    }
}

#[test]
fn a_body_may_fill_the_limit() {
    let body = |head: &'static str, size| fetch(head.as_bytes().chain(repeat(b'x').take(size)));
    let with_length = "HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n";
    assert_eq!(body(with_length, 16 * MIB).unwrap().len(), 16 << 20);
    let until_close = "HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(body(until_close, 16 * MIB).unwrap().len(), 16 << 20);
    assert!(matches!(body(until_close, 16 * MIB + 1), Err(TooLarge { .. })));
}

#[test]
fn a_body_that_never_ends_is_refused() {
    let until_close = "HTTP/1.1 200 OK\r\n\r\n";
    let in_one_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff0\r\n";
    let in_an_extension = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    let in_a_trailer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: ";
    for head in [until_close, in_one_chunk, in_an_extension, in_a_trailer] {
        let answer = fetch(endless(head, b'x'));
        assert!(matches!(answer, Err(TooLarge { limit: 16_777_216 })), "{head}: {answer:?}");
    }
}

#[test]
fn a_chunk_size_that_overflows_is_refused() {
    for size in ["ffffffffffffffff", "10000000000000000", "fffffffffffffffffffffffffffffff"] {
        let answer = ok("Transfer-Encoding: chunked", format!("{size}\r\nhello").leak());
        assert!(matches!(answer, Err(TooLarge { .. })), "{size}: {answer:?}");
    }
    // Together with the five before, this size makes four in 64 bits.
    let answer = ok("Transfer-Encoding: chunked", "5\r\nhello\r\nffffffffffffffff\r\nhello");
    assert!(matches!(answer, Err(TooLarge { .. })), "{answer:?}");
}

#[test]
fn chunks_that_are_not_framed_are_refused() {
    let bodies = [
        "\r\nhello",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        ";x\r\nhello\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let answer = ok("Transfer-Encoding: chunked", body);
        assert!(matches!(answer, Err(NotHttp(_))), "{body}: {answer:?}");
    }
}

#[test]
fn a_body_cut_short_is_an_error() {
    let answer = ok("Content-Length: 6", "hello");
    assert!(matches!(answer, Err(CutShort)), "{answer:?}");
    for body in ["", "5", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
        let answer = ok("Transfer-Encoding: chunked", body);
        assert!(matches!(answer, Err(CutShort)), "{body}: {answer:?}");
    }
}

#[test]
fn a_head_cut_short_is_an_error() {
    for head in
        ["", "HT", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"]
    {
        let answer = fetch(head.as_bytes());
        assert!(matches!(answer, Err(CutShort)), "{head}: {answer:?}");
    }
}

#[test]
fn what_does_not_speak_http_1_is_named_so() {
    let tls_alert = b"\x15\x03\x01\0\x02\x02\x28".as_slice();
    let greetings = [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "220 ESMTP\r\n",
        "hi",
        "HTTP/2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
    ];
    for greeting in greetings.map(str::as_bytes).into_iter().chain([tls_alert]) {
        let answer = fetch(greeting);
        assert!(matches!(answer, Err(NotHttp(_))), "{}: {answer:?}", greeting.escape_ascii());
    }
}

#[test]
fn a_head_that_breaks_the_grammar_is_refused() {
    let heads = [
        "HTTP/1.1",
        "HTTP/1.1 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200 OK\r\nno field",
        "HTTP/1.1 200 OK\r\n: no name",
        "HTTP/1.1 200 OK\r\nContent-Length : 5",
        "HTTP/1.1 200 OK\r\n folded: onto nothing",
        "HTTP/1.1 200 OK\r\nX: a bare \r carriage return",
        "HTTP/1.1 200 OK\r\nX: \0",
    ];
    for head in heads {
        let answer = fetch_head(head);
        assert!(matches!(answer, Err(NotHttp(_))), "{head}: {answer:?}");
    }
}

#[test]
fn lines_may_end_without_a_carriage_return() {
    assert_eq!(fetch(b"HTTP/1.0 200\nContent-Length: 5\n\nhello\n".as_slice()).unwrap(), b"hello");
}

#[test]
fn a_folded_field_is_one() {
    let head = "Content-Length:\r\n\t5,\r\n 5\r\nTransfer-Encoding:\r\n chunked";
    assert_eq!(ok(head, "2\r\nhi\r\n0\r\n\r\n").unwrap(), b"hi");
    assert_eq!(ok("Content-Length: 2,\r\n  2", "hi, there").unwrap(), b"hi");
}

#[test]
fn a_field_need_not_be_utf_8() {
    assert_eq!(fetch(b"HTTP/1.1 200 \xff\r\n\xfe: \xfd\r\n\r\nhello".as_slice()).unwrap(), b"hello");
}

#[test]
fn an_endless_header_is_refused() {
    for head in ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: "] {
        let answer = fetch(endless(head, b'x'));
        assert!(matches!(answer, Err(TooLarge { limit: 65_536 })), "{head}: {answer:?}");
    }
    let answer = fetch(io::Cursor::new("HTTP/1.1 200 OK\r\n".to_owned() + &"a:b\r\n".repeat(100_000)));
    assert!(matches!(answer, Err(TooLarge { limit: 65_536 })), "{answer:?}");
}

#[test]
fn interim_answers_are_skipped() {
    let interim =
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let answer = interim.as_bytes().chain(end());
    assert_eq!(fetch(answer).unwrap(), b"end");
}

#[test]
fn endless_interim_answers_are_refused() {
    let answer = fetch(io::Cursor::new("HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000)));
    assert!(matches!(answer, Err(TooLarge { limit: 65_536 })), "{answer:?}");
}

#[test]
fn no_content_is_an_empty_body() {
    assert_eq!(fetch_head("HTTP/1.1 204 No Content\r\nContent-Length: 5").unwrap(), b"");
}

#[test]
fn any_2xx_is_a_success() {
    assert_eq!(fetch(b"HTTP/1.1 299 Odd\r\n\r\nhello".as_slice()).unwrap(), b"hello");
}

#[test]
fn any_other_status_is_an_error() {
    for status in [0, 99, 300, 304, 305, 400, 404, 500, 503, 600, 999] {
        let answer = fetch_head(&format!("HTTP/1.1 {status:03} Status\r\nLocation: /elsewhere"));
        assert!(matches!(answer, Err(Status(code)) if code == status), "{status}: {answer:?}");
    }
}

#[test]
fn an_error_reads_as_a_sentence() {
    let server = Server::new([b"HTTP/1.1 404 Not Found\r\n\r\n".as_slice()]);
    let url = server.url("/lost");
    assert_eq!(fetch_url(&url).unwrap_err().to_string(), format!("{url}: status 404"));
}

#[test]
fn a_redirect_without_a_location_is_an_error() {
    let answer = fetch_head("HTTP/1.1 302 Found");
    assert!(matches!(answer, Err(Status(302))), "{answer:?}");
}

#[test]
fn every_kind_of_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let moved = io::Cursor::new(format!("HTTP/1.1 {status} Moved\r\nlocation: /new\r\n\r\n"));
        let server = Server::new([moved, end()]);
        assert_eq!(fetch_url(&server.url("/old")).unwrap(), b"end");
        assert_eq!(server.targets(), ["/old", "/new"]);
    }
}

#[test]
fn a_relative_redirect_starts_from_the_page_it_is_on() {
    let cases = [
        ("/x?y#z", "/x?y"),
        ("x", "/a/x"),
        ("../x/./y", "/x/y"),
        ("?y", "/a/b?y"),
        ("x:80", "bad URL"),
        ("", "/a/b?c"),
        ("//HOST/x", "/x"),
        ("//HOST", "/"),
        ("HTTP://HOST/x", "/x"),
    ];
    for (location, target) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let location = location.replace("HOST", &listener.local_addr().unwrap().to_string());
        let server = Server::on(listener, [redirect(&location), end()]);
        match fetch_url(&server.url("/a/b?c")) {
            Ok(body) => {
                assert_eq!((&body[..], &server.targets()[1][..]), (&b"end"[..], target), "{location}");
            }
            Err(error) => assert!(error.to_string().contains(target), "{error}"),
        }
    }
}

#[test]
fn a_redirect_may_lead_to_another_server() {
    let there = Server::new([end()]);
    let here = Server::new([redirect(&there.url("/there"))]);
    assert_eq!(fetch_url(&here.url("/here")).unwrap(), b"end");
    assert!(there.requests.recv().unwrap().contains(&format!("\nHost: {}\n", there.authority)));
}

#[test]
fn a_redirect_to_https_is_refused_and_both_urls_are_named() {
    let server = Server::new([redirect("https://x/")]);
    let error = fetch_url(&server.url("/")).unwrap_err();
    assert!(matches!(error.kind, Https));
    let expected =
        format!("{}, redirected to https://x/: std has no TLS, so only http works", server.url("/"));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_redirect_cannot_leave_the_request_line() {
    for location in ["/ HTTP/1.1", "/ä", "http://user@x/", "/\u{9b}2J"] {
        let server = Server::new([redirect(location)]);
        let error = fetch_url(&server.url("/")).unwrap_err();
        assert!(matches!(error.kind, BadUrl(_)), "{error}");
        assert!(error.to_string().is_ascii());
    }
}

#[test]
fn two_locations_are_refused() {
    let server = Server::new([redirect("/a\r\nLocation: /b")]);
    let error = fetch_url(&server.url("/")).unwrap_err();
    assert!(matches!(error.kind, BadUrl(_)), "{error}");
}

#[test]
fn ten_redirects_are_followed() {
    let hops = (1..=10).map(|hop| redirect(&format!("/{hop}"))).chain([end()]);
    let server = Server::new(hops);
    assert_eq!(fetch_url(&server.url("/0")).unwrap(), b"end");
    assert_eq!(server.targets().last().unwrap(), "/10");
}

#[test]
fn a_redirect_loop_ends_after_ten() {
    let server = Server::new((0..20).map(|_| redirect("/again")));
    let error = fetch_url(&server.url("/again")).unwrap_err();
    assert!(matches!(error.kind, TooManyRedirects), "{error}");
    assert_eq!(server.targets().len(), 11);
}
