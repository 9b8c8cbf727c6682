//! `Executor::map`: lazy, ordered, bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use pool_recipes::TaskError;

use crate::support::pool::{inside, pool};

#[test]
fn inputs_are_taken_within_the_buffer() {
    let pool = pool(3);
    // Twice the workers, unless set; and the one that is waited for, whatever is set.
    for (buffer, ahead) in [(None, 6), (Some(5), 5), (Some(0), 1)] {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let results = pool.map((0..100).inspect(move |_| _ = count.fetch_add(1, SeqCst)), |n| n);
        let mut results = if let Some(buffer) = buffer { results.buffer_size(buffer) } else { results };
        assert_eq!(taken.load(SeqCst), 0);
        for yielded in 0..10 {
            assert_eq!(results.next().unwrap().unwrap(), yielded);
            assert_eq!(taken.load(SeqCst), yielded + ahead);
        }
    }
}

#[test]
fn a_panicked_item_fails_in_its_place() {
    let pool = pool(2);
    let results: Vec<_> = pool.map(0..5, |n| if n == 2 { panic!("two") } else { n }).collect();
    assert!(matches!(&results[2], Err(TaskError::Panicked(panic)) if panic.message() == "two"));
    assert_eq!(results.iter().flatten().copied().collect::<Vec<_>>(), [0, 1, 3, 4]);
}

#[test]
fn dropping_the_iterator_cancels_what_has_not_started() {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    // The one worker is the one that asks: it runs the first, and has nine queued behind it.
    inside(pool(1), move |pool| {
        let mut results = pool.map(0..100, move |_| count.fetch_add(1, SeqCst)).buffer_size(10);
        assert_eq!(results.next().unwrap().unwrap(), 0);
        assert_eq!(pool.queued(), 10);
    });
    assert_eq!(ran.load(SeqCst), 1);
}
