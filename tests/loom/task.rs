//! Models of one task between those who run, cancel, await and watch it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use loom::thread;

use crate::pool::{Executor, as_completed};
use crate::sync::mpsc;
use crate::{explore, explore_bounded};

#[test]
fn run_or_cancel_wins_and_the_waiter_wakes() {
    explore("run or cancel wins and the waiter wakes", || {
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let pool = Executor::new(1).unwrap();
        let handle = Arc::new(pool.submit(move || count.fetch_add(1, Relaxed)));
        let other = Arc::clone(&handle);
        let cancelling = thread::spawn(move || other.cancel());
        assert!(handle.wait_timeout(Duration::MAX));
        let cancelled = cancelling.join().unwrap();
        assert_eq!(handle.cancel(), cancelled);
        drop(pool);
        assert_eq!(ran.load(Relaxed), usize::from(!cancelled));
    });
}

#[test]
fn waiters_wake_before_callbacks() {
    explore_bounded("waiters wake before callbacks", 2, || {
        let pool = Executor::new(1).unwrap();
        let handle = Arc::new(pool.submit(|| ()));
        let (tell, woken) = mpsc::channel();
        let other = Arc::clone(&handle);
        thread::spawn(move || {
            assert!(other.wait_timeout(Duration::MAX));
            tell.send(()).unwrap();
        });
        handle.on_done(move || woken.recv().unwrap());
        assert!(handle.wait_timeout(Duration::MAX));
    });
}

#[test]
fn a_callback_runs_once_whoever_wins() {
    explore("a callback runs once whoever wins", || {
        let called = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&called);
        let pool = Executor::new(1).unwrap();
        let handle = pool.submit(|| ());
        // Added before the end, or after it.
        handle.on_done(move || _ = count.fetch_add(1, Relaxed));
        handle.cancel();
        drop(pool);
        assert_eq!(called.load(Relaxed), 1);
    });
}

#[test]
fn as_completed_never_misses_a_task_that_finishes() {
    explore_bounded("as_completed never misses a task that finishes", 3, || {
        let pool = Executor::new(1).unwrap();
        let handles = [pool.submit(|| 1), pool.submit(|| 2)];
        let results: Vec<_> = as_completed(handles).map(|handle| handle.result().unwrap()).collect();
        assert_eq!(results, [1, 2]);
    });
}

#[test]
fn a_task_run_by_its_waiter_runs_once() {
    explore_bounded("a task run by its waiter runs once", 3, || {
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let pool = Arc::new(Executor::new(2).unwrap());
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || inner.submit(move || count.fetch_add(1, Relaxed)).result().unwrap());
        assert_eq!(outer.result().unwrap(), 0);
        assert_eq!(ran.load(Relaxed), 1);
    });
}

#[test]
fn a_worker_goes_on_at_its_full_queue() {
    explore("a worker goes on at its full queue", || {
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let pool = Arc::new(Executor::builder().workers(1).queue_capacity(1).build().unwrap());
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let submit = |count: Arc<AtomicUsize>| inner.submit(move || count.fetch_add(1, Relaxed));
            let [queued, _] = [Arc::clone(&count), count].map(submit);
            // The one worker runs what it waits for, too.
            queued.result().unwrap()
        });
        assert_eq!(outer.result().unwrap(), 1);
        // The task's own clone went with its closure, before its result came.
        Arc::into_inner(pool).unwrap().shutdown();
        assert_eq!(ran.load(Relaxed), 2);
    });
}
