//! What a task costs that waits in the queue: one allocation, and its place there.
//!
//! Alone in its file, so that nothing else in the process allocates meanwhile.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use pool_recipes::{Executor, Usage};

mod support;
use support::pool::occupy;

/// An allocator rounds sizes up, so that one more allocation a task would show here with 32 bytes.
const ONE_ALLOCATION: u64 = 96;
/// A fat pointer, a pointer and a word for its state, in blocks of 31.
const PLACE_IN_THE_QUEUE: u64 = 33;

#[test]
fn a_waiting_task_is_one_allocation() {
    const TASKS: u64 = 200_000;
    let pool = Executor::new(1).unwrap();
    let _busy = occupy(&pool);
    // Written to before, so that only the tasks themselves are new.
    let mut handles: Vec<_> = (0..TASKS).map(|_| None).collect();
    let resident_bytes = || Usage::current().unwrap().resident_bytes;
    let before = resident_bytes();
    for handle in &mut handles {
        *handle = Some(pool.submit(|| ()));
    }
    let each = (resident_bytes() - before) / TASKS;
    println!("{each} bytes a task");
    assert!(each <= ONE_ALLOCATION + PLACE_IN_THE_QUEUE, "{each} bytes a task");
}
