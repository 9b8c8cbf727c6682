//! Waiting inside the pool: a worker runs what it waits for, and nothing else.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use pool_recipes::{Executor, Scope, TaskError, as_completed};

use crate::support::{bounded, busy, inside, pool};

fn fib(pool: &Arc<Executor>, n: u32) -> u32 {
    if n < 2 {
        return n;
    }
    let inner = Arc::clone(pool);
    let left = pool.submit(move || fib(&inner, n - 1));
    let right = fib(pool, n - 2);
    left.result().unwrap() + right
}

#[test]
fn nested_submits_compute_fib_on_any_pool() {
    for workers in [1, 2, 8] {
        assert_eq!(inside(pool(workers), |pool| fib(pool, 20)), 6765);
    }
}

#[test]
fn a_worker_that_waits_runs_no_unrelated_task() {
    inside(pool(1), |pool| {
        let lock = Arc::new(Mutex::new(()));
        let wanted = Arc::clone(&lock);
        // An unrelated task that takes the same lock stands in the queue before the one that is waited for.
        let unrelated = pool.submit(move || drop(wanted.lock().unwrap()));
        let _guard = lock.lock().unwrap();
        assert_eq!(pool.submit(|| 42).result().unwrap(), 42);
        assert!(!unrelated.is_finished());
    });
}

#[test]
fn a_pools_tasks_run_on_its_own_threads_only() {
    let (here, there) = (pool(1), Arc::new(pool(1)));
    let elsewhere = there.submit(|| thread::current().id()).result().unwrap();
    assert_ne!(elsewhere, thread::current().id());
    let ran_on = inside(here, move |_| there.submit(|| thread::current().id()).result().unwrap());
    assert_eq!(ran_on, elsewhere);
}

#[test]
fn a_worker_runs_what_as_completed_waits_for() {
    let squares = inside(pool(1), |pool| {
        let handles: Vec<_> = (0..5).map(|n| pool.submit(move || n * n)).collect();
        as_completed(handles).map(|handle| handle.result().unwrap()).collect::<Vec<i32>>()
    });
    assert_eq!(squares, [0, 1, 4, 9, 16]);
}

#[test]
fn a_worker_runs_what_map_waits_for() {
    assert_eq!(inside(bounded(1, 1), |pool| pool.map(0..100, |n| n).map(Result::unwrap).sum::<i32>()), 4950);
}

#[test]
fn a_full_queue_never_blocks_its_own_workers() {
    for capacity in [0, 1, 2] {
        let sum = inside(bounded(1, capacity), |pool| {
            let handles: Vec<_> = (0..10).map(|n| pool.submit(move || n)).collect();
            handles.into_iter().map(|handle| handle.result().unwrap()).sum::<i32>()
        });
        assert_eq!(sum, 45, "a queue of {capacity}");
    }
}

#[test]
fn try_submit_from_a_worker_runs_nothing() {
    assert!(inside(bounded(1, 1), |pool| {
        let queued = pool.try_submit(|| ()).unwrap();
        pool.try_submit(|| ()).is_err() && !queued.is_finished()
    }));
}

#[test]
fn wait_timeout_in_a_worker_runs_nothing() {
    assert!(!inside(pool(1), |pool| pool.submit(|| ()).wait_timeout(Duration::ZERO)));
}

#[test]
fn a_task_nested_too_deep_never_runs() {
    fn dive(pool: &Arc<Executor>, told: &mpsc::Sender<&'static str>) {
        told.send("started").unwrap();
        let (inner, deeper) = (Arc::clone(pool), told.clone());
        match pool.submit(move || dive(&inner, &deeper)).result() {
            Ok(()) => told.send("returned").unwrap(),
            Err(error) => assert!(matches!(error, TaskError::NestedTooDeep), "{error}"),
        }
    }
    let (told, heard) = mpsc::channel();
    let pool = Executor::builder().workers(1).stack_size(65_536).build().unwrap();
    inside(pool, move |pool| dive(pool, &told));
    let told: Vec<_> = heard.iter().collect();
    let count = |what| told.iter().filter(|told| **told == what).count();
    // All that started returned but the innermost, which was refused the next. Had that one run, it would have started.
    assert_eq!(count("started"), count("returned") + 1);
}

/// Each task submits two further ones while there are any left to submit, and drops their handles.
#[test]
fn a_full_queue_and_a_low_stack_lose_nothing() {
    fn grow<'scope>(pool: &Scope<'scope>, left: &'scope AtomicIsize, ran: &'scope AtomicUsize) {
        ran.fetch_add(1, SeqCst);
        if left.fetch_sub(2, SeqCst) > 0 {
            for _ in 0..2 {
                let inner = pool.clone();
                pool.submit(move || grow(&inner, left, ran));
            }
        }
    }
    let (left, ran) = (AtomicIsize::new(20_000), AtomicUsize::new(0));
    Executor::builder().workers(4).queue_capacity(1).scope(|pool| grow(pool, &left, &ran)).unwrap();
    assert_eq!(ran.into_inner(), 20_001);
}

/// The same in an executor, with one worker whose stack is low at once.
#[test]
fn a_task_past_the_bound_runs_after_its_submitter() {
    fn chain(pool: &Arc<Executor>, left: usize, told: mpsc::Sender<()>) {
        if left > 0 {
            let inner = Arc::clone(pool);
            pool.submit(move || {
                told.send(()).unwrap();
                chain(&inner, left - 1, told.clone());
                // Fills the queue, so that the next one finds no room there.
                inner.submit(|| ());
            });
        }
    }
    for capacity in [0, 1] {
        let (told, heard) = mpsc::channel();
        let pool = Executor::builder().workers(1).queue_capacity(capacity).stack_size(32_768);
        chain(&Arc::new(pool.build().unwrap()), 1_000, told);
        assert_eq!(heard.iter().count(), 1_000);
    }
}

/// The task holds a lock, has one handle that runs elsewhere and another whose task wants the lock.
#[test]
fn as_completed_waits_for_what_runs_elsewhere() {
    let pool = pool(2);
    let (elsewhere, release) = busy(&pool);
    let first = inside(pool, |pool| {
        let lock = Arc::new(Mutex::new(()));
        let wanted = Arc::clone(&lock);
        let _guard = lock.lock().unwrap();
        let wants = pool.submit(move || wanted.lock().map(|_| "wanted the lock").unwrap());
        let mut all = as_completed([wants, elsewhere]);
        drop(release);
        all.next().unwrap().result().unwrap()
    });
    assert_eq!(first, "set free");
}

#[test]
fn a_task_that_runs_elsewhere_is_awaited() {
    let pool = pool(2);
    let (elsewhere, release) = busy(&pool);
    let result = inside(pool, |_| {
        drop(release);
        elsewhere.result().unwrap()
    });
    assert_eq!(result, "set free");
}
