//! Waiting inside the pool: a worker runs what it waits for, and nothing else.

use std::backtrace::Backtrace;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use pool_recipes::{Executor, TaskError, as_completed};

#[path = "support/busy.rs"]
mod busy;
use busy::occupy;

#[test]
fn one_worker_completes_a_chain_of_tasks_that_wait_for_each_other() {
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
fn fib_of_nested_submits_is_right_on_any_number_of_workers() {
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
fn a_worker_waits_for_a_task_of_another_pool_and_does_not_run_it() {
    let (here, there) = (Executor::new(1).unwrap(), Arc::new(Executor::new(1).unwrap()));
    let elsewhere = there.submit(|| thread::current().id()).result().unwrap();
    let inner = Arc::clone(&there);
    let ran_on = here.submit(move || inner.submit(|| thread::current().id()).result().unwrap());
    assert_eq!(ran_on.result().unwrap(), elsewhere);
}

#[test]
fn a_thread_outside_of_the_pool_never_runs_a_task() {
    let pool = Executor::new(1).unwrap();
    let ran_on = pool.submit(|| thread::current().id()).result().unwrap();
    assert_ne!(ran_on, thread::current().id());
}

#[test]
fn a_worker_runs_what_it_awaits_through_as_completed() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let inner = Arc::clone(&pool);
    let squares = pool.submit(move || {
        let handles: Vec<_> = (0..10).map(|n| inner.submit(move || n * n)).collect();
        as_completed(handles).map(|handle| handle.result().unwrap()).collect::<Vec<i32>>()
    });
    assert_eq!(squares.result().unwrap(), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
}

#[test]
fn a_worker_runs_what_it_awaits_through_map() {
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

/// Each task submits the next and waits for it; returns how many ran, or why the innermost couldn't.
fn chain(pool: &Arc<Executor>, left: usize) -> Result<usize, String> {
    if left == 0 {
        return Ok(0);
    }
    let inner = Arc::clone(pool);
    match pool.submit(move || chain(&inner, left - 1)).result() {
        Ok(deeper) => deeper.map(|deeper| deeper + 1),
        Err(error) => Err(format!("{left} left: {error}")),
    }
}

#[test]
fn a_chain_too_deep_for_the_stack_ends_with_an_error_and_a_live_process() {
    for stack_size in [32_768, 65_536, 2 * 1024 * 1024] {
        let pool = Arc::new(Executor::builder().workers(1).stack_size(stack_size).build().unwrap());
        let inner = Arc::clone(&pool);
        let error = pool.submit(move || chain(&inner, 1_000_000)).result().unwrap().unwrap_err();
        assert!(error.contains("nested too deep"), "{error}");
        assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
    }
}

#[test]
fn where_the_stack_ends_there_is_still_room_to_panic() {
    fn dive(pool: &Arc<Executor>) {
        let inner = Arc::clone(pool);
        if let Err(TaskError::NestedTooDeep) = pool.submit(move || dive(&inner)).result() {
            // As a panic does that prints its backtrace, whatever RUST_BACKTRACE says.
            println!("{}", Backtrace::force_capture());
            panic!("at the end of the stack");
        }
    }
    for stack_size in [32_768, 65_536] {
        let pool = Arc::new(Executor::builder().workers(1).stack_size(stack_size).build().unwrap());
        let inner = Arc::clone(&pool);
        drop(pool.submit(move || dive(&inner)).result());
        assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
    }
}

#[test]
fn a_task_that_was_nested_too_deep_never_runs() {
    fn dive(pool: &Arc<Executor>, told: &mpsc::Sender<&'static str>) {
        let (inner, deeper) = (Arc::clone(pool), told.clone());
        let handle = pool.submit(move || dive(&inner, &deeper));
        match handle.result() {
            Ok(()) => told.send("returned").unwrap(),
            Err(error) => assert!(matches!(error, TaskError::NestedTooDeep), "{error}"),
        }
    }
    let pool = Arc::new(Executor::builder().workers(1).stack_size(65_536).build().unwrap());
    let (told, heard) = mpsc::channel();
    let inner = Arc::clone(&pool);
    pool.submit(move || dive(&inner, &told)).result().unwrap();
    drop(pool);
    // One by one the tasks return, up to the first; the innermost never ran, or the chain would have gone on.
    assert!(heard.iter().all(|what| what == "returned"));
}

#[test]
fn a_full_queue_nested_too_deep_finishes_the_task_with_that_error() {
    fn dive(pool: &Arc<Executor>) -> TaskError {
        let inner = Arc::clone(pool);
        match pool.submit(move || dive(&inner)).result() {
            Ok(error) | Err(error) => error,
        }
    }
    let pool = Arc::new(Executor::builder().workers(1).queue_capacity(0).stack_size(65_536).build().unwrap());
    let inner = Arc::clone(&pool);
    assert!(matches!(pool.submit(move || dive(&inner)).result().unwrap(), TaskError::NestedTooDeep));
}

#[test]
fn a_task_that_another_worker_runs_is_waited_for() {
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
