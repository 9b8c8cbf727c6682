//! Keeps a worker busy for as long as a test needs it busy.

use std::sync::mpsc;

use pool_recipes::Executor;

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
