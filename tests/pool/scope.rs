//! A pool whose tasks borrow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use pool_recipes::{Executor, Scope, TaskError, as_completed, scope};

use crate::support::time::{TOO_LONG, ends};

#[test]
fn a_handle_may_outlive_the_scope() {
    let text = String::from("borrowed");
    let handle = scope(1, |pool| pool.submit(|| text.as_str())).unwrap();
    assert!(handle.is_finished());
    assert_eq!(handle.result().unwrap(), "borrowed");
}

#[test]
fn a_panic_read_or_dropped_is_nobodys() {
    scope(1, |pool| {
        let read = pool.submit(|| panic!("read")).result().map(|(): ()| ());
        assert!(matches!(read, Err(TaskError::Panicked(panic)) if panic.message() == "read"));
        let mut results = pool.map(0..10, |n| assert!(n == 0, "item {n}"));
        assert!(results.next().unwrap().is_ok());
    })
    .unwrap();
}

#[test]
fn a_panic_waits_for_the_other_tasks() {
    // The caller's wins over the tasks', and the first of these over the others.
    for (caller_panics, first) in [(false, "in a task"), (true, "in the caller")] {
        let ran = AtomicUsize::new(0);
        let panics = || {
            scope(1, |pool| {
                pool.submit(|| panic!("in a task"));
                pool.submit(|| panic!("in another"));
                for _ in 0..10 {
                    pool.submit(|| ran.fetch_add(1, SeqCst));
                }
                assert!(!caller_panics, "in the caller");
            })
        };
        let payload = catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&first));
        assert_eq!(ran.into_inner(), 10);
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
    let builder = Executor::builder().workers(1).thread_name("scoped").queue_capacity(1);
    let ended = builder.scope(|pool| {
        let inner = pool.clone();
        let task = move || {
            assert_eq!(thread::current().name(), Some("scoped-0"));
            assert_eq!((inner.workers(), inner.queued()), (1, 0));
            // The one worker is here, and there is one place in the queue.
            assert!(inner.try_submit(|| ()).is_ok() && inner.try_submit(|| ()).is_err());
            assert_eq!(inner.queued(), 1);
        };
        pool.submit(task).result().unwrap();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_clone_keeps_no_scope_open() {
    let (left, handle) = ends(|| {
        let in_a_result = scope(1, |pool| {
            let clone = pool.clone();
            let handle = pool.submit(move || clone);
            assert!(handle.wait_timeout(TOO_LONG));
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
