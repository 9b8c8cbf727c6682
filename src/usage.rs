//! What the operating system says a process uses.

use std::io::ErrorKind;
use std::{fs, io, process};

/// The threads and the memory of a process, at one moment.
///
/// Linux says it, in `/proc/PID/status`: see [proc_pid_status(5)]. The kernel adds up the resident bytes in batches,
/// so that on some versions they lag by a few hundred KiB. Its own memory for a thread isn't in these figures.
///
/// [proc_pid_status(5)]: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
///
/// use pool_recipes::Usage;
///
/// match Usage::current() {
///     Ok(usage) => println!("{} threads, {} bytes resident", usage.threads, usage.resident_bytes),
///     Err(error) if error.kind() == ErrorKind::Unsupported => println!("{error}"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many threads it has, the main thread among them (`Threads`).
    pub threads: usize,
    /// How many bytes of addresses it has reserved, used or not (`VmSize`).
    pub virtual_bytes: u64,
    /// How many bytes of real memory it has (`VmRSS`).
    pub resident_bytes: u64,
}

impl Usage {
    /// What this process uses.
    ///
    /// # Errors
    ///
    /// As [`Usage::of`].
    pub fn current() -> io::Result<Self> {
        Self::of(process::id())
    }

    /// What the process `pid` uses.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) where the system isn't Linux;
    /// [`NotFound`](ErrorKind::NotFound) if there is no such process, or if it has no memory: it has ended, and its
    /// parent has not waited for it yet, or it is one of the kernel's own. Any error in reading the file is passed on.
    /// Each names `pid`.
    pub fn of(pid: u32) -> io::Result<Self> {
        let error = |kind, what: &str| io::Error::new(kind, format!("process {pid}: {what}"));
        if cfg!(not(target_os = "linux")) {
            return Err(error(ErrorKind::Unsupported, "only Linux says what a process uses"));
        }
        let path = format!("/proc/{pid}/status");
        let status = fs::read(&path).map_err(|e| error(e.kind(), &format!("{path}: {e}")))?;
        // The name of the process stands there too, and may be any bytes.
        Self::parse(&String::from_utf8_lossy(&status))
            .ok_or_else(|| error(ErrorKind::NotFound, "no memory: it has ended, or is the kernel's own"))
    }

    fn parse(status: &str) -> Option<Self> {
        let value = |name| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()
        };
        // The unit in the file is kB, by which the kernel means 1,024 bytes.
        let bytes = |name| value(name)?.parse::<u64>().ok()?.checked_mul(1024);
        Some(Self {
            threads: value("Threads:")?.parse().ok()?,
            virtual_bytes: bytes("VmSize:")?,
            resident_bytes: bytes("VmRSS:")?,
        })
    }
}
