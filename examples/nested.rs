//! Tasks that wait for tasks of their own pool, on a single worker.
//!
//! ```console
//! $ cargo run --example nested
//! ```

mod support;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use pool_recipes::{Executor, TaskError};
use support::arguments::Arguments;
use support::log;

fn main() -> ExitCode {
    Arguments::new("Waits inside the pool: nested submits on one worker.").finish();

    log::outcome(show())
}

fn show() -> Result<(), Box<dyn Error>> {
    let pool = Arc::new(Executor::builder().workers(1).stack_size(65_536).build()?);

    let inner = Arc::clone(&pool);
    let answer = pool.submit(move || fib(&inner, 20)).result()?;
    log::line(format_args!("fib(20) = {answer}, by nested submits on one worker"));

    let inner = Arc::clone(&pool);
    let depth = pool.submit(move || chain(&inner, 1)).result()?;
    log::line(format_args!("a chain of waits on a stack of 65,536 bytes: task {depth} was nested too deep"));

    let alive = pool.submit(|| "the pool lives").result()?;
    log::line(alive);
    Ok(())
}

/// Submits one half, computes the other, and waits.
fn fib(pool: &Arc<Executor>, n: u32) -> u32 {
    if n < 2 {
        return n;
    }
    let inner = Arc::clone(pool);
    let one = pool.submit(move || fib(&inner, n - 1));
    let other = fib(pool, n - 2);
    one.result().expect("twenty levels fit on the stack") + other
}

/// Each task submits the next and waits for it; returns the number of the first that found no room.
fn chain(pool: &Arc<Executor>, number: u32) -> u32 {
    let inner = Arc::clone(pool);
    match pool.submit(move || chain(&inner, number + 1)).result() {
        Ok(deepest) => deepest,
        Err(TaskError::NestedTooDeep) => number + 1,
        Err(error) => unreachable!("{error}"),
    }
}
