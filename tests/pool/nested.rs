//! Waiting inside the pool: a worker runs what it waits for, and nothing else.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pool_recipes::{Executor, Scope, as_completed};

use crate::support::pool::{bounded, busy, inside, pool};
use crate::support::time::ends;

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
fn a_pools_tasks_run_on_its_threads_only() {
    let (here, there) = (pool(1), Arc::new(pool(1)));
    let elsewhere = there.submit(|| thread::current().id()).result().unwrap();
    assert_ne!(elsewhere, thread::current().id());
    let ran_on = inside(here, move |_| there.submit(|| thread::current().id()).result().unwrap());
    assert_eq!(ran_on, elsewhere);
}

#[test]
fn a_worker_runs_what_an_iterator_waits_for() {
    for new in [|| pool(1), || bounded(1, 1)] {
        inside(new(), |pool| {
            assert_eq!(pool.map(0..100, |n| n).map(Result::unwrap).sum::<i32>(), 4950);
        });
        // Another pool, because what the worker has run itself still has places in the queue of the first.
        inside(new(), |pool| {
            let handles: Vec<_> = (0..5).map(|n| pool.submit(move || n)).collect();
            assert!(!handles[0].is_finished());
            assert_eq!(as_completed(handles).map(|handle| handle.result().unwrap()).sum::<i32>(), 10);
        });
    }
}

#[test]
fn a_worker_runs_only_what_finds_no_room() {
    inside(bounded(1, 1), |pool| {
        let queued = pool.try_submit(|| ()).unwrap();
        assert!(pool.try_submit(|| ()).is_err());
        assert!(pool.submit(|| ()).is_finished());
        assert!(!queued.wait_timeout(Duration::ZERO));
    });
}

/// Each task submits two further ones while there are any left to submit, and drops their handles.
#[test]
fn a_full_queue_and_a_low_stack_lose_nothing() {
    fn grow<'scope>(pool: &Scope<'scope>, left: &'scope AtomicIsize, ran: &'scope AtomicUsize) {
        let inner = pool.clone();
        pool.submit(move || {
            ran.fetch_add(1, SeqCst);
            if left.fetch_sub(2, SeqCst) > 0 {
                (0..2).for_each(|_| grow(&inner, left, ran));
            }
        });
    }
    // The stack of the last two is low at once, and a worker alone has to come back to what went past the bound.
    for (workers, capacity, stack) in [(4, 1, 2 << 20), (1, 1, 32_768), (1, 0, 32_768)] {
        let (left, ran) = (AtomicIsize::new(20_000), AtomicUsize::new(0));
        let builder = Executor::builder().workers(workers).queue_capacity(capacity).stack_size(stack);
        let ran = ends(move || builder.scope(|pool| grow(pool, &left, &ran)).map(|()| ran.into_inner()));
        assert_eq!(ran.unwrap(), 20_001, "{workers} workers, {capacity} places");
    }
}

/// The task holds a lock, has one handle that runs elsewhere and another whose task wants the lock.
#[test]
fn as_completed_waits_for_what_runs_elsewhere() {
    let pool = pool(2);
    let (elsewhere, release) = busy(&pool, "set free");
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
