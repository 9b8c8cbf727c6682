//! `echo` sends back what comes, whatever the stream does to it.

use std::collections::VecDeque;
use std::io::ErrorKind::{self, BrokenPipe, ConnectionReset, Interrupted};
use std::io::{self, Read, Write};

use pool_recipes::net::echo;

const BUFFER_SIZE: usize = 65_536;

/// A stream whose first reads and writes, in their order, take so many bytes at most, or fail. Later ones take all.
#[derive(Default)]
struct Script {
    steps: VecDeque<Result<usize, ErrorKind>>,
    /// What is left to be read.
    input: &'static [u8],
    written: Vec<u8>,
    flushed: usize,
    /// The biggest read that was asked for.
    asked: usize,
}

impl Script {
    fn step(&mut self, length: usize) -> io::Result<usize> {
        Ok(self.steps.pop_front().unwrap_or(Ok(length))?.min(length))
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert_eq!(self.flushed, self.written.len(), "reads on before its answer is out");
        self.asked = self.asked.max(buffer.len());
        let length = self.step(buffer.len())?;
        self.input.read(&mut buffer[..length])
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.step(bytes.len())?;
        self.written.write(&bytes[..length])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = self.written.len();
        Ok(())
    }
}

#[test]
fn what_is_interrupted_or_short_is_tried_again() {
    let reads_and_writes =
        [Err(Interrupted), Ok(2), Err(Interrupted), Ok(1), Err(Interrupted), Ok(1), Err(Interrupted)];
    let mut stream = Script { steps: reads_and_writes.into(), input: b"today", ..Script::default() };
    assert_eq!(echo(&mut stream).unwrap(), 5);
    assert_eq!(stream.written, b"today");
    assert_eq!(stream.asked, BUFFER_SIZE);
}

#[test]
fn errors_end_it_after_the_last_answer() {
    for (steps, written) in [
        // A read, a write, and the read or write that fails.
        ([Ok(4), Ok(4), Err(ConnectionReset)], "last"),
        ([Ok(4), Ok(2), Err(BrokenPipe)], "la"),
    ] {
        let error = steps[2].unwrap_err();
        let mut stream = Script { steps: steps.into(), input: b"last words", ..Script::default() };
        assert_eq!(echo(&mut stream).unwrap_err().kind(), error);
        assert_eq!(stream.written, written.as_bytes());
    }
}
