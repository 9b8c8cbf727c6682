//! What the operating system says a process uses.

use std::io::ErrorKind;
use std::{fs, io, process};

/// The threads and the memory of a process, at one moment.
///
/// Linux tells them in `/proc`: see [proc_pid_status(5)]. The kernel adds up the resident bytes in batches, so on some
/// versions they lag by a few hundred KiB. The memory that the kernel itself needs for a thread isn't in these figures.
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
#[non_exhaustive]
pub struct Usage {
    /// How many threads it has, including the main thread (`Threads`).
    pub threads: usize,
    /// How many bytes of addresses it has reserved, used or not (`VmSize`).
    pub virtual_bytes: u64,
    /// How many bytes of real memory it has (`VmRSS`).
    pub resident_bytes: u64,
}

impl Usage {
    /// Return the usage of this process.
    ///
    /// # Errors
    ///
    /// As [`Usage::of`].
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, Usage};
    ///
    /// let _pool = Executor::new(8).unwrap();
    /// match Usage::current() {
    ///     Ok(usage) => assert!(usage.threads > 8), // the workers and the main thread
    ///     Err(error) => println!("{error}"),       // not on Linux
    /// }
    /// ```
    pub fn current() -> io::Result<Self> {
        Self::of(process::id())
    }

    /// Return the usage of the process `pid`.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if the system isn't Linux. [`NotFound`](ErrorKind::NotFound) if there is
    /// no such process; if `pid` is the number of a thread; or if the process has no memory, because it has ended and
    /// its parent hasn't waited for it yet, or because it is the kernel's own. Any other error in reading the files is
    /// passed on. Each error names `pid`.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::Usage;
    ///
    /// match Usage::of(std::process::id()) {
    ///     Ok(usage) => println!("{} of {} bytes are real", usage.resident_bytes, usage.virtual_bytes),
    ///     Err(error) => println!("{error}"), // not on Linux, or no such process
    /// }
    /// ```
    pub fn of(pid: u32) -> io::Result<Self> {
        let usage = if cfg!(target_os = "linux") {
            Self::of_tasks(pid)
        } else {
            Err(io::Error::new(ErrorKind::Unsupported, "only Linux says what a process uses"))
        };
        usage.map_err(|error| io::Error::new(error.kind(), format!("process {pid}: {error}")))
    }

    /// Each thread's file tells the figures of the whole process. The main thread's comes first, but it has none if the
    /// main thread has left while others go on.
    fn of_tasks(pid: u32) -> io::Result<Self> {
        let path = format!("/proc/{pid}/task");
        let tasks =
            fs::read_dir(&path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
        Self::of_statuses(pid, tasks.map(|task| fs::read(task?.path().join("status"))))
    }

    fn of_statuses(pid: u32, statuses: impl Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<Self> {
        let not_found = |why| Err(io::Error::new(ErrorKind::NotFound, why));
        for status in statuses {
            // The name of the process is in it too, and may be any bytes.
            let status = match status {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(error),
            };
            if value(&status, "Tgid:") != Some(pid.into()) {
                return not_found("it is a thread of another process");
            }
            if let Some(usage) = Self::parse(&status) {
                return Ok(usage);
            }
        }
        not_found("it has no memory, because it has ended or is the kernel's own")
    }

    fn parse(status: &str) -> Option<Self> {
        // The unit in the file is kB, by which the kernel means 1,024 bytes.
        let bytes = |name| value(status, name)?.checked_mul(1024);
        Some(Self {
            threads: value(status, "Threads:")?.try_into().ok()?,
            virtual_bytes: bytes("VmSize:")?,
            resident_bytes: bytes("VmRSS:")?,
        })
    }
}

/// The number in the line of `status` that begins with `name`.
fn value(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Whether a thread left before its file was opened, or after that (ESRCH, which `std` has no name for).
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;

    const LEFT: &str = "Name:\tx\nState:\tZ (zombie)\nTgid:\t7\nPid:\t7\nThreads:\t2\n";
    const RUNS: &str = "Name:\tx\nTgid:\t7\nPid:\t8\nVmSize:\t   90 kB\nVmRSS:\t   13 kB\nThreads:\t2\n";

    fn of(pid: u32, statuses: &[Result<&str, i32>]) -> io::Result<Usage> {
        let status = |status: &Result<&str, i32>| match *status {
            Ok(text) => Ok(text.into()),
            Err(code) => Err(io::Error::from_raw_os_error(code)),
        };
        Usage::of_statuses(pid, statuses.iter().map(status))
    }

    #[test]
    fn a_process_may_outlive_its_main_thread() {
        let expected = Usage { threads: 2, virtual_bytes: 90 << 10, resident_bytes: 13 << 10 };
        assert_eq!(of(7, &[Ok(LEFT), Ok(RUNS)]).unwrap(), expected);
        assert_eq!(of(7, &[Ok(LEFT)]).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_process_may_have_any_name() {
        let named = [b"Name:\t\xff\\nThreads:\t9 VmRSS:\t1 kB\n", RUNS.as_bytes()].concat();
        assert_eq!(Usage::of_statuses(7, [Ok(named)].into_iter()).unwrap(), of(7, &[Ok(RUNS)]).unwrap());
    }

    #[test]
    fn a_thread_that_leaves_meanwhile_is_passed_over() {
        const ENOENT: i32 = 2;
        const ESRCH: i32 = 3;
        const EMFILE: i32 = 24;
        assert!(of(7, &[Err(ENOENT), Err(ESRCH), Ok(RUNS)]).is_ok());
        assert_eq!(of(7, &[Err(ESRCH)]).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(of(7, &[Err(EMFILE), Ok(RUNS)]).unwrap_err().raw_os_error(), Some(EMFILE));
    }

    #[test]
    fn a_file_of_an_ended_process_is_gone() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut file = File::open(format!("/proc/{}/status", child.id())).unwrap();
        // It ends when its input does.
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(is_gone(&file.read(&mut [0]).unwrap_err()));
    }
}
