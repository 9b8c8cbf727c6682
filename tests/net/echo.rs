//! `echo` sends back what comes, whatever the stream does to it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::thread;

use pool_recipes::net::echo;

use crate::client::{bytes, exchange, round_trip};
use crate::connection;

const BUFFER_SIZE: usize = 65_536;

#[test]
fn every_byte_comes_back() {
    for length in [0, 1, BUFFER_SIZE, BUFFER_SIZE + 1, 4 << 20] {
        let (client, mut stream) = connection();
        let echoing = thread::spawn(move || echo(&mut stream));
        assert!(exchange(&client, &bytes(length)) == bytes(length), "{length} bytes");
        assert_eq!(echoing.join().unwrap().unwrap(), length as u64);
    }
}

#[test]
fn an_answer_does_not_wait_for_more() {
    let (client, mut stream) = connection();
    let echoing = thread::spawn(move || echo(&mut stream));
    for _ in 0..100 {
        round_trip(&client);
    }
    drop(client);
    assert_eq!(echoing.join().unwrap().unwrap(), 100);
}

#[test]
fn the_buffer_is_not_on_the_stack() {
    let (client, mut stream) = connection();
    let echoing = thread::Builder::new().stack_size(BUFFER_SIZE).spawn(move || echo(&mut stream)).unwrap();
    exchange(&client, &bytes(BUFFER_SIZE));
    assert_eq!(echoing.join().unwrap().unwrap(), BUFFER_SIZE as u64);
}

/// A stream whose reads and writes fare as a test says.
#[derive(Default)]
struct Script {
    /// What each read yields; after them the end.
    reads: VecDeque<io::Result<Vec<u8>>>,
    /// How each write ends: how many bytes it takes at most, or its error. After them each takes all.
    writes: VecDeque<io::Result<usize>>,
    written: Vec<u8>,
    flushed: usize,
    /// The biggest read that was asked for.
    asked: usize,
}

impl Script {
    fn reading(reads: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> Self {
        Self { reads: reads.into_iter().collect(), ..Self::default() }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert_eq!(self.flushed, self.written.len(), "reads on before its answer is out");
        self.asked = self.asked.max(buffer.len());
        let bytes = self.reads.pop_front().unwrap_or(Ok(Vec::new()))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.writes.pop_front().unwrap_or(Ok(bytes.len()))?.min(bytes.len());
        self.written.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = self.written.len();
        Ok(())
    }
}

fn interrupted<T>() -> io::Result<T> {
    Err(ErrorKind::Interrupted.into())
}

#[test]
fn an_interrupted_read_or_write_is_tried_again() {
    let mut stream = Script::reading([interrupted(), Ok(b"to".into()), interrupted(), Ok(b"day".into())]);
    stream.writes = [interrupted(), Ok(2), interrupted()].into();
    assert_eq!(echo(&mut stream).unwrap(), 5);
    assert_eq!(stream.written, b"today");
}

#[test]
fn a_short_write_loses_nothing() {
    let mut stream = Script::reading([Ok(bytes(1_000))]);
    stream.writes = (0..900).map(|_| Ok(1)).collect();
    assert_eq!(echo(&mut stream).unwrap(), 1_000);
    assert_eq!(stream.written, bytes(1_000));
}

#[test]
fn a_read_error_comes_after_the_last_answer() {
    let mut stream = Script::reading([Ok(b"last words".into()), Err(ErrorKind::ConnectionReset.into())]);
    assert_eq!(echo(&mut stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.written, b"last words");
}

#[test]
fn a_write_error_is_returned() {
    let mut stream = Script::reading([Ok(b"unheard".into())]);
    stream.writes = [Err(ErrorKind::BrokenPipe.into())].into();
    assert_eq!(echo(&mut stream).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_read_asks_for_65_536_bytes() {
    let mut stream = Script::default();
    echo(&mut stream).unwrap();
    assert_eq!(stream.asked, BUFFER_SIZE);
}
