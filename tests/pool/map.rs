//! `Executor::map`: lazy, ordered, bounded.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

use pool_recipes::{Executor, TaskError};

use crate::support::occupy;

/// Counts the inputs as they are taken.
fn counts(taken: &Arc<AtomicUsize>) -> impl FnMut(&i32) + use<> {
    let taken = Arc::clone(taken);
    move |_| {
        taken.fetch_add(1, SeqCst);
    }
}

#[test]
fn results_come_in_the_order_of_the_inputs() {
    let pool = Executor::new(4).unwrap();
    let doubled: Vec<i32> = pool.map(0..1000, |n| 2 * n).map(Result::unwrap).collect();
    assert!(doubled.into_iter().eq((0..1000).map(|n| 2 * n)));
}

#[test]
fn an_endless_iterator_works() {
    let pool = Executor::new(2).unwrap();
    assert_eq!(pool.map(0_u64.., |n| n).take(10).map(Result::unwrap).sum::<u64>(), 45);
}

#[test]
fn inputs_are_taken_no_further_ahead_than_the_buffer() {
    let pool = Executor::new(2).unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut results = pool.map((0..100).inspect(counts(&taken)), |n| n).buffer_size(5);
    assert_eq!(taken.load(SeqCst), 0);
    for yielded in 1..=10 {
        results.next().unwrap().unwrap();
        assert_eq!(taken.load(SeqCst), yielded + 4);
    }
}

#[test]
fn the_buffer_is_twice_the_workers_unless_set() {
    let pool = Executor::new(3).unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut results = pool.map((0..100).inspect(counts(&taken)), |n| n);
    results.next().unwrap().unwrap();
    assert_eq!(taken.load(SeqCst), 6);
}

#[test]
fn a_buffer_of_nothing_still_makes_progress() {
    let pool = Executor::new(1).unwrap();
    assert_eq!(pool.map([1, 2, 3], |n| n).buffer_size(0).map(Result::unwrap).sum::<i32>(), 6);
}

#[test]
fn inputs_are_worked_on_side_by_side() {
    let pool = Executor::new(4).unwrap();
    let together = Barrier::new(4);
    assert_eq!(pool.map(0..4, move |n| (together.wait(), n).1).map(Result::unwrap).sum::<i32>(), 6);
}

#[test]
fn a_panicked_item_is_an_error_in_its_place() {
    let pool = Executor::new(2).unwrap();
    let results: Vec<_> = pool.map(0..5, |n| if n == 2 { panic!("two") } else { n }).collect();
    assert!(matches!(&results[2], Err(TaskError::Panicked(panic)) if panic.message() == "two"));
    assert_eq!(results.iter().flatten().copied().collect::<Vec<_>>(), [0, 1, 3, 4]);
}

#[test]
fn dropping_the_iterator_cancels_what_has_not_started() {
    let pool = Executor::new(1).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let started = Arc::new(Barrier::new(2));
    let go_on = Arc::new(Barrier::new(2));
    let (start, wait) = (Arc::clone(&started), Arc::clone(&go_on));
    let mut results = pool
        .map(0..100, move |n| {
            count.fetch_add(1, SeqCst);
            if n == 1 {
                start.wait();
                wait.wait();
            }
        })
        .buffer_size(10);
    results.next().unwrap().unwrap();
    started.wait(); // the second runs, eight more are queued
    drop(results);
    go_on.wait();
    drop(pool);
    assert_eq!(ran.load(SeqCst), 2);
}

#[test]
fn nothing_is_submitted_before_a_result_is_asked_for() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let results = pool.map(0..3, |n| n);
    assert_eq!(pool.queued(), 0);
    drop(busy);
    assert_eq!(results.count(), 3);
}
