//! A thread pool from `std` alone, small enough to be read: the Python Cookbook's recipe 12.7 in Rust.
//!
//! An [`Executor`] is a fixed number of threads, its *workers*, with a queue in front of them. [`submit`] returns a
//! [`Handle`], whose [`result`] waits for the task's value. [`map`] does the same for many inputs, in their order.
//! [`shutdown`] waits until everything submitted has run, and so does dropping the pool.
//!
//! ```
//! use pool_recipes::Executor;
//!
//! let pool = Executor::new(4)?;
//! let answer = pool.submit(|| 6 * 7);
//! let squares: Vec<u32> = pool.map(1..=4, |n| n * n).collect::<Result<_, _>>()?;
//! assert_eq!(answer.result()?, 42); // or an error, if the task panicked
//! assert_eq!(squares, [1, 4, 9, 16]);
//! pool.shutdown();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a [`scope()`] tasks may borrow, because it returns only when all of them are finished. A queue with a
//! [capacity] bounds how many tasks wait: when it is full, [`submit`] waits, and [`try_submit`] gives the closure back.
//!
//! ```
//! use pool_recipes::{Executor, Full, scope};
//!
//! let text = String::from("borrowed, not moved");
//! let words = scope(2, |pool| pool.submit(|| text.split(' ').count()).result())??;
//! assert_eq!(words, 3);
//!
//! let pool = Executor::builder().workers(4).queue_capacity(100).build()?;
//! match pool.try_submit(move || text.len()) {
//!     Ok(length) => assert_eq!(length.result()?, 19),
//!     Err(Full(task)) => assert_eq!(task(), 19), // no room: run it here, or refuse the work
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The book in `docs/`, which begins with `docs/README.md`, explains how it works and how to write one yourself.
//!
//! [`submit`]: Executor::submit
//! [`result`]: Handle::result
//! [`map`]: Executor::map
//! [`shutdown`]: Executor::shutdown
//! [`try_submit`]: Executor::try_submit
//! [capacity]: Builder::queue_capacity

pub mod net;
mod pool;
mod sync;
mod usage;

pub use pool::*;
pub use usage::Usage;

/// The book's programs, as doctests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/01-an-executor.md")]
    mod an_executor {}
    #[doc = include_str!("../docs/02-a-manual-queue.md")]
    mod a_manual_queue {}
    #[doc = include_str!("../docs/03-results.md")]
    mod results {}
    #[doc = include_str!("../docs/04-unbounded-threads.md")]
    mod unbounded_threads {}
    #[doc = include_str!("../docs/05-how-many-threads.md")]
    mod how_many_threads {}
    #[doc = include_str!("../docs/06-stack-size.md")]
    mod stack_size {}
    #[doc = include_str!("../docs/07-inside-a-task.md")]
    mod inside_a_task {}
    #[doc = include_str!("../docs/08-waiting-without-deadlock.md")]
    mod waiting_without_deadlock {}
    #[doc = include_str!("../docs/09-borrowing.md")]
    mod borrowing {}
    #[doc = include_str!("../docs/10-overload.md")]
    mod overload {}
    #[doc = include_str!("../docs/11-model-checking.md")]
    mod model_checking {}
    #[doc = include_str!("../docs/12-how-fast.md")]
    mod how_fast {}
    #[doc = include_str!("../docs/python-to-rust.md")]
    mod python_to_rust {}
}
