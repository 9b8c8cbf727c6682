//! Models of an executor with its tasks, handles and workers: `src/pool` as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::pool::Executor;
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
        let ran = Arc::new(AtomicUsize::new(0));
        let pool = Executor::new(2).unwrap();
        for _ in 0..2 {
            let ran = Arc::clone(&ran);
            pool.submit(move || ran.fetch_add(1, Relaxed));
        }
        drop(pool);
        assert_eq!(ran.load(Relaxed), 2);
    });
}

#[test]
fn a_result_whose_handle_is_gone_is_dropped_once() {
    explore("a result whose handle is gone is dropped once", || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let pool = Executor::new(1).unwrap();
        let result = CountsItsDrop(Arc::clone(&dropped));
        drop(pool.submit(move || result));
        drop(pool);
        assert_eq!(dropped.load(Relaxed), 1);
    });
}

struct CountsItsDrop(Arc<AtomicUsize>);

impl Drop for CountsItsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}
