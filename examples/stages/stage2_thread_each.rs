//! Stage 2: a thread for each job.
//!
//! `submit` returns at once, and all jobs run at the same time. But nothing limits the number of threads.

use std::thread;

/// Runs a job on a thread of its own.
// new: the job is sent to another thread (`Send`) that may outlive this call (`'static`).
pub fn submit(job: impl FnOnce() + Send + 'static) {
    thread::spawn(job);
}
