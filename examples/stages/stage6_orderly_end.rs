//! Stage 6: an orderly end.
//!
//! Dropping the pool closes the channel and joins the workers. The workers run every job that is still in the
//! channel, and then they end. But what a job computes is lost, because `submit` returns nothing.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// Every closure has a type of its own. In a box, all of them fit into one channel.
type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run the jobs submitted. Dropping it waits for them.
pub struct Pool {
    // new: fields are dropped from top to bottom: first the channel is closed, then the workers are joined.
    jobs: Sender<Job>,
    workers: Workers,
}

impl Pool {
    /// Starts the workers.
    pub fn new(workers: usize) -> Pool {
        let (jobs, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        // new: the pool keeps the `JoinHandle` of each worker.
        let mut pool = Pool { jobs, workers: Workers(Vec::new()) };
        for _ in 0..workers {
            let receiver = Arc::clone(&receiver);
            pool.workers.0.push(thread::spawn(move || work(&receiver)));
        }
        pool
    }

    /// Queues a job.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("a worker should be alive");
    }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        // This statement drops the guard at its end. So `job` runs without the lock.
        let job = receiver.lock().unwrap().recv();
        let Ok(job) = job else { break };
        job();
    }
}

// new: the workers' threads.
struct Workers(Vec<JoinHandle<()>>);

// new: joining a thread waits until it has ended.
impl Drop for Workers {
    fn drop(&mut self) {
        for worker in self.0.drain(..) {
            // This is an error if a panic has ended the worker. Nobody is left to be told.
            let _ = worker.join();
        }
    }
}
