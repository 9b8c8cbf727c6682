//! Models of an executor from its start to its end: `src/pool` as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::pool::{Builder, Executor, TaskError};
use crate::{explore, explore_bounded};

#[test]
fn result_never_misses_its_wake_up() {
    explore("result() never misses its wake-up", || {
        let pool = Executor::new(1).unwrap();
        assert_eq!(pool.submit(|| 42).result().unwrap(), 42);
    });
}

#[test]
fn dropping_an_executor_runs_everything_submitted() {
    explore_bounded("dropping an executor runs everything submitted", 3, || {
        drop_runs_all(Executor::builder().workers(2), 2);
    });
}

#[test]
fn a_submit_waits_for_room() {
    explore("a submit waits for room", || {
        drop_runs_all(Executor::builder().workers(1).queue_capacity(1), 3);
    });
}

fn drop_runs_all(builder: Builder, tasks: usize) {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = builder.build().unwrap();
    for _ in 0..tasks {
        let ran = Arc::clone(&ran);
        pool.submit(move || ran.fetch_add(1, Relaxed));
    }
    drop(pool);
    assert_eq!(ran.load(Relaxed), tasks);
}

#[test]
fn shutdown_now_cancels_or_lets_run() {
    explore("shutdown_now cancels or lets run", || {
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let pool = Executor::new(1).unwrap();
        let handle = pool.submit(move || count.fetch_add(1, Relaxed));
        let cancelled = pool.shutdown_now();
        assert!(handle.is_finished());
        assert_eq!(ran.load(Relaxed) + cancelled, 1);
        assert_eq!(matches!(handle.result(), Err(TaskError::Cancelled)), cancelled == 1);
    });
}
