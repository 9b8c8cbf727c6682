//! Stage 7: results.
//!
//! `submit` returns a handle, and the handle waits for the result. But a job that panics ends its worker, and
//! the job's handle can't say why there is no result.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// Every closure has a type of its own. In a box, all of them fit into one channel.
type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run the jobs submitted. Dropping it waits for them.
pub struct Pool {
    // Fields are dropped from top to bottom: first the channel is closed, then the workers are joined.
    jobs: Sender<Job>,
    workers: Workers,
}

impl Pool {
    /// Starts the workers.
    pub fn new(workers: usize) -> Pool {
        let (jobs, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut pool = Pool { jobs, workers: Workers(Vec::new()) };
        for _ in 0..workers {
            let receiver = Arc::clone(&receiver);
            pool.workers.0.push(thread::spawn(move || work(&receiver)));
        }
        pool
    }

    /// Queues a job.
    // new: every job has a channel of its own, which carries its result to the handle.
    pub fn submit<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        let (sender, result) = mpsc::channel();
        let job = move || {
            // An error means that the handle was dropped: nobody wants the result.
            let _ = sender.send(f());
        };
        self.jobs.send(Box::new(job)).expect("a worker should be alive");
        Handle { result }
    }
}

// new: the receiving end of the job's channel.
pub struct Handle<T> {
    result: Receiver<T>,
}

impl<T> Handle<T> {
    /// Waits for the result.
    // new: a job that panics or never runs drops its sender. That closes the channel, and `recv` fails.
    pub fn result(self) -> Option<T> {
        self.result.recv().ok()
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

/// The workers' threads.
struct Workers(Vec<JoinHandle<()>>);

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in self.0.drain(..) {
            // This is an error if a panic has ended the worker. Nobody is left to be told.
            let _ = worker.join();
        }
    }
}
