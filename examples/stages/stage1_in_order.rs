//! Stage 1: one job after the other.
//!
//! `submit` runs the job itself. So the caller waits, and a slow job holds up every job behind it.

/// Runs a job.
pub fn submit(job: impl FnOnce()) {
    job();
}
