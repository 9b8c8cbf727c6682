//! Your answers: write each in place of its `todo!()`.
//!
//! The exercise in the book names the command that grades it. You need `std`, the public names of this library and, in
//! chapter 11, loom.

#![allow(unused_variables, clippy::needless_pass_by_value, reason = "an unwritten answer uses nothing")]

use std::io;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pool_recipes::{Executor, Handle, Scope, TaskError};

/// What a worker runs.
pub type Job = Box<dyn FnOnce() + Send>;
/// A job with a result.
pub type Work = Box<dyn FnOnce() -> u32 + Send>;
/// The smallest handle: call it to wait for the result.
pub type Waiter = Box<dyn FnOnce() -> thread::Result<u32> + Send>;
/// A number that has to be computed. It can be borrowed, but not cloned.
pub type Cost = Box<dyn Fn() -> u32 + Send + Sync>;
/// Takes an item out of a list that several threads share.
pub type Take = fn(&loom::sync::Mutex<Vec<u32>>) -> Option<u32>;

/// Chapter 2: the loop of a worker.
///
/// Several threads call `work` with the same receiver. Each of them runs one job after the other, at the same time as
/// the others do. `work` returns when the channel is closed and empty.
pub fn work(receiver: &Mutex<Receiver<Job>>) {
    todo!()
}

/// Chapter 2: the orderly end of a pool. `jobs` is its last sender. The threads `workers` run [`work`].
///
/// When `finish` returns, the workers have run every job that was sent, and have ended. One of them may have ended
/// earlier, by a panic. Then `finish` still waits for the others, and doesn't panic.
pub fn finish(jobs: Sender<Job>, workers: Vec<JoinHandle<()>>) {
    todo!()
}

/// Chapter 3: fetches all pages at the same time, and prints each as soon as it is there.
///
/// A fetch returns the size of its page; call `print` with it. A fetch that panics is left out. `print_all` returns
/// when every fetch has ended.
pub fn print_all(pool: &Executor, fetches: Vec<Work>, print: &mut dyn FnMut(u32)) {
    todo!()
}

/// Chapter 3: sends a job that runs `work`, and returns a handle. Build it from a `Mutex` and a `Condvar`.
///
/// The handle waits until the job has ended, whether it is called before or after that. It returns what `work`
/// returned, or what `work` panicked with, as [`JoinHandle::join`] does.
pub fn submit(jobs: &Sender<Job>, work: Work) -> Waiter {
    todo!()
}

/// Chapter 4: an accept loop that starts a thread for each client, but never has more than `limit` at a time.
///
/// A client is a job. To serve a client, run it. To turn a client away, drop it. If a client comes while `limit` others
/// are being served, it is turned away at once. A client whose job has ended, by a return or a panic, no longer counts.
pub fn serve(clients: Receiver<Job>, limit: usize) {
    todo!()
}

/// Chapter 7: waits for a result, but not longer than `timeout`.
///
/// - The task ends in time: the result, at once.
/// - The task hasn't started when the time is up: it is cancelled, so its result is an error.
/// - The task is running when the time is up: the handle.
pub fn result_within(handle: Handle<u32>, timeout: Duration) -> Result<Result<u32, TaskError>, Handle<u32>> {
    todo!()
}

/// Chapter 8: sorts by halves, and has tasks of the pool sort some of them. One worker is enough.
pub fn sort(pool: &Arc<Executor>, numbers: Vec<u32>) -> Vec<u32> {
    todo!()
}

/// Chapter 9: the sum of all costs, by halves down to single costs, with tasks that borrow their halves.
///
/// The two halves are computed at the same time, one of them by a task. One worker is enough.
pub fn sum<'scope>(pool: &Scope<'scope>, costs: &'scope [Cost]) -> u32 {
    todo!()
}

/// Chapter 10: echoes what the client sends, until it has sent all, but not longer than `limit` in all.
///
/// When the time is up, the result is an error, no matter what the client does: it says nothing, it sends a byte now
/// and then, or it sends and never reads.
pub fn echo_within(stream: TcpStream, limit: Duration) -> io::Result<()> {
    todo!()
}

/// Chapter 11: a loom model, green if `take` is right and red (a panic) if it isn't.
///
/// Two threads call `take` with the same list, which holds one item. In every order of their steps, exactly one of
/// them gets it.
pub fn model(take: Take) {
    todo!()
}
