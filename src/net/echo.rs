//! Echo one connection.

use std::io::{self, ErrorKind, Read, Write};

/// The most bytes read at a time, as in the recipe's `sock.recv(65536)`.
const BUFFER_SIZE: usize = 65_536;

/// Send every byte of `stream` back to its peer, until the stream ends, and return how many bytes that were.
///
/// Reads up to 65,536 bytes at a time and writes them before it reads on, so a peer that sends without ever
/// reading stops being read. Waits for the peer both ways, for as long as the stream itself does.
///
/// # Errors
///
/// The first error of a read or a write, save [`ErrorKind::Interrupted`], after which it tries again.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{Shutdown, TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(listener.local_addr()?)?;
/// let (mut stream, _) = listener.accept()?;
///
/// client.write_all(b"hello")?;
/// client.shutdown(Shutdown::Write)?;
/// assert_eq!(pool_recipes::net::echo(&mut stream)?, 5);
/// drop(stream);
///
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert_eq!(answer, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn echo(stream: &mut (impl Read + Write)) -> io::Result<u64> {
    // On the heap: the recipe runs workers whose whole stack is as big as this buffer.
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut echoed = 0;
    loop {
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Ok(echoed),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        stream.write_all(&buffer[..length])?;
        // A stream that buffers would keep the answer back while the peer waits for it.
        stream.flush()?;
        echoed += length as u64;
    }
}
