//! What a task costs that waits in the queue: one allocation, and its place there.
//!
//! Alone in its file, so that nothing else in the process allocates meanwhile.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use pool_recipes::Executor;

#[path = "pool/support.rs"]
mod support;
use support::occupy;

/// An allocator rounds sizes up, so that one more allocation a task would show here with 32 bytes.
const ONE_ALLOCATION: usize = 96;
/// A fat pointer, a pointer and a word for its state, in blocks of 31.
const PLACE_IN_THE_QUEUE: usize = 33;

#[test]
fn a_waiting_task_is_one_allocation() {
    const TASKS: usize = 200_000;
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    // Written to before, so that only the tasks themselves are new.
    let mut handles: Vec<_> = (0..TASKS).map(|_| None).collect();
    let before = resident_bytes();
    for handle in &mut handles {
        *handle = Some(pool.submit(|| ()));
    }
    let each = (resident_bytes() - before) / TASKS;
    println!("{each} bytes a task");
    assert!(each <= ONE_ALLOCATION + PLACE_IN_THE_QUEUE, "{each} bytes a task");
    drop(busy);
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix(" kB"));
    resident.unwrap().trim().parse::<usize>().unwrap() * 1024
}
