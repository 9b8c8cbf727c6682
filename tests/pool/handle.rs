//! Handles: a result, or why there is none; waiting and cancelling.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use pool_recipes::{Executor, Handle, TaskError, as_completed};

use crate::support::{LONG, occupy};

#[test]
fn result_returns_what_the_task_returned() {
    let pool = Executor::new(2).unwrap();
    assert_eq!(pool.submit(|| String::from("value")).result().unwrap(), "value");
}

#[test]
fn an_error_of_the_task_is_its_result() {
    let pool = Executor::new(1).unwrap();
    assert!(pool.submit(|| "x".parse::<i32>()).result().unwrap().is_err());
}

#[test]
fn a_panic_comes_back_with_its_payload() {
    let pool = Executor::new(1).unwrap();
    let left = 0;
    let error = pool.submit(move || panic!("{left} left")).result().map(|(): ()| ()).unwrap_err();
    assert_eq!(error.to_string(), "the task panicked: 0 left");
    let TaskError::Panicked(panic) = error else { panic!("{error}") };
    assert_eq!(panic.message(), "0 left");
    let resumed = catch_unwind(|| resume_unwind(panic.into_payload())).unwrap_err();
    assert_eq!(resumed.downcast_ref::<String>().unwrap(), "0 left");

    let Err(TaskError::Panicked(panic)) = pool.submit(|| panic_any(7_u8)).result() else {
        panic!("no panic")
    };
    assert_eq!(panic.message(), "a payload that is not text");
    assert_eq!(*panic.into_payload().downcast::<u8>().unwrap(), 7);
}

#[test]
fn a_handle_outlives_its_pool() {
    let pool = Executor::new(1).unwrap();
    let handle = pool.submit(|| 1);
    drop(pool);
    assert!(handle.is_finished());
    assert_eq!(handle.result().unwrap(), 1);
}

#[test]
fn a_dropped_handle_does_not_cancel() {
    let (told, heard) = mpsc::channel();
    let pool = Executor::new(1).unwrap();
    drop(pool.submit(move || told.send("ran")));
    assert_eq!(heard.recv_timeout(LONG), Ok("ran"));
}

#[test]
fn wait_timeout_says_whether_the_task_is_finished() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let handle = pool.submit(|| 1);
    assert!(!handle.wait_timeout(Duration::ZERO));
    assert!(!handle.wait_timeout(Duration::from_millis(2)));
    assert!(!handle.is_finished());
    drop(busy);
    assert!(handle.wait_timeout(Duration::MAX));
    assert!(handle.is_finished());
    assert_eq!(handle.result().unwrap(), 1);
}

#[test]
fn a_cancelled_task_never_runs() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let handle = pool.submit(move || count.fetch_add(1, SeqCst));
    assert!(handle.cancel());
    drop(busy);
    drop(pool);
    assert_eq!(ran.load(SeqCst), 0);
    assert_eq!(handle.result().unwrap_err().to_string(), "the task was cancelled before it started");
}

#[test]
fn cancel_drops_the_closure_and_wakes_waiters_at_once() {
    let pool = Executor::new(1).unwrap();
    let _busy = occupy(&pool);
    let (held, hung_up) = mpsc::channel::<()>();
    let handle = Arc::new(pool.submit(move || drop(held)));
    let waiting = {
        let handle = Arc::clone(&handle);
        thread::spawn(move || handle.wait_timeout(LONG))
    };
    assert!(handle.cancel());
    assert_eq!(hung_up.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    assert!(waiting.join().unwrap());
}

#[test]
fn a_second_cancel_answers_as_the_first() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let cancelled = pool.submit(|| ());
    assert!(cancelled.cancel());
    assert!(cancelled.cancel());
    drop(busy);
    let finished = pool.submit(|| ());
    assert!(finished.wait_timeout(LONG));
    assert!(!finished.cancel());
    assert!(!finished.cancel());
    assert!(finished.result().is_ok());
}

#[test]
fn a_running_task_can_not_be_cancelled() {
    let pool = Executor::new(1).unwrap();
    let (start, started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let handle = pool.submit(move || {
        start.send(()).unwrap();
        released.recv().unwrap()
    });
    started.recv().unwrap();
    assert!(!handle.cancel());
    release.send("finished").unwrap();
    assert_eq!(handle.result().unwrap(), "finished");
}

#[test]
fn as_completed_yields_handles_in_the_order_they_finish() {
    let pool = Executor::new(3).unwrap();
    let (releases, handles): (Vec<_>, Vec<_>) = (0..3)
        .map(|n| {
            let (release, released) = mpsc::channel::<()>();
            let handle = pool.submit(move || {
                released.recv().unwrap_err();
                n
            });
            (release, handle)
        })
        .unzip();
    let mut releases: Vec<_> = releases.into_iter().map(Some).collect();
    let mut finished = as_completed(handles);
    for n in [2, 0, 1] {
        releases[n] = None;
        let handle = finished.next().unwrap();
        assert!(handle.is_finished());
        assert_eq!(handle.result().unwrap(), n);
    }
    assert!(finished.next().is_none());
    assert!(finished.next().is_none());
}

#[test]
fn as_completed_yields_finished_handles_first() {
    let pool = Executor::new(1).unwrap();
    let finished = pool.submit(|| "finished");
    assert!(finished.wait_timeout(LONG));
    let busy = occupy(&pool);
    let cancelled = pool.submit(|| "cancelled");
    let pending = pool.submit(|| "pending");
    assert!(cancelled.cancel());
    let mut all = as_completed([pending, cancelled, finished]);
    assert!(matches!(all.next().unwrap().result(), Err(TaskError::Cancelled)));
    assert_eq!(all.next().unwrap().result().unwrap(), "finished");
    drop(busy);
    assert_eq!(all.next().unwrap().result().unwrap(), "pending");
    assert!(all.next().is_none());
}

#[test]
fn as_completed_of_nothing_is_empty() {
    assert!(as_completed(Vec::<Handle<()>>::new()).next().is_none());
}

#[test]
fn as_completed_can_be_left_early() {
    let pool = Executor::new(2).unwrap();
    let busy = occupy(&pool);
    let handles = [pool.submit(|| 1), pool.submit(|| 2)];
    drop(as_completed(handles).next());
    drop(busy);
    assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
}

#[test]
fn an_unwinding_caller_leaves_the_pool_working() {
    let pool = Executor::new(1).unwrap();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _handle = pool.submit(|| ());
        panic!("in the caller");
    }));
    assert!(caught.is_err());
    assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
}
