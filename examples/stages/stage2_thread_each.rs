//! Stage 2: a thread for each job.
//!
//! `submit` returns at once, and all jobs run at the same time. But nothing limits the number of threads.

use std::thread;

/// Runs a job on a thread of its own.
// new: another thread runs the job (`Send`), perhaps after the caller has returned. So the job may borrow nothing that
// the caller owns (`'static`).
pub fn submit(job: impl FnOnce() + Send + 'static) {
    thread::spawn(job);
}
