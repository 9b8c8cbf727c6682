//! Stage 4: many workers, and the guard is held while a job runs.
//!
//! All jobs run, but still only one at a time. The reason is the loop in `work`.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

/// Every closure has a type of its own. In a box, all of them fit into one channel.
type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run the jobs submitted.
pub struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    /// Starts the workers.
    // new: a receiver can't be cloned, so all workers share one. A worker locks it to receive a job.
    pub fn new(workers: usize) -> Pool {
        let (jobs, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..workers {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver));
        }
        Pool { jobs }
    }

    /// Queues a job.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("a worker should be alive");
    }
}

// new: `lock` returns a guard. `while let` keeps the guard until its body ends. So `job` runs under the lock.
fn work(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
}
