//! Callbacks: when they are called, on which thread, and that a chain of them doesn't grow the stack.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use pool_recipes::{Executor, Handle, as_completed};

use crate::support::{LONG, occupy};

#[test]
fn callbacks_are_called_in_order_after_the_task() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let order = Arc::clone(&order);
        move || order.lock().unwrap().push(what)
    };
    let handle = pool.submit(note("task"));
    handle.on_done(note("first"));
    handle.on_done(note("second"));
    drop(busy);
    drop(pool);
    assert_eq!(*order.lock().unwrap(), ["task", "first", "second"]);
}

#[test]
fn a_late_callback_is_called_at_once_on_its_thread() {
    let pool = Executor::new(1).unwrap();
    let handle = pool.submit(|| ());
    assert!(handle.wait_timeout(LONG));
    let (told, heard) = mpsc::channel();
    handle.on_done(move || told.send(thread::current().id()).unwrap());
    assert_eq!(heard.try_recv(), Ok(thread::current().id()));
}

#[test]
fn a_callback_is_called_once_however_the_task_ends() {
    let pool = Executor::new(1).unwrap();
    let (told, heard) = mpsc::channel();
    let busy = occupy(&pool);
    let handles = [pool.submit(|| ()), pool.submit(|| panic!("on purpose")), pool.submit(|| ())];
    for (index, handle) in handles.iter().enumerate() {
        let told = told.clone();
        handle.on_done(move || told.send(index).unwrap());
    }
    drop(told);
    assert!(handles[2].cancel());
    drop(busy);
    assert_eq!(heard.iter().collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn a_panic_in_a_callback_ends_there() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let (told, heard) = mpsc::channel();
    let handles = [pool.submit(|| ()), pool.submit(|| ())];
    for handle in &handles {
        let told = told.clone();
        handle.on_done(|| panic!("in a callback"));
        handle.on_done(move || told.send(()).unwrap());
    }
    assert!(handles[1].cancel());
    heard.try_recv().unwrap();
    drop(busy);
    heard.recv_timeout(LONG).unwrap();
    handles[0].on_done(|| panic!("in a late callback"));
    assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
}

#[test]
fn a_callback_may_use_the_handle_and_the_pool() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let busy = occupy(&pool);
    let handle = Arc::new(pool.submit(|| ()));
    let (told, heard) = mpsc::channel();
    let (inner, handle_inside) = (Arc::clone(&pool), Arc::clone(&handle));
    handle.on_done(move || {
        assert!(handle_inside.is_finished() && !handle_inside.cancel());
        inner.submit(move || told.send("submitted by a callback").unwrap());
    });
    drop(busy);
    assert_eq!(heard.recv_timeout(LONG), Ok("submitted by a callback"));
}

/// So many pending tasks, each of which cancels the next when it is finished; and how many were cancelled so far.
fn chain(pool: &Executor, length: usize) -> (Arc<Handle<()>>, Arc<AtomicUsize>) {
    let cancelled = Arc::new(AtomicUsize::new(0));
    let mut next: Option<Arc<Handle<()>>> = None;
    for _ in 0..length {
        let handle = Arc::new(pool.submit(|| ()));
        let (behind, count) = (next.take(), Arc::clone(&cancelled));
        handle.on_done(move || {
            count.fetch_add(1, SeqCst);
            if let Some(behind) = behind {
                behind.cancel();
            }
        });
        next = Some(handle);
    }
    (next.unwrap(), cancelled)
}

const LENGTH: usize = 100_000;

#[test]
fn a_long_chain_of_callbacks_ends_in_cancel() {
    let pool = Executor::new(1).unwrap();
    let _busy = occupy(&pool);
    let (first, cancelled) = chain(&pool, LENGTH);
    assert!(first.cancel());
    assert_eq!(cancelled.load(SeqCst), LENGTH);
}

#[test]
fn a_long_chain_of_callbacks_ends_on_a_small_stack() {
    let pool = Executor::builder().workers(1).stack_size(65_536).build().unwrap();
    let elsewhere = Executor::new(1).unwrap();
    let _busy = occupy(&elsewhere);
    let (first, cancelled) = chain(&elsewhere, LENGTH);
    assert!(pool.submit(move || first.cancel()).result().unwrap());
    assert_eq!(cancelled.load(SeqCst), LENGTH);
}

#[test]
fn a_long_chain_of_callbacks_ends_in_shutdown_now() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let head = pool.submit(|| ());
    let (first, cancelled) = chain(&pool, LENGTH);
    head.on_done(move || {
        first.cancel();
        drop(busy);
    });
    // The callbacks cancelled all but the head.
    assert_eq!(pool.shutdown_now(), 1);
    assert_eq!(cancelled.load(SeqCst), LENGTH);
}

#[test]
fn as_completed_works_in_a_callback() {
    let pool = Arc::new(Executor::new(1).unwrap());
    let busy = occupy(&pool);
    let first = pool.submit(|| ());
    let handles: Vec<_> = (0..3).map(|n| pool.submit(move || n)).collect();
    let (told, heard) = mpsc::channel();
    first.on_done(move || {
        assert!(handles.iter().all(Handle::cancel));
        told.send(as_completed(handles).count()).unwrap();
    });
    drop(busy);
    assert_eq!(heard.recv_timeout(LONG), Ok(3));
}
