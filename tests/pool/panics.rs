//! A panic in any code of the user's ends no worker, poisons no lock and reaches no other task.

use std::panic::panic_any;
use std::sync::{Arc, mpsc};

use pool_recipes::{BuildError, Executor, TaskError};

use crate::support::pool::{Bomb, occupy, pool};
use crate::support::time::{TOO_LONG, ends};

/// Has code of the user's panic in a pool of one worker.
type Plant = fn(&Executor);

const PLANTS: [(&str, Plant); 7] = [
    ("a capture's drop", |pool| {
        let bomb = Bomb(1);
        let outcome = pool.submit(move || _ = &bomb).result();
        assert!(matches!(outcome, Err(TaskError::Panicked(_))));
    }),
    ("an unread result's drop, on the worker", |pool| {
        let busy = occupy(pool);
        drop(pool.submit(|| Bomb(1)));
        drop(busy);
    }),
    ("an unread result's drop, with the handle", |pool| {
        let handle = pool.submit(|| Bomb(1));
        assert!(is_alive(pool)); // so the result is there, and the handle its last owner
        assert!(pool.submit(move || drop(handle)).result().is_ok());
    }),
    ("an unread payload's drop", |pool| {
        (1..4).for_each(|levels| drop(pool.submit(move || panic_any(Bomb(levels)))));
    }),
    ("the drop of a payload that was read", |pool| {
        for levels in 1..4 {
            drop(pool.submit(move || panic_any(Bomb(levels))).result().map(|(): ()| ()).unwrap_err());
        }
    }),
    ("a cancelled closure's drop", |pool| {
        let _busy = occupy(pool);
        let bomb = Bomb(2);
        assert!(pool.submit(move || drop(bomb)).cancel());
    }),
    ("a callback, and its drop", |pool| {
        let (busy, bomb) = (occupy(pool), Bomb(2));
        let (told, heard) = mpsc::channel();
        let handle = pool.submit(|| ());
        handle.on_done(|| panic!("on purpose"));
        handle.on_done(move || drop(bomb));
        handle.on_done(move || told.send("the next callback").unwrap());
        drop(busy);
        assert_eq!(heard.recv(), Ok("the next callback"));
    }),
];

#[test]
fn no_panic_ends_a_worker_or_gets_out() {
    for (place, plant) in PLANTS {
        let alive = ends(move || {
            let pool = pool(1);
            plant(&pool);
            is_alive(&pool)
        });
        assert!(alive, "{place}");
    }
}

/// Whether the one worker of `pool` still runs tasks.
fn is_alive(pool: &Executor) -> bool {
    let handle = pool.submit(|| "alive");
    handle.wait_timeout(TOO_LONG) && handle.result().is_ok_and(|answer| answer == "alive")
}

#[test]
fn a_start_hook_may_panic_when_dropped() {
    for workers in [1, 4] {
        let bomb = Bomb(2);
        let hook = move || _ = &bomb;
        ends(move || match Executor::builder().workers(workers).on_worker_start(hook).build() {
            Ok(pool) => assert!(is_alive(&pool)),
            // Where a worker dropped it last, that is a panic before its first task.
            Err(error) => assert!(matches!(error, BuildError::WorkerStart(_)), "{error}"),
        });
    }
}

#[test]
fn what_nobody_is_given_is_dropped() {
    let pool = pool(1);
    let dropped = Arc::new(());
    let [result, payload] = [(); 2].map(|()| Arc::clone(&dropped));
    pool.submit(move || result).on_done(move || panic_any(payload));
    drop(pool);
    assert_eq!(Arc::strong_count(&dropped), 1);
}
