//! What a test waits for, and how long.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// After this long a test has failed. Nothing waits for it in a test that passes.
pub const TOO_LONG: Duration = Duration::from_secs(30);

/// Waits until it is so. Otherwise the test fails, and says what was to come.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < TOO_LONG, "{what}: not yet");
        thread::yield_now();
    }
}

/// What `f` returns. If it hangs, or panics, the test fails.
pub fn ends<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    background(f)()
}

/// Runs `f` on a thread of its own. Call what this returns to have what `f` does.
pub fn background<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(f()));
    move || receiver.recv_timeout(TOO_LONG).expect("it hangs, or it panicked")
}
