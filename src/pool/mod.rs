//! The machinery: a queue that many workers share, tasks, their handles, and the executor that joins them.

mod executor;
mod handle;
pub mod queue;
mod scope;
mod task;
mod turns;
mod worker;

pub use executor::{BuildError, Builder, Executor, Full, MIN_STACK_SIZE, Map};
pub use handle::{Handle, Panic, ScopedHandle, TaskError, as_completed};
pub use scope::{Scope, scope};
