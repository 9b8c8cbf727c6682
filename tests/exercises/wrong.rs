//! Wrong answers, each with a mistake that people make.

#![allow(clippy::pedantic, reason = "they are wrong")]

use std::io;
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pool_recipes::{Executor, Handle, Scope, TaskError};

use crate::yours::{Cost, Job, Take, Waiter, Work};

/// The guard is a temporary of the `while let`, and lives as long as its body.
pub fn work_in_while_let(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
}

/// The workers wait for the sender to be dropped, and this function drops it at its end.
pub fn finish_by_joining_first(_jobs: Sender<Job>, workers: Vec<JoinHandle<()>>) {
    workers.into_iter().for_each(|worker| _ = worker.join());
}

/// To drop a `JoinHandle` is not to wait.
pub fn finish_without_joining(jobs: Sender<Job>, workers: Vec<JoinHandle<()>>) {
    drop((jobs, workers));
}

/// A worker that has panicked is no reason to panic, nor to leave the others.
pub fn finish_and_unwrap(jobs: Sender<Job>, workers: Vec<JoinHandle<()>>) {
    drop(jobs);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}

/// The order in which tasks are submitted is not the order in which they finish.
pub fn print_all_in_order(pool: &Executor, fetches: Vec<Work>, print: &mut dyn FnMut(u32)) {
    let handles: Vec<_> = fetches.into_iter().map(|fetch| pool.submit(fetch)).collect();
    handles.into_iter().filter_map(|handle| handle.result().ok()).for_each(print);
}

/// A job that panics never gets to its `notify_all`.
pub fn submit_and_lose_panics(jobs: &Sender<Job>, work: Work) -> Waiter {
    submit(jobs, work, |result, ended| {
        ended.wait_while(result.lock().unwrap(), |result| result.is_none()).unwrap().unwrap()
    })
}

/// If the notification comes before the wait, it wakes nobody.
pub fn submit_and_always_wait(jobs: &Sender<Job>, work: Work) -> Waiter {
    submit(jobs, work, |result, ended| ended.wait(result.lock().unwrap()).unwrap().unwrap())
}

fn submit(jobs: &Sender<Job>, work: Work, wait: fn(&Mutex<Option<u32>>, &Condvar) -> u32) -> Waiter {
    let shared = Arc::new((Mutex::new(None), Condvar::new()));
    let waiting = Arc::clone(&shared);
    let job = move || {
        *shared.0.lock().unwrap() = Some(work());
        shared.1.notify_all();
    };
    jobs.send(Box::new(job)).unwrap();
    Box::new(move || Ok(wait(&waiting.0, &waiting.1)))
}

/// The recipe's own: nothing counts the threads.
pub fn serve_any_number(clients: Receiver<Job>, _limit: usize) {
    clients.into_iter().for_each(|client| _ = thread::spawn(client));
}

/// A panic skips the line that frees the place.
pub fn serve_and_lose_places(clients: Receiver<Job>, limit: usize) {
    let served = Arc::new(Mutex::new(0));
    for client in clients {
        let served = Arc::clone(&served);
        if *served.lock().unwrap() < limit {
            *served.lock().unwrap() += 1;
            thread::spawn(move || {
                client();
                *served.lock().unwrap() -= 1;
            });
        }
    }
}

pub type Within = Result<Result<u32, TaskError>, Handle<u32>>;

/// A task that runs can't be cancelled, and `result` waits for it.
pub fn result_within_or_later(handle: Handle<u32>, timeout: Duration) -> Within {
    let _ = handle.wait_timeout(timeout) || handle.cancel();
    Ok(handle.result())
}

/// The task will run, although nobody wants it any more.
pub fn result_within_without_cancel(handle: Handle<u32>, timeout: Duration) -> Within {
    if handle.wait_timeout(timeout) { Ok(handle.result()) } else { Err(handle) }
}

/// The pool doesn't know that its worker waits for a task.
pub fn sort_through_a_channel(pool: &Arc<Executor>, mut numbers: Vec<u32>) -> Vec<u32> {
    if numbers.len() > 1 {
        let right = numbers.split_off(numbers.len() / 2);
        let (inner, (send, sorted)) = (Arc::clone(pool), mpsc::channel());
        pool.submit(move || send.send(sort_through_a_channel(&inner, right)));
        numbers = sort_through_a_channel(pool, numbers);
        numbers.extend(sorted.recv().unwrap());
        numbers.sort_unstable();
    }
    numbers
}

/// It sorts, but no task has a part in it.
pub fn sort_alone(_pool: &Arc<Executor>, mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers
}

/// The second half begins when the first has ended.
pub fn sum_one_after_the_other<'scope>(pool: &Scope<'scope>, costs: &'scope [Cost]) -> u32 {
    let Some((first, rest)) = costs.split_first() else { return 0 };
    let inner = pool.clone();
    pool.submit(move || sum_one_after_the_other(&inner, rest)).result().unwrap() + first()
}

/// Each read and each write has the whole limit for itself.
pub fn echo_with_a_limit_per_call(stream: TcpStream, limit: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    io::copy(&mut &stream, &mut &stream).map(|_| ())
}

/// A write waits too, when the client doesn't read.
pub fn echo_with_patient_writes(stream: TcpStream, limit: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    io::copy(&mut &stream, &mut &stream).map(|_| ())
}

/// With one thread there is one order of steps, and `take` is right in it.
pub fn model_of_one_thread(take: Take) {
    loom::model(move || assert!(take(&loom::sync::Mutex::new(vec![1])).is_some()));
}

/// loom's locks work only inside `loom::model`.
pub fn model_without_loom(take: Take) {
    assert!(take(&loom::sync::Mutex::new(vec![1])).is_some());
}
