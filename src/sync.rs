//! The one file through which `pool` uses `std`'s primitives.
//!
//! The code in `pool` says `use crate::sync::…`, so that the models in `tests/loom` can compile the same files over
//! loom's doubles of these names, and walk through every interleaving of them. Only `Arc` and `Weak` are `std`'s in
//! both: loom's `Arc` can't be coerced to `Arc<dyn Trait>`.

use std::fs;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic, mpsc};
use std::sync::{OnceLock, PoisonError};
pub(crate) use std::{thread, thread_local};

/// Locks `mutex`, poisoned or not: no user code runs under a lock of ours, so none can leave it half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a thread lets others run before it blocks: to block and be woken takes longer than most tasks do.
///
/// Most models set it to 0, where it would only add interleavings.
pub(crate) const fn yields_before_blocking() -> usize {
    50
}

/// About where the stack pointer stands: the address of something that lives on the stack.
#[inline(never)]
pub(crate) fn stack_pointer() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}

/// The bytes of a stack that are taken before the thread's first frame, by `std` and, with glibc and musl, by the
/// program's thread-locals.
///
/// They are the same for each thread, and so are measured once. Linux says in [`/proc/self/maps`] where a stack ends;
/// elsewhere, or if measuring fails, the answer is `None`.
///
/// [`/proc/self/maps`]: https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
pub(crate) fn stack_overhead() -> Option<usize> {
    /// More than the 40 MiB of old stacks that glibc keeps for new threads: this stack is new, and of this size.
    const SIZE: usize = 64 * 1024 * 1024;
    static MEASURED: OnceLock<Option<usize>> = OnceLock::new();
    *MEASURED.get_or_init(|| {
        let measure = || {
            let here = stack_pointer();
            let maps = fs::read_to_string("/proc/self/maps").ok()?;
            let end = maps.lines().find_map(|line| {
                let (start, end) = line.split_once(' ')?.0.split_once('-')?;
                let [start, end] =
                    [start, end].map(|address| usize::from_str_radix(address, 16).unwrap_or(0));
                (start..end).contains(&here).then_some(start)
            })?;
            SIZE.checked_sub(here - end)
        };
        thread::Builder::new().stack_size(SIZE).spawn(measure).ok()?.join().ok()?
    })
}
