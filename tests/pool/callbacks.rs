//! Callbacks: when they are called, on which thread, and that a chain of them doesn't grow the stack.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

use pool_recipes::{Executor, Handle, as_completed};

use crate::support::pool::{occupy, pool};
use crate::support::time::TOO_LONG;

#[test]
fn a_late_callback_is_called_at_once() {
    let pool = pool(1);
    let handle = pool.submit(|| ());
    assert!(handle.wait_timeout(TOO_LONG));
    let (told, heard) = mpsc::channel();
    handle.on_done(move || told.send(thread::current().id()).unwrap());
    assert_eq!(heard.try_recv(), Ok(thread::current().id()));
}

#[test]
fn callbacks_are_called_in_order_at_any_end() {
    const CALLS: [&str; 3] = ["the task", "the first callback", "the second"];
    let pool = pool(1);
    for ending in ["returns", "panics", "is cancelled"] {
        let busy = occupy(&pool);
        let (told, heard) = mpsc::channel();
        let [task, first, second] = CALLS.map(|call| {
            let told = told.clone();
            move || told.send(call).unwrap()
        });
        let handle = pool.submit(move || {
            task();
            assert!(ending != "panics", "on purpose");
        });
        handle.on_done(first);
        handle.on_done(second);
        let calls = if ending == "is cancelled" {
            assert!(handle.cancel()); // calls them, while the worker is occupied
            &CALLS[1..]
        } else {
            drop(busy);
            pool.submit(|| ()).result().unwrap();
            &CALLS
        };
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), calls, "{ending}");
    }
}

#[test]
fn a_callback_may_use_the_handle_and_the_pool() {
    let pool = Arc::new(pool(1));
    let busy = occupy(&pool);
    let handle = Arc::new(pool.submit(|| ()));
    let (told, heard) = mpsc::channel();
    let (inner, handle_inside) = (Arc::clone(&pool), Arc::clone(&handle));
    handle.on_done(move || {
        assert!(handle_inside.is_finished() && !handle_inside.cancel());
        inner.submit(move || told.send("submitted by a callback").unwrap());
    });
    drop(busy);
    assert_eq!(heard.recv_timeout(TOO_LONG), Ok("submitted by a callback"));
}

/// Each of many pending tasks cancels the next when it is finished.
#[test]
fn a_long_chain_of_callbacks_needs_little_stack() {
    const LENGTH: usize = 100_000;
    let elsewhere = pool(1);
    let busy = occupy(&elsewhere);
    let cancelled = Arc::new(AtomicUsize::new(0));
    // `shutdown_now` comes to the head first, and its callbacks cancel the others, from the last to the first.
    let head = elsewhere.submit(|| ());
    let mut next: Option<Handle<()>> = None;
    for _ in 0..LENGTH {
        let handle = elsewhere.submit(|| ());
        let (behind, count) = (next.take(), Arc::clone(&cancelled));
        handle.on_done(move || {
            count.fetch_add(1, SeqCst);
            behind.map(|behind| behind.cancel());
        });
        next = Some(handle);
    }
    head.on_done(move || {
        next.map(|last| last.cancel());
        drop(busy);
    });
    let pool = Executor::builder().workers(1).stack_size(65_536).build().unwrap();
    // What the callbacks cancel doesn't count.
    assert_eq!(pool.submit(|| elsewhere.shutdown_now()).result().unwrap(), 1);
    assert_eq!(cancelled.load(SeqCst), LENGTH);
}

#[test]
fn as_completed_works_in_a_callback() {
    let pool = Arc::new(pool(1));
    let busy = occupy(&pool);
    let first = pool.submit(|| ());
    let handles: Vec<_> = (0..3).map(|n| pool.submit(move || n)).collect();
    let (told, heard) = mpsc::channel();
    first.on_done(move || {
        assert!(handles.iter().all(Handle::cancel));
        told.send(as_completed(handles).count()).unwrap();
    });
    drop(busy);
    assert_eq!(heard.recv_timeout(TOO_LONG), Ok(3));
}
