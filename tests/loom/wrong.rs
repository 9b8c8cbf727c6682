//! The wrong versions, which loom must reject: a model that can't fail proves nothing.

use std::sync::Arc;

use loom::thread;

use crate::explore;
use crate::sync::{Condvar, Mutex, mpsc};

/// The loop that everyone writes first: the guard is a temporary of the `while let`, and lives as long as its body.
#[test]
#[should_panic(expected = "deadlock")]
fn a_guard_held_while_the_job_runs() {
    explore("a guard held while the job runs", || {
        let (jobs, queue) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                while let Ok(job) = queue.lock().unwrap().recv() {
                    job();
                }
            });
        }
        let (second, first) = mpsc::channel();
        // The first job waits for the second, which another worker could run, were the queue not locked.
        jobs.send(Box::new(move || first.recv().unwrap())).unwrap();
        jobs.send(Box::new(move || second.send(()).unwrap())).unwrap();
    });
}

#[test]
#[should_panic(expected = "nothing is there yet")]
fn an_if_in_place_of_a_while() {
    explore("an if in place of a while", || {
        let result = Arc::new((Mutex::new(None), Condvar::new()));
        let worker = Arc::clone(&result);
        thread::spawn(move || {
            *worker.0.lock().unwrap() = Some(42);
            worker.1.notify_all();
        });
        let mut outcome = result.0.lock().unwrap();
        if outcome.is_none() {
            outcome = result.1.wait(outcome).unwrap();
        }
        assert!(outcome.is_some(), "nothing is there yet");
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_missing_notify_leaves_the_waiter_asleep() {
    explore("a missing notify", || {
        let result = Arc::new((Mutex::new(None), Condvar::new()));
        let worker = Arc::clone(&result);
        thread::spawn(move || *worker.0.lock().unwrap() = Some(42));
        let mut outcome = result.0.lock().unwrap();
        while outcome.is_none() {
            outcome = result.1.wait(outcome).unwrap();
        }
    });
}
