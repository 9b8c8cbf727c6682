//! A pool whose tasks borrow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use pool_recipes::{BuildError, Executor, Scope, TaskError, as_completed, scope};

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
fn tasks_write_to_their_own_part_of_what_they_borrow() {
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
fn a_handle_may_leave_the_scope_with_its_result() {
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
fn a_panic_that_nobody_read_is_the_scopes_own() {
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
fn a_task_submits_further_tasks_through_a_clone_of_the_scope() {
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
            pool.submit(|| std::thread::current().name().map(str::to_owned)).result().unwrap()
        })
        .unwrap();
    assert_eq!(names.as_deref(), Some("scoped-0"));
}

#[test]
fn a_scope_that_can_not_be_built_never_calls_its_closure() {
    let called = |_: &Scope<'_>| unreachable!("there is no pool");
    assert!(matches!(scope(0, called), Err(BuildError::NoWorkers)));
    assert!(matches!(
        Executor::builder().stack_size(1000).scope(called),
        Err(BuildError::StackTooSmall { requested: 1000 })
    ));
    let failed = Executor::builder().workers(3).on_worker_start(|| panic!("no luck")).scope(called);
    assert!(matches!(failed, Err(BuildError::WorkerStart(panic)) if panic.message() == "no luck"));
}
