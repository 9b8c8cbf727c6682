//! What the tests of the pool share.

// tests/memory.rs uses a part of it.
#![allow(dead_code)]

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use pool_recipes::Executor;

/// Long enough for whatever must happen, so that a test that would hang fails.
pub const LONG: Duration = Duration::from_secs(30);

/// Occupies one worker of `pool`; returns once it is occupied. Dropping what it returns sets the worker free.
pub fn occupy(pool: &Executor) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel();
    let (start, started) = mpsc::channel();
    pool.submit(move || {
        start.send(()).unwrap();
        // An error is the signal: the sender is gone.
        released.recv().unwrap_err();
    });
    started.recv().unwrap();
    release
}

/// What `f` returns. If it hangs, or panics, the test fails.
pub fn ends<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, heard) = mpsc::channel();
    thread::spawn(move || told.send(f()));
    heard.recv_timeout(LONG).expect("it hangs, or it panicked")
}

/// Counts this thread from now until it drops its thread-locals, which is the last thing that a thread does.
pub struct CountsItsThread(Arc<AtomicUsize>);

impl CountsItsThread {
    pub fn start(alive: &Arc<AtomicUsize>) {
        thread_local!(static LOCAL: RefCell<Option<CountsItsThread>> = const { RefCell::new(None) });
        alive.fetch_add(1, SeqCst);
        LOCAL.set(Some(Self(Arc::clone(alive))));
    }
}

impl Drop for CountsItsThread {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
