//! A right answer to each exercise. The book quotes them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pool_recipes::{Executor, Handle, Scope, TaskError, as_completed};

use crate::yours::{Cost, Job, Take, Waiter, Work};

pub fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let job = receiver.lock().unwrap().recv();
        let Ok(job) = job else { break };
        job();
    }
}

pub fn finish(jobs: Sender<Job>, workers: Vec<JoinHandle<()>>) {
    drop(jobs); // closes the channel, so the workers return once it is empty
    for worker in workers {
        let _ = worker.join(); // an error if a panic has ended this worker
    }
}

pub fn print_all(pool: &Executor, fetches: Vec<Work>, print: &mut dyn FnMut(u32)) {
    let handles: Vec<_> = fetches.into_iter().map(|fetch| pool.submit(fetch)).collect();
    as_completed(handles).filter_map(|handle| handle.result().ok()).for_each(print);
}

pub fn submit(jobs: &Sender<Job>, work: Work) -> Waiter {
    let shared = Arc::new((Mutex::new(None), Condvar::new()));
    let waiting = Arc::clone(&shared);
    let job = move || {
        let result = catch_unwind(AssertUnwindSafe(work)); // without the lock
        *shared.0.lock().unwrap() = Some(result);
        shared.1.notify_all();
    };
    jobs.send(Box::new(job)).unwrap();
    Box::new(move || {
        let result = waiting.0.lock().unwrap();
        waiting.1.wait_while(result, |result| result.is_none()).unwrap().take().unwrap()
    })
}

pub fn serve(clients: Receiver<Job>, limit: usize) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for client in clients {
        threads.retain(|thread| !thread.is_finished());
        if threads.len() < limit {
            // On an error, the client is dropped. `thread::spawn` would panic.
            threads.extend(thread::Builder::new().spawn(client));
        }
    }
}

pub fn result_within(handle: Handle<u32>, timeout: Duration) -> Result<Result<u32, TaskError>, Handle<u32>> {
    if handle.wait_timeout(timeout) || handle.cancel() { Ok(handle.result()) } else { Err(handle) }
}

#[expect(clippy::stable_sort_primitive, reason = "it merges, and `sort_unstable` doesn't")]
pub fn sort(pool: &Arc<Executor>, mut numbers: Vec<u32>) -> Vec<u32> {
    if numbers.len() < 2 {
        return numbers;
    }
    let right = numbers.split_off(numbers.len() / 2);
    let inner = Arc::clone(pool);
    let right = pool.submit(move || sort(&inner, right));
    let mut sorted = sort(pool, numbers);
    sorted.extend(right.result().unwrap());
    sorted.sort(); // finds the two sorted halves, and merges them
    sorted
}

pub fn sum<'scope>(pool: &Scope<'scope>, costs: &'scope [Cost]) -> u32 {
    if costs.len() < 2 {
        return costs.iter().map(|cost| cost()).sum();
    }
    let (left, right) = costs.split_at(costs.len() / 2);
    let inner = pool.clone();
    let left = pool.submit(move || sum(&inner, left));
    sum(pool, right) + left.result().unwrap()
}

pub fn echo_within(mut stream: TcpStream, limit: Duration) -> io::Result<()> {
    let end = Instant::now() + limit;
    // A socket doesn't accept a timeout of zero.
    let left = || {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut) } else { Ok(Some(left)) }
    };
    let mut buffer = vec![0; 65_536];
    loop {
        stream.set_read_timeout(left()?)?;
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let mut sent = 0;
        while sent < read {
            stream.set_write_timeout(left()?)?;
            sent += stream.write(&buffer[sent..read])?;
        }
    }
}

pub fn model(take: Take) {
    loom::model(move || {
        let items = loom::sync::Arc::new(loom::sync::Mutex::new(vec![1]));
        let other = loom::sync::Arc::clone(&items);
        let taking = loom::thread::spawn(move || take(&other));
        let mine = take(&items);
        let theirs = taking.join().unwrap();
        assert!(mine.is_some() != theirs.is_some());
    });
}
