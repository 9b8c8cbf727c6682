//! Stage 3: one worker and a channel.
//!
//! A worker is a thread that runs many jobs. It receives them from a channel, in the order submitted. But it
//! runs only one at a time.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

// new: every closure has a type of its own. In a box, all of them fit into one channel.
type Job = Box<dyn FnOnce() + Send>;

// new: the pool keeps the sending end of the channel.
pub struct Pool {
    jobs: Sender<Job>,
}

// new: the worker has the receiving end.
impl Pool {
    /// Starts the worker.
    pub fn new() -> Pool {
        let (jobs, receiver) = mpsc::channel();
        thread::spawn(move || work(&receiver));
        Pool { jobs }
    }

    /// Queues a job.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("a worker should be alive");
    }
}

// new: `recv` waits for a job. It returns an error when the pool is gone and the channel is empty.
fn work(receiver: &Receiver<Job>) {
    while let Ok(job) = receiver.recv() {
        job();
    }
}
