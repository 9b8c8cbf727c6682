//! A panic in any code of the user's ends no worker, poisons no lock and reaches no other task.

use std::panic::panic_any;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pool_recipes::{BuildError, Executor, TaskError};

use crate::support::occupy;

/// Panics when it is dropped; then, for as many levels as are left, so does the payload of that panic.
struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Bomb(self.0 - 1));
        }
    }
}

/// Whether the one worker of `pool` still runs tasks.
fn is_alive(pool: &Executor) -> bool {
    let handle = pool.submit(|| "alive");
    handle.wait_timeout(Duration::from_secs(10)) && handle.result().is_ok_and(|answer| answer == "alive")
}

#[test]
fn a_panic_in_the_closure() {
    let pool = Executor::new(1).unwrap();
    assert!(matches!(pool.submit(|| panic!("on purpose")).result(), Err::<(), _>(TaskError::Panicked(_))));
    assert!(is_alive(&pool));
}

#[test]
fn a_panic_in_the_drop_of_a_capture() {
    let pool = Executor::new(1).unwrap();
    let bomb = Bomb(1);
    let outcome = pool.submit(move || {
        let _held = &bomb;
    });
    assert!(matches!(outcome.result(), Err(TaskError::Panicked(_))));
    assert!(is_alive(&pool));
}

#[test]
fn a_panic_in_the_drop_of_an_unread_result() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    drop(pool.submit(|| Bomb(1)));
    drop(busy);
    assert!(is_alive(&pool));
}

#[test]
fn a_panic_in_a_results_drop_stays_out_of_its_dropper() {
    let pool = Executor::new(1).unwrap();
    let handle = pool.submit(|| Bomb(1));
    assert!(is_alive(&pool)); // so the result is there, and the handle its last owner
    assert!(pool.submit(move || drop(handle)).result().is_ok());
}

#[test]
fn a_panic_in_the_drop_of_a_payload() {
    let pool = Executor::new(1).unwrap();
    for levels in 1..4 {
        // Nobody reads it, and the worker drops it;
        drop(pool.submit(move || panic_any(Bomb(levels))));
        assert!(is_alive(&pool));
        // or somebody does.
        drop(pool.submit(move || panic_any(Bomb(levels))).result().map(|(): ()| ()).unwrap_err());
        assert!(is_alive(&pool));
    }
}

#[test]
fn a_panic_in_a_closures_drop_stays_out_of_cancel() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let bomb = Bomb(2);
    let handle = pool.submit(move || drop(bomb));
    assert!(handle.cancel());
    drop(busy);
    assert!(is_alive(&pool));
}

#[test]
fn a_panic_in_a_drop_stays_out_of_shutdown_now() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    for _ in 0..3 {
        let bomb = Bomb(1);
        pool.submit(move || drop(bomb));
    }
    pool.submit(|| ()).on_done(move || drop(busy));
    assert_eq!(pool.shutdown_now(), 4);
}

#[test]
fn a_panic_in_a_callback_or_in_its_drop() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let handle = pool.submit(|| ());
    let (told, heard) = mpsc::channel();
    handle.on_done(|| panic!("on purpose"));
    let bomb = Bomb(2);
    handle.on_done(move || drop(bomb));
    handle.on_done(move || told.send("the next callback").unwrap());
    drop(busy);
    assert_eq!(heard.recv(), Ok("the next callback"));
    assert!(is_alive(&pool));
}

#[test]
fn a_panic_in_the_drop_of_the_start_hook() {
    for workers in [1, 4] {
        let bomb = Bomb(2);
        let hook = move || _ = &bomb;
        match Executor::builder().workers(workers).on_worker_start(hook).build() {
            Ok(pool) => assert!(is_alive(&pool)),
            // Where a worker dropped it last, that is a panic before its first task.
            Err(error) => assert!(matches!(error, BuildError::WorkerStart(_)), "{error}"),
        }
    }
}

#[test]
fn a_payload_that_nobody_is_given_is_dropped() {
    let pool = Executor::new(1).unwrap();
    let payload = Arc::new(());
    let thrown = Arc::clone(&payload);
    let handle = pool.submit(|| ());
    handle.on_done(move || panic_any(thrown));
    drop(pool);
    assert_eq!(Arc::strong_count(&payload), 1);
}

#[test]
fn a_panic_in_a_locals_drop_is_the_tasks() {
    let pool = Executor::new(1).unwrap();
    let outcome = pool.submit(|| {
        let _local = Bomb(1);
    });
    assert!(matches!(outcome.result(), Err(TaskError::Panicked(_))));
    assert!(is_alive(&pool));
}
