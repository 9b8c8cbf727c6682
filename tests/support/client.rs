//! A client on the loopback.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use super::time::TOO_LONG;

/// Connects, so that a server that never answers is a failure and not a hang.
pub fn connect(addr: impl ToSocketAddrs) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(TOO_LONG)).unwrap();
    stream.set_write_timeout(Some(TOO_LONG)).unwrap();
    stream
}

/// `length` bytes, in which a lost, doubled or moved buffer shows: they don't repeat with its size.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// What is left to read.
pub fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    rest
}

/// Sends `bytes`, closes this half, and reads to the end, all at once: the server can't wait for either.
pub fn exchange(mut stream: &TcpStream, bytes: &[u8]) -> Vec<u8> {
    thread::scope(|scope| {
        scope.spawn(move || {
            stream.write_all(bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        rest(stream)
    })
}

/// Sends one byte and waits for it: after this the server is serving the client.
pub fn round_trip(mut stream: &TcpStream) {
    stream.write_all(b"?").unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"?");
}

/// A client that is being served.
pub fn served(addr: impl ToSocketAddrs) -> TcpStream {
    let client = connect(addr);
    round_trip(&client);
    client
}

/// Waits until the server has sent a byte, and leaves it unread.
pub fn peek(stream: &TcpStream) {
    assert_eq!(again_if_interrupted(|| stream.peek(&mut [0])).unwrap(), 1);
}

/// Lets so much time pass, in which the server must send nothing.
pub fn pause(mut stream: &TcpStream, time: Duration) {
    stream.set_read_timeout(Some(time)).unwrap();
    let error = again_if_interrupted(|| stream.read(&mut [0])).unwrap_err();
    // Unix and Windows differ in what a socket's timeout is called.
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(TOO_LONG)).unwrap();
}

/// The end of a process that a test has started interrupts what waits on a socket with a timeout.
fn again_if_interrupted(mut f: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match f() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
