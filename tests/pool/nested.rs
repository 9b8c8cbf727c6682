//! Waiting inside the pool: a worker runs what it waits for, and nothing else.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use pool_recipes::{Executor, Scope, TaskError, as_completed};

use crate::support::{ends, occupy};

#[test]
fn one_worker_completes_a_chain_of_waits() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let (first, second) = (Arc::clone(&pool), Arc::clone(&pool));
    let depth = pool.submit(move || {
        1 + first.submit(move || 1 + second.submit(|| 1).result().unwrap()).result().unwrap()
    });
    assert_eq!(depth.result().unwrap(), 3);
}

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
        let pool = Arc::new(Executor::new(workers).unwrap());
        let inner = Arc::clone(&pool);
        assert_eq!(pool.submit(move || fib(&inner, 20)).result().unwrap(), 6765);
    }
}

#[test]
fn a_worker_that_waits_runs_no_unrelated_task() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let inner = Arc::clone(&pool);
    let lock = Arc::new(Mutex::new(()));
    let unrelated_lock = Arc::clone(&lock);
    let outcome = pool.submit(move || {
        // An unrelated task that takes the same lock stands in the queue before the one that is waited for.
        let unrelated = inner.submit(move || drop(unrelated_lock.lock().unwrap()));
        let guard = lock.lock().unwrap();
        let answer = inner.submit(|| 42).result().unwrap();
        assert!(!unrelated.is_finished());
        drop(guard);
        (answer, unrelated)
    });
    let (answer, unrelated) = outcome.result().unwrap();
    assert_eq!(answer, 42);
    assert!(unrelated.result().is_ok());
}

#[test]
fn a_worker_never_runs_another_pools_task() {
    let (here, there) = (Executor::new(1).unwrap(), Arc::new(Executor::new(1).unwrap()));
    let elsewhere = there.submit(|| thread::current().id()).result().unwrap();
    let inner = Arc::clone(&there);
    let ran_on = here.submit(move || inner.submit(|| thread::current().id()).result().unwrap());
    assert_eq!(ran_on.result().unwrap(), elsewhere);
}

#[test]
fn a_thread_outside_never_runs_a_task() {
    let pool = Executor::new(1).unwrap();
    let ran_on = pool.submit(|| thread::current().id()).result().unwrap();
    assert_ne!(ran_on, thread::current().id());
}

#[test]
fn a_worker_runs_what_as_completed_waits_for() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let inner = Arc::clone(&pool);
    let squares = pool.submit(move || {
        let handles: Vec<_> = (0..10).map(|n| inner.submit(move || n * n)).collect();
        as_completed(handles).map(|handle| handle.result().unwrap()).collect::<Vec<i32>>()
    });
    assert_eq!(squares.result().unwrap(), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
}

#[test]
fn a_worker_runs_what_map_waits_for() {
    let pool = Arc::new(Executor::builder().workers(1).queue_capacity(1).build().unwrap());
    let inner = Arc::clone(&pool);
    let sum = pool.submit(move || inner.map(0..100, |n| n).map(Result::unwrap).sum::<i32>());
    assert_eq!(sum.result().unwrap(), 4950);
}

#[test]
fn a_full_queue_never_blocks_its_own_workers() {
    for capacity in [0, 1, 2] {
        let pool = Arc::new(Executor::builder().workers(1).queue_capacity(capacity).build().unwrap());
        let inner = Arc::clone(&pool);
        let sum = pool.submit(move || {
            let handles: Vec<_> = (0..10).map(|n| inner.submit(move || n)).collect();
            handles.into_iter().map(|handle| handle.result().unwrap()).sum::<i32>()
        });
        assert_eq!(sum.result().unwrap(), 45, "a queue of {capacity}");
    }
}

#[test]
fn try_submit_from_a_worker_runs_nothing() {
    let pool = Arc::new(Executor::builder().workers(1).queue_capacity(1).build().unwrap());
    let inner = Arc::clone(&pool);
    let full = pool.submit(move || {
        let queued = inner.try_submit(|| ()).unwrap();
        inner.try_submit(|| ()).is_err() && !queued.is_finished()
    });
    assert!(full.result().unwrap());
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
    let pool = Arc::new(Executor::builder().workers(1).stack_size(65_536).build().unwrap());
    let (told, heard) = mpsc::channel();
    let inner = Arc::clone(&pool);
    pool.submit(move || dive(&inner, &told)).result().unwrap();
    drop(pool);
    let told: Vec<_> = heard.iter().collect();
    let [started, returned] =
        ["started", "returned"].map(|what| told.iter().filter(|told| **told == what).count());
    // All that started returned but the innermost, which was refused the next. Had that one run, it would have started.
    assert_eq!(started, returned + 1);
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
    let pool = Executor::builder().workers(4).queue_capacity(1);
    pool.scope(|pool| {
        let inner = pool.clone();
        let (left, ran) = (&left, &ran);
        pool.submit(move || grow(&inner, left, ran));
    })
    .unwrap();
    assert_eq!(ran.into_inner(), 20_001);
}

/// The same in an executor, with one worker whose stack is low at once.
#[test]
fn a_task_past_the_bound_runs_after_its_submitter() {
    for capacity in [0, 1] {
        let pool =
            Executor::builder().workers(1).queue_capacity(capacity).stack_size(32_768).build().unwrap();
        let (told, heard) = mpsc::channel();
        submit_chain(&Arc::new(pool), 1_000, told);
        assert_eq!(heard.iter().count(), 1_000);
    }
}

fn submit_chain(pool: &Arc<Executor>, left: usize, told: mpsc::Sender<()>) {
    if left > 0 {
        let inner = Arc::clone(pool);
        pool.submit(move || {
            told.send(()).unwrap();
            submit_chain(&inner, left - 1, told.clone());
            // Fills the queue, so that the next one finds no room there.
            inner.submit(|| ());
        });
    }
}

/// The task holds a lock, has one handle that runs elsewhere and another whose task wants the lock.
#[test]
fn as_completed_waits_for_what_runs_elsewhere() {
    let pool = Arc::new(Executor::new(2).unwrap());
    let (start, started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let slow = pool.submit(move || {
        start.send(()).unwrap();
        released.recv().unwrap()
    });
    started.recv().unwrap();
    let lock = Arc::new(Mutex::new(()));
    let inner = Arc::clone(&pool);
    let first = ends(move || {
        let outer = pool.submit(move || {
            let guard = lock.lock().unwrap();
            let wanted = Arc::clone(&lock);
            let wants = inner.submit(move || {
                drop(wanted.lock().unwrap());
                "wanted the lock"
            });
            let mut all = as_completed([wants, slow]);
            release.send("ran elsewhere").unwrap();
            let first = all.next().unwrap().result().unwrap();
            drop(guard);
            first
        });
        outer.result().unwrap()
    });
    assert_eq!(first, "ran elsewhere");
}

#[test]
fn a_task_that_runs_elsewhere_is_awaited() {
    let pool = Arc::new(Executor::new(2).unwrap());
    let (start, started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let slow = pool.submit(move || {
        start.send(()).unwrap();
        released.recv().unwrap()
    });
    started.recv().unwrap();
    let waiting = pool.submit(move || {
        release.send("done elsewhere").unwrap();
        slow.result().unwrap()
    });
    assert_eq!(waiting.result().unwrap(), "done elsewhere");
}

#[test]
fn wait_timeout_in_a_worker_runs_nothing() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let inner = Arc::clone(&pool);
    let finished = pool.submit(move || inner.submit(|| ()).wait_timeout(std::time::Duration::ZERO));
    assert!(!finished.result().unwrap());
    drop(occupy(&pool));
}
