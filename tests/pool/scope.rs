//! A pool whose tasks borrow.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use pool_recipes::{BuildError, Executor, Scope, TaskError, as_completed, scope};

use crate::support::{CountsItsThread, ends};

#[test]
fn tasks_borrow_from_outside_of_the_call() {
    let words = ["borrowed", "not", "moved"];
    let lengths: Vec<usize> = scope(2, |pool| {
        let handles: Vec<_> = words.iter().map(|word| pool.submit(|| word.len())).collect();
        handles.into_iter().map(|handle| handle.result().unwrap()).collect()
    })
    .unwrap();
    assert_eq!(lengths, [8, 3, 5]);
}

#[test]
fn tasks_write_to_what_they_borrow() {
    let mut numbers: Vec<u64> = (0..1000).collect();
    scope(4, |pool| {
        for part in numbers.chunks_mut(100) {
            pool.submit(move || part.iter_mut().for_each(|n| *n *= 2));
        }
    })
    .unwrap();
    assert!(numbers.into_iter().eq((0..1000).map(|n| 2 * n)));
}

#[test]
fn all_tasks_are_finished_when_the_scope_returns() {
    let ran = AtomicUsize::new(0);
    scope(2, |pool| {
        for _ in 0..100 {
            pool.submit(|| ran.fetch_add(1, SeqCst));
        }
    })
    .unwrap();
    assert_eq!(ran.into_inner(), 100);
}

#[test]
fn tasks_run_side_by_side() {
    let together = Barrier::new(3);
    scope(3, |pool| {
        for _ in 0..3 {
            pool.submit(|| together.wait());
        }
    })
    .unwrap();
}

#[test]
fn a_handle_may_outlive_the_scope() {
    let text = String::from("borrowed");
    let handle = scope(1, |pool| pool.submit(|| text.as_str())).unwrap();
    assert!(handle.is_finished());
    assert_eq!(handle.result().unwrap(), "borrowed");
}

#[test]
fn a_panic_that_was_read_stays_in_its_handle() {
    let seen =
        scope(1, |pool| pool.submit(|| panic!("read")).result().map(|(): ()| ()).unwrap_err()).unwrap();
    assert!(matches!(seen, TaskError::Panicked(panic) if panic.message() == "read"));
}

#[test]
fn an_unread_panic_is_the_scopes() {
    let ran = AtomicUsize::new(0);
    let payload = catch_unwind(AssertUnwindSafe(|| {
        scope(1, |pool| {
            pool.submit(|| panic!("unread"));
            pool.submit(|| panic!("also unread"));
            pool.submit(|| ran.fetch_add(1, SeqCst));
        })
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"unread"));
    // The others were finished first.
    assert_eq!(ran.into_inner(), 1);
}

#[test]
fn a_panic_of_the_caller_waits_for_the_tasks() {
    let ran = AtomicUsize::new(0);
    let payload = catch_unwind(AssertUnwindSafe(|| {
        scope(1, |pool| {
            for _ in 0..10 {
                pool.submit(|| ran.fetch_add(1, SeqCst));
            }
            panic!("in the caller");
        })
        .map(|(): ()| ())
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"in the caller"));
    assert_eq!(ran.into_inner(), 10);
}

#[test]
fn a_task_submits_through_a_clone_of_the_scope() {
    fn sum<'scope>(pool: &Scope<'scope>, numbers: &'scope [u32]) -> u32 {
        match numbers {
            [] => 0,
            [one] => *one,
            _ => {
                let (left, right) = numbers.split_at(numbers.len() / 2);
                let inner = pool.clone();
                let left = pool.submit(move || sum(&inner, left));
                sum(pool, right) + left.result().unwrap()
            }
        }
    }
    let numbers: Vec<u32> = (0..100).collect();
    for workers in [1, 4] {
        assert_eq!(scope(workers, |pool| sum(pool, &numbers)).unwrap(), 4950);
    }
}

#[test]
fn map_and_as_completed_borrow_too() {
    let names = ["a", "bb", "ccc"];
    scope(2, |pool| {
        assert!(pool.map(&names, |name| name.len()).map(Result::unwrap).eq(1..=3));
        let handles: Vec<_> = names.iter().map(|name| pool.submit(|| name.len())).collect();
        assert_eq!(as_completed(handles).map(|handle| handle.result().unwrap()).sum::<usize>(), 6);
    })
    .unwrap();
}

#[test]
fn the_builders_settings_hold_in_a_scope() {
    let names = Executor::builder()
        .workers(1)
        .thread_name("scoped")
        .queue_capacity(1)
        .scope(|pool| {
            assert_eq!(pool.workers(), 1);
            let (release, released) = mpsc::channel::<()>();
            let (start, started) = mpsc::channel();
            pool.submit(move || {
                start.send(()).unwrap();
                released.recv().unwrap_err();
            });
            started.recv().unwrap();
            assert!(pool.try_submit(|| ()).is_ok());
            assert!(pool.try_submit(|| ()).is_err());
            assert_eq!(pool.queued(), 1);
            drop(release);
            pool.submit(|| std::thread::current().name().map(str::to_owned)).result().unwrap()
        })
        .unwrap();
    assert_eq!(names.as_deref(), Some("scoped-0"));
}

#[test]
fn a_failed_build_never_calls_the_closure() {
    let called = |_: &Scope<'_>| unreachable!("there is no pool");
    assert!(matches!(scope(0, called), Err(BuildError::NoWorkers)));
    assert!(matches!(
        Executor::builder().stack_size(1000).scope(called),
        Err(BuildError::StackTooSmall { requested: 1000 })
    ));
    let failed = Executor::builder().workers(3).on_worker_start(|| panic!("no luck")).scope(called);
    assert!(matches!(failed, Err(BuildError::WorkerStart(panic)) if panic.message() == "no luck"));
}

/// However a scope ends, its threads are gone, and have dropped their thread-locals.
#[test]
fn a_scope_joins_its_threads_on_every_way_out() {
    let builder = |hook: fn()| {
        let alive = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&alive);
        let builder = Executor::builder().workers(8).on_worker_start(move || {
            CountsItsThread::start(&count);
            hook();
        });
        (builder, alive)
    };
    for _ in 0..50 {
        let (pool, alive) = builder(|| ());
        pool.scope(|_| assert_eq!(alive.load(SeqCst), 8)).unwrap();
        assert_eq!(alive.load(SeqCst), 0, "after a success");

        let (pool, alive) = builder(|| ());
        let panicked = catch_unwind(AssertUnwindSafe(|| pool.scope(|_| resume_unwind(Box::new(())))));
        assert!(panicked.map(|result: Result<(), _>| result.is_ok()).is_err());
        assert_eq!(alive.load(SeqCst), 0, "after a panic in the closure");

        let (pool, alive) = builder(|| {
            if thread::current().name() == Some("worker-3") {
                resume_unwind(Box::new(()));
            }
        });
        assert!(matches!(pool.scope(|_| ()), Err(BuildError::WorkerStart(_))));
        assert_eq!(alive.load(SeqCst), 0, "after a build that failed half-way");
    }
}

#[test]
fn the_closures_panic_wins_over_a_tasks() {
    let payload = catch_unwind(|| {
        scope(1, |pool| {
            pool.submit(|| panic!("in a task"));
            panic!("in the closure");
        })
        .map(|(): ()| ())
    });
    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&"in the closure"));
}

#[test]
fn a_dropped_map_does_not_end_the_scope() {
    scope(1, |pool| {
        let mut results = pool.map(0..10, |n| assert!(n == 0, "item {n}"));
        assert!(results.next().unwrap().is_ok());
    })
    .unwrap();
}

#[test]
fn a_clone_that_is_left_does_not_keep_the_scope_open() {
    let (left, handle) = ends(|| {
        let in_a_result = scope(1, |pool| {
            let clone = pool.clone();
            let handle = pool.submit(move || clone);
            assert!(handle.wait_timeout(crate::support::LONG));
            handle
        });
        (scope(1, Scope::clone).unwrap(), in_a_result.unwrap())
    });
    // What is submitted now is cancelled.
    for clone in [left, handle.result().unwrap()] {
        assert!(matches!(clone.submit(|| ()).result(), Err(TaskError::Cancelled)));
        assert!(matches!(clone.try_submit(|| ()).unwrap().result(), Err(TaskError::Cancelled)));
        assert_eq!(clone.queued(), 0);
    }
}
