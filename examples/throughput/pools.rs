//! The pools of this process, all of which can run the same tasks.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use pool_recipes::{Executor, SharedReceiver};

use crate::stage8_whole_pool as stage8;

/// What a task does with its number.
pub type Work = fn(usize) -> usize;

/// A pool under test.
pub trait Pool: Sync {
    /// Submits so many tasks, waits for all their results, and adds these up.
    fn sum(&self, tasks: usize, work: Work) -> io::Result<usize>;

    /// Runs a task that submits the next one and waits for it, and so on. False if the pool can't do it.
    fn chain(&self, _depth: usize) -> bool {
        false
    }
}

impl dyn Pool + '_ {
    /// The same as `sum`, for tasks that return their number.
    pub fn run(&self, tasks: usize, work: Work) -> io::Result<()> {
        if self.sum(tasks, work)? == tasks * (tasks - 1) / 2 {
            return Ok(());
        }
        Err(io::Error::other("a result is lost"))
    }
}

/// A pool of each kind, in the order of the table.
pub fn all(workers: usize) -> Result<[Box<dyn Pool>; 5], Box<dyn Error>> {
    Ok([
        Box::new(Arc::new(Executor::new(workers)?)),
        Box::new(stage8::Pool::new(workers, 2 << 20)?),
        Box::new(shared_receiver(workers)?),
        Box::new(mutex(workers)?),
        Box::new(ThreadEach),
    ])
}

impl Pool for Arc<Executor> {
    fn sum(&self, tasks: usize, work: Work) -> io::Result<usize> {
        let handles: Vec<_> = (0..tasks).map(|n| self.submit(move || work(n))).collect();
        handles.into_iter().map(|handle| handle.result().map_err(io::Error::other)).sum()
    }

    fn chain(&self, depth: usize) -> bool {
        let pool = Arc::clone(self);
        depth == 0 || self.submit(move || pool.chain(depth - 1)).result().unwrap_or(false)
    }
}

impl Pool for stage8::Pool {
    fn sum(&self, tasks: usize, work: Work) -> io::Result<usize> {
        let handles: Vec<_> = (0..tasks).map(|n| self.submit(move || work(n))).collect();
        handles
            .into_iter()
            .map(|handle| handle.result().map_err(|_| io::Error::other("a task panicked")))
            .sum()
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// A pool of closures: no handles, no panics caught. Dropping it closes the channel, which ends the workers.
struct Bare {
    jobs: mpsc::Sender<Job>,
}

fn shared_receiver(workers: usize) -> io::Result<Bare> {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let receiver = SharedReceiver::new(receiver);
    for _ in 0..workers {
        let receiver = receiver.clone();
        thread::Builder::new().spawn(move || receiver.for_each(|job| job()))?;
    }
    Ok(Bare { jobs })
}

fn mutex(workers: usize) -> io::Result<Bare> {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..workers {
        let receiver = Arc::clone(&receiver);
        thread::Builder::new().spawn(move || {
            loop {
                let job = receiver.lock().unwrap().recv();
                let Ok(job) = job else { break };
                job();
            }
        })?;
    }
    Ok(Bare { jobs })
}

impl Pool for Bare {
    fn sum(&self, tasks: usize, work: Work) -> io::Result<usize> {
        let (results, all) = mpsc::channel();
        for n in 0..tasks {
            let results = results.clone();
            let job = move || results.send(work(n)).unwrap_or(());
            self.jobs.send(Box::new(job)).map_err(|_| io::Error::other("all workers are gone"))?;
        }
        drop(results);
        Ok(all.iter().sum())
    }
}

/// No pool: a thread for each task.
struct ThreadEach;

impl Pool for ThreadEach {
    fn sum(&self, tasks: usize, work: Work) -> io::Result<usize> {
        let threads: io::Result<Vec<_>> =
            (0..tasks).map(|n| thread::Builder::new().spawn(move || work(n))).collect();
        threads?
            .into_iter()
            .map(|thread| thread.join().map_err(|_| io::Error::other("a task panicked")))
            .sum()
    }

    fn chain(&self, depth: usize) -> bool {
        let next = move || ThreadEach.chain(depth - 1);
        depth == 0 || thread::Builder::new().spawn(next).is_ok_and(|thread| thread.join().unwrap_or(false))
    }
}
