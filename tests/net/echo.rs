//! `echo` sends back what comes, whatever the stream does to it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::thread;

use pool_recipes::net::echo;

use crate::client::{bytes, exchange};
use crate::connection;

const BUFFER_SIZE: usize = 65_536;

#[test]
fn every_byte_comes_back_on_a_small_stack() {
    for length in [0, 1, BUFFER_SIZE, BUFFER_SIZE + 1, 4 << 20] {
        let (client, mut stream) = connection();
        // No larger than the buffer, which so must be elsewhere.
        let small = thread::Builder::new().stack_size(BUFFER_SIZE);
        let echoing = small.spawn(move || echo(&mut stream)).unwrap();
        assert!(exchange(&client, &bytes(length)) == bytes(length), "{length} bytes");
        assert_eq!(echoing.join().unwrap().unwrap(), length as u64);
    }
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
fn what_is_interrupted_is_tried_again() {
    let mut stream = Script::reading([interrupted(), Ok(b"to".into()), interrupted(), Ok(b"day".into())]);
    stream.writes = [interrupted(), Ok(1), interrupted()].into();
    assert_eq!(echo(&mut stream).unwrap(), 5);
    assert_eq!(stream.written, b"today", "a short write loses nothing either");
    assert_eq!(stream.asked, BUFFER_SIZE);
}

#[test]
fn any_other_error_ends_it_after_the_last_answer() {
    let mut stream = Script::reading([Ok(b"last words".into()), Err(ErrorKind::ConnectionReset.into())]);
    assert_eq!(echo(&mut stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.written, b"last words");

    let mut stream = Script::reading([Ok(b"unheard".into())]);
    stream.writes = [Err(ErrorKind::BrokenPipe.into())].into();
    assert_eq!(echo(&mut stream).unwrap_err().kind(), ErrorKind::BrokenPipe);
}
