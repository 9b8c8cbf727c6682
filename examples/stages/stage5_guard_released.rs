//! Stage 5: the guard is released before the job runs.
//!
//! All workers run jobs at the same time. But dropping the pool doesn't wait for the jobs. If `main` ends
//! then, they are lost.

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

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        // new: this statement drops the guard at its end. So `job` runs without the lock.
        let job = receiver.lock().unwrap().recv();
        let Ok(job) = job else { break };
        job();
    }
}
