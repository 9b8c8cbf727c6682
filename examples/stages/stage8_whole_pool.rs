//! Stage 8: the whole pool on one page.
//!
//! A job's panic is caught. The worker lives, and the handle returns the panic. The library's pool adds what
//! this page leaves out: cancelling, a bounded queue, and jobs that may wait for their own pool.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::{io, mem};

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
    // new: a stack size in bytes, and an error if a thread can't be started.
    pub fn new(workers: usize, stack_size: usize) -> io::Result<Pool> {
        if workers == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "0 workers: a pool needs at least one"));
        }
        let (jobs, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut pool = Pool { jobs, workers: Workers(Vec::new()) };
        for n in 0..workers {
            let receiver = Arc::clone(&receiver);
            // new: a name and a stack. On an error, `?` drops `pool`, which joins the workers started so far.
            let thread = thread::Builder::new().name(format!("worker-{n}")).stack_size(stack_size);
            pool.workers.0.push(thread.spawn(move || work(&receiver))?);
        }
        Ok(pool)
    }

    /// Queues a job.
    pub fn submit<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        let (sender, result) = mpsc::channel();
        let job = move || {
            // new: a panic is caught, and is a result too.
            let result = panic::catch_unwind(AssertUnwindSafe(f));
            // An error means that the handle was dropped: nobody wants the result.
            let _ = sender.send(result);
        };
        self.jobs.send(Box::new(job)).expect("a worker should be alive");
        Handle { result }
    }
}

/// The receiving end of the job's channel.
pub struct Handle<T> {
    // new: what the job returned, or what it panicked with.
    result: Receiver<thread::Result<T>>,
}

impl<T> Handle<T> {
    /// Waits for the result.
    // new: there always is one, because every job runs and every panic is caught.
    pub fn result(self) -> thread::Result<T> {
        self.result.recv().expect("every job should send its result")
    }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        // This statement drops the guard at its end. So `job` runs without the lock.
        let job = receiver.lock().unwrap().recv();
        let Ok(job) = job else { break };
        // new: if the handle is gone, `job` drops its result, and that may panic as well. `forget` leaks the payload of
        // this second panic, because to drop it may panic again.
        mem::forget(panic::catch_unwind(AssertUnwindSafe(job)));
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
