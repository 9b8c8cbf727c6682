//! The stack of a worker: how large it is, and that nested waits end with an error before it does.

use std::sync::Arc;
use std::thread;

use pool_recipes::{Executor, MIN_STACK_SIZE, TaskError, as_completed};

use crate::support::pool::{inside, pool};
use crate::support::process::alone;

#[test]
fn too_deep_a_chain_is_an_error() {
    // There a panic prints all that it can.
    alone("stack::too_deep_a_chain_is_an_error", None, || {
        // The least, the recipe's, the default.
        for stack_size in [MIN_STACK_SIZE, 65_536, 2 * 1024 * 1024] {
            let pool = Arc::new(Executor::builder().workers(1).stack_size(stack_size).build().unwrap());
            let inner = Arc::clone(&pool);
            // The innermost panics, and so do all the others when they read its result.
            let outer = pool.submit(move || dive(&inner, |_| panic!("at the end of the stack")));
            assert!(outer.result().is_err());
            assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
        }
    });
}

/// Submits itself, until the stack ends.
fn dive(pool: &Arc<Executor>, at_the_end: fn(&Arc<Executor>)) {
    let inner = Arc::clone(pool);
    match pool.submit(move || dive(&inner, at_the_end)).result() {
        Err(TaskError::NestedTooDeep) => at_the_end(pool),
        // A panic goes up in silence.
        outcome => outcome.unwrap_or_else(|_| std::panic::resume_unwind(Box::new(()))),
    }
}

/// Other programs' panic hooks and allocators may need more than ours do.
#[test]
#[expect(clippy::large_stack_arrays, reason = "that is what it is about")]
fn a_larger_stack_keeps_a_larger_reserve() {
    let needs_more = |pool: &Arc<Executor>| {
        // Such a task is refused too, and will never run.
        assert!(as_completed([pool.submit(|| ())]).all(|handle| handle.cancel()));
        std::hint::black_box([0_u8; 64 * 1024]);
    };
    inside(pool(1), move |pool| dive(pool, needs_more));
}

#[test]
fn the_least_stack_nests_one_wait() {
    let pool = Executor::builder().workers(1).stack_size(MIN_STACK_SIZE).build().unwrap();
    assert_eq!(inside(pool, |pool| pool.submit(|| "nested").result().unwrap()), "nested");
}

/// `std::thread::spawn` runs such a closure on the same stack. Here a thread with more of it submits the closure.
#[test]
#[expect(clippy::large_stack_arrays, reason = "that is what it is about")]
fn a_large_closure_fits_on_the_default_stack() {
    let submit = || {
        let bytes = [7_u8; 1024 * 1024];
        let pool = Executor::new(1).unwrap();
        pool.submit(move || bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>()).result().unwrap()
    };
    let submitter = thread::Builder::new().stack_size(64 << 20).spawn(submit).unwrap();
    assert_eq!(submitter.join().unwrap(), 7 * 1024 * 1024);
}
