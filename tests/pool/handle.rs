//! Handles: a result, or why there is none; waiting and cancelling.

use std::sync::mpsc;
use std::time::Duration;

use pool_recipes::{TaskError, as_completed};

use crate::support::pool::{busy, occupy, pool};
use crate::support::time::{TOO_LONG, ends};

#[test]
fn wait_timeout_says_whether_the_task_is_finished() {
    let pool = pool(1);
    let (handle, release) = busy(&pool, ());
    for too_short in [Duration::ZERO, Duration::from_millis(2)] {
        assert!(!handle.wait_timeout(too_short) && !handle.is_finished());
    }
    drop(release);
    assert!(handle.wait_timeout(Duration::MAX) && handle.is_finished());
}

#[test]
fn a_second_cancel_answers_as_the_first() {
    let pool = pool(1);
    let (running, release) = busy(&pool, "set free");
    let (held, hung_up) = mpsc::channel::<()>();
    let pending = pool.submit(move || drop(held));
    assert!(pending.cancel() && pending.cancel());
    assert!(pending.is_finished());
    // The closure is dropped already.
    assert_eq!(hung_up.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    assert!(!running.cancel());
    drop(release);
    assert!(running.wait_timeout(TOO_LONG) && !running.cancel());
    assert_eq!(running.result().unwrap(), "set free");
}

#[test]
fn as_completed_yields_in_order_of_finish() {
    let pool = pool(3);
    let (handles, releases): (Vec<_>, Vec<_>) = (0..3).map(|n| busy(&pool, n)).unzip();
    let mut releases: Vec<_> = releases.into_iter().map(Some).collect();
    let mut finished = as_completed(handles);
    for n in [2, 0, 1] {
        releases[n] = None;
        let handle = finished.next().unwrap();
        assert!(handle.is_finished());
        assert_eq!(handle.result().unwrap(), n);
    }
    assert!(finished.next().is_none() && finished.next().is_none());
}

#[test]
fn as_completed_yields_finished_handles_first() {
    let pool = pool(1);
    let finished = pool.submit(|| "finished");
    assert!(finished.wait_timeout(TOO_LONG));
    let busy = occupy(&pool);
    let cancelled = pool.submit(|| "cancelled");
    let pending = pool.submit(|| "pending");
    assert!(cancelled.cancel());
    let mut all = as_completed([pending, cancelled, finished]);
    assert!(matches!(all.next().unwrap().result(), Err(TaskError::Cancelled)));
    assert_eq!(all.next().unwrap().result().unwrap(), "finished");
    drop(busy);
    assert_eq!(all.next().unwrap().result().unwrap(), "pending");
}

#[test]
fn as_completed_can_be_left_early() {
    ends(|| {
        let pool = pool(1);
        let (running, release) = busy(&pool, ());
        drop(as_completed([running]));
        drop(release);
        pool.submit(|| ()).result().unwrap();
    });
}
