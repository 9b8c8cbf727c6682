//! The machinery: a queue that many workers share, tasks, their handles, and the executor that puts them together.
//!
//! The files in layers, each of which imports only from those after it: `executor`, `scope`, `map`, `handle`, `worker`,
//! `task`, `queue`, `error`.

mod error;
mod executor;
mod handle;
mod map;
mod queue;
mod scope;
mod task;
mod worker;

pub use error::{BuildError, Full, MIN_STACK_SIZE, Panic, TaskError};
pub use executor::{Builder, Executor, scope};
pub use handle::{Handle, ScopedHandle, as_completed};
pub use map::Map;
pub use queue::SharedReceiver;
pub use scope::Scope;
