//! How a thread pool works, and how to write a right one: the Python Cookbook's recipe 12.7 from `std` alone.
//!
//! An [`Executor`] is a fixed number of threads with a queue in front of them:
//!
//! ```
//! use pool_recipes::Executor;
//!
//! let pool = Executor::new(4)?;
//! let answer = pool.submit(|| 6 * 7);
//! assert_eq!(answer.result()?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The book in `docs/` explains it, chapter by chapter:
//!
//! | chapter | here | example |
//! | --- | --- | --- |
//! | 1. An executor | [`Executor`] | `executor` |
//! | 2. A manual queue | [`SharedReceiver`] | `manual_queue` |
//! | 3. Results | [`Handle`], [`TaskError`], [`net::fetch_url`] | `fetch_url` |
//! | 4. Unbounded threads | [`net::Server`] | `unbounded`, `flood` |
//! | 5. How many threads | [`Builder::workers`] | `cpu_bound` |
//! | 6. Stack size | [`Builder::stack_size`], [`Usage`] | `stack_size` |
//! | 7. Inside a task | [`Handle::cancel`], [`Handle::on_done`] | `task_states` |
//! | 8. Waiting without deadlock | [`Handle::result`], [`as_completed`] | `nested` |
//! | 9. Borrowing | [`scope()`] | `scoped` |
//! | 10. Overload | [`net::Connections`] | `overload`, `soak` |
//! | 11. Model checking | `tests/loom` | |
//! | 12. How fast | [`Executor::submit`] | `throughput` |

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
