//! An HTTP/1 answer, read from bytes that nobody vouches for
//! ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)).

use super::FetchErrorKind::{self, CutShort, NotHttp, Status, TooLarge};
use super::fetch::Limits;
use std::io::{BufRead, Read, Take};

pub(super) enum Answer {
    Body(Vec<u8>),
    Redirect(String),
}

/// Reads the one answer that counts, and its body only where there is one to hand on.
pub(super) fn read_answer(bytes: impl BufRead, limits: &Limits) -> Result<Answer, FetchErrorKind> {
    let mut reader = Reader { bytes: bytes.take(0), limit: 0 };
    reader.allow(limits.head);
    let mut head = reader.head()?;
    // Interim answers may come first (RFC 9110 section 15.2).
    while head.status / 100 == 1 {
        head = reader.head()?;
    }
    match (head.status, head.field("location")) {
        (204, _) => Ok(Answer::Body(Vec::new())),
        (200..=299, _) => {
            reader.allow(limits.body);
            reader.body(&head).map(Answer::Body)
        }
        (301 | 302 | 303 | 307 | 308, Some(location)) => Ok(Answer::Redirect(location)),
        (status, _) => Err(Status(status)),
    }
}

struct Head {
    status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Lines of the same name are one list (RFC 9110 section 5.3).
    fn field(&self, name: &str) -> Option<String> {
        let lines = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.trim_ascii().to_owned()).reduce(|list, value| list + ", " + &value)
    }
}

/// Reads everything through one `Take`, so that no answer, however it is made, is read without a limit.
struct Reader<R> {
    bytes: Take<R>,
    limit: u64,
}

impl<R: BufRead> Reader<R> {
    /// Lets `limit` more bytes in, and one on top: where that is used up, there was more than allowed.
    fn allow(&mut self, limit: u64) {
        self.limit = limit;
        self.bytes.set_limit(limit + 1);
    }

    fn too_large(&self) -> FetchErrorKind {
        TooLarge { limit: self.limit }
    }

    fn head(&mut self) -> Result<Head, FetchErrorKind> {
        let mut version = Vec::new();
        let read = self.exactly(7, &mut version);
        // Judged before `read` and before the line ends: who doesn't speak HTTP may send too little for either.
        if !b"HTTP/1.".starts_with(&version) {
            return Err(NotHttp("it does not begin with HTTP/1."));
        }
        read?;
        let line = self.line()?;
        let code = line.split(' ').nth(1).filter(|code| code.len() == 3).and_then(|code| number(code, 10));
        let status = code.and_then(|code| u16::try_from(code).ok()).ok_or(NotHttp("it has no status"))?;
        let mut head = Head { status, fields: Vec::new() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(head);
            }
            match (line.split_once(':'), head.fields.last_mut()) {
                // A folded line belongs to the one before it (RFC 9112 section 5.2).
                (_, Some((_, value))) if line.starts_with([' ', '\t']) => value.push_str(&line),
                (Some((name, value)), _) if !name.is_empty() && !name.contains([' ', '\t']) => {
                    head.fields.push((name.to_owned(), value.to_owned()));
                }
                _ => return Err(NotHttp("a line of its head is no field")),
            }
        }
    }

    /// How long a body is: RFC 9112 section 6.3.
    fn body(&mut self, head: &Head) -> Result<Vec<u8>, FetchErrorKind> {
        let mut body = Vec::new();
        // A length beside a coding doesn't count. It may be an attempt to smuggle a second answer in behind
        // the first, but this connection is closed after one.
        if let Some(coding) = head.field("transfer-encoding") {
            if !coding.eq_ignore_ascii_case("chunked") {
                return Err(NotHttp("its transfer coding is not chunked, and no other was asked for"));
            }
            self.chunks(&mut body)?;
        } else if let Some(list) = head.field("content-length") {
            let mut lengths = list.split(',').map(|length| number(length.trim_ascii(), 10));
            let length = lengths.next().flatten();
            // A length may be said twice, but not two lengths.
            match length.filter(|_| lengths.all(|other| other == length)) {
                Some(length) => self.exactly(length, &mut body)?,
                None => return Err(NotHttp("its Content-Length is not one number")),
            }
        } else {
            self.bytes.read_to_end(&mut body)?;
            if self.bytes.limit() == 0 {
                return Err(self.too_large());
            }
        }
        Ok(body)
    }

    /// RFC 9112 section 7.1, which lets extensions and trailers be passed over.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), FetchErrorKind> {
        loop {
            let line = self.line()?;
            let (size, _extensions) = line.split_once(';').unwrap_or((&line, ""));
            match number(size.trim_ascii_end(), 16) {
                Some(0) => break,
                Some(size) => self.exactly(size, body)?,
                None => return Err(NotHttp("a chunk's size is not a hexadecimal number")),
            }
            if !self.line()?.is_empty() {
                return Err(NotHttp("a chunk is longer than its size"));
            }
        }
        while !self.line()?.is_empty() {}
        Ok(())
    }

    /// Memory grows with what arrives, not with what was announced.
    fn exactly(&mut self, size: u64, into: &mut Vec<u8>) -> Result<(), FetchErrorKind> {
        if size >= self.bytes.limit() {
            return Err(self.too_large());
        }
        let read = self.bytes.by_ref().take(size).read_to_end(into)?;
        if read as u64 == size { Ok(()) } else { Err(CutShort) }
    }

    /// A line may end without its carriage return (RFC 9112 section 2.2), and is not always UTF-8.
    fn line(&mut self) -> Result<String, FetchErrorKind> {
        let mut line = Vec::new();
        self.bytes.read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(if self.bytes.limit() == 0 { self.too_large() } else { CutShort });
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(NotHttp("a line holds a control character"));
        }
        Ok(String::from_utf8_lossy(line).into_owned())
    }
}

/// A number without sign or space. One that no `u64` can hold exceeds every limit, so the largest stands for it.
fn number(digits: &str, radix: u32) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u64::from_str_radix(digits, radix).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher;
    use std::io::{BufReader, repeat};
    use std::time::Duration;

    const SMALL: Limits =
        Limits { wait: Duration::ZERO, total: Duration::ZERO, redirects: 0, head: 200, body: 100 };

    const VALID: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1a\r\n, and a chunk of 26 letters\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nX: a\r\n b\r\n\r\nuntil close",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    ];

    /// Marsaglia's xorshift: enough to choose mutations.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % end
        }

        fn mutate(&mut self, answer: &mut Vec<u8>) {
            let at = self.below(answer.len());
            let to = at + self.below(answer.len() - at).min(16);
            match self.below(5) {
                0 => answer[at] = b"\0\r\n \t:;,0-9afg+\xff"[self.below(16)],
                1 => answer.insert(at, b"\0\r\n \t:;,0-9afg+\xff"[self.below(16)]),
                2 => drop(answer.drain(at..to)),
                3 => answer.extend_from_within(at..to),
                _ => answer.truncate(at + 1),
            }
        }
    }

    fn summary(answer: Result<Answer, FetchErrorKind>) -> String {
        match answer {
            Ok(Answer::Body(body)) => {
                assert!(body.len() as u64 <= SMALL.body);
                format!("body {body:?}")
            }
            Ok(Answer::Redirect(location)) => format!("redirect {location}"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn the_frames_around_chunks_count_as_body() {
        let answer = |chunks| {
            let head = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n";
            let answer = head.to_owned() + &"1\nx\n".repeat(chunks) + "0\n\n";
            read_answer(answer.as_bytes(), &SMALL)
        };
        assert!(matches!(answer(24), Ok(Answer::Body(body)) if body.len() == 24));
        assert!(matches!(answer(25), Err(TooLarge { limit: 100 })));
    }

    #[test]
    fn no_mutation_of_an_answer_panics_or_outgrows_its_limits() {
        let random = || RandomState::new().hash_one(0) | 1;
        let seed = std::env::var("SEED").map_or_else(|_| random(), |seed| seed.parse().unwrap());
        println!("to repeat this: SEED={seed}");
        let mut random = Random(seed);
        for case in 0..5000 {
            let mut answer = VALID[case % VALID.len()].to_vec();
            for _ in 0..=random.below(4) {
                random.mutate(&mut answer);
            }
            let whole = summary(read_answer(&answer[..], &SMALL));
            let in_bytes = summary(read_answer(BufReader::with_capacity(1, &answer[..]), &SMALL));
            assert_eq!(whole, in_bytes, "{}", answer.escape_ascii());
            // No end of input helps this one to return.
            let byte = b"\n0:a"[random.below(4)];
            summary(read_answer(BufReader::new(answer.chain(repeat(byte))), &SMALL));
        }
    }
}
