//! What can go wrong: in a task, in the building of a pool, and at a full queue.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{fmt, io, mem};

use crate::sync::{Mutex, lock};

/// The reason why a task has no result.
///
/// # Examples
///
/// ```
/// use pool_recipes::{Executor, TaskError};
///
/// let pool = Executor::new(1)?;
/// match pool.submit(|| panic!("no more tea")).result() {
///     Ok(()) => unreachable!(),
///     Err(TaskError::Panicked(panic)) => assert_eq!(panic.message(), "no more tea"),
///     Err(error) => println!("it never ran: {error}"),
/// }
/// # Ok::<(), pool_recipes::BuildError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked. In a box, because every task has room for a result or an error, and few tasks panic.
    Panicked(Box<Panic>),
    /// The task was cancelled before it started; it never ran.
    Cancelled,
    /// A worker had to run the task on top of the one that waits for it, and had too little stack left; the task never
    /// ran.
    NestedTooDeep,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => write!(f, "the task panicked: {panic}"),
            Self::Cancelled => f.write_str("the task was cancelled before it started"),
            Self::NestedTooDeep => f.write_str("the task was nested too deep: the stack had no room for it"),
        }
    }
}

impl Error for TaskError {}

/// The reason why a pool could not be built; none of its threads is left behind.
///
/// # Examples
///
/// ```
/// use pool_recipes::{BuildError, Executor};
///
/// let error = Executor::builder().stack_size(1_000).build().unwrap_err();
/// assert!(matches!(error, BuildError::StackTooSmall { requested: 1_000 }));
/// assert_eq!(error.to_string(), "a stack of 1000 bytes: a worker needs at least 32768");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of no workers was asked for: nothing submitted to it would ever run.
    NoWorkers,
    /// A stack of less than [`MIN_STACK_SIZE`] was asked for.
    StackTooSmall {
        /// The size asked for, in bytes.
        requested: usize,
    },
    /// The operating system refused a thread.
    Spawn {
        /// How many workers had started before; they have ended.
        started: usize,
        /// How many workers were asked for.
        workers: usize,
        /// What the operating system said. It is printed with this error, and so isn't its source.
        error: io::Error,
    },
    /// The hook that every worker runs before its first task panicked.
    WorkerStart(Panic),
}

/// The smallest stack that a worker can have, in bytes.
///
/// It is the recipe's figure, and Python's for [`threading.stack_size`]. A panic that prints a backtrace fits into it.
///
/// [`threading.stack_size`]: https://docs.python.org/3/library/threading.html#threading.stack_size
///
/// # Examples
///
/// ```
/// use pool_recipes::{Executor, MIN_STACK_SIZE};
///
/// let small = Executor::builder().workers(1).stack_size(MIN_STACK_SIZE).build()?;
/// assert_eq!(small.submit(|| 6 * 7).result()?, 42);
/// assert!(Executor::builder().stack_size(MIN_STACK_SIZE - 1).build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const MIN_STACK_SIZE: usize = 32_768;

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("0 workers: a pool needs at least one"),
            Self::StackTooSmall { requested } => {
                write!(f, "a stack of {requested} bytes: a worker needs at least {MIN_STACK_SIZE}")
            }
            Self::Spawn { started, workers, error } => {
                write!(f, "could not start worker {} of {workers}: {error}", started + 1)
            }
            Self::WorkerStart(panic) => write!(f, "a worker panicked before its first task: {panic}"),
        }
    }
}

impl Error for BuildError {}

/// The error of a full queue, with the closure that [`Executor::try_submit`](super::Executor::try_submit) was given.
///
/// # Examples
///
/// ```
/// use pool_recipes::Full;
///
/// let error = Full(|| 6 * 7); // as `try_submit` returns it
/// assert_eq!(error.to_string(), "the queue is full");
/// assert_eq!((error.0)(), 42); // the closure can still be called, or submitted again
/// ```
pub struct Full<F>(pub F);

impl<F> fmt::Debug for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<F> fmt::Display for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full")
    }
}

impl<F> Error for Full<F> {}

/// A caught panic: its message to read, and its payload to hand to [`std::panic::resume_unwind`].
///
/// # Examples
///
/// ```
/// use pool_recipes::{Executor, TaskError};
///
/// let pool = Executor::new(1)?;
/// let Err(TaskError::Panicked(panic)) = pool.submit(|| panic!("no more tea")).result() else { unreachable!() };
/// assert_eq!(panic.message(), "no more tea");
/// assert!(panic.into_payload().is::<&str>());
/// # Ok::<(), pool_recipes::BuildError>(())
/// ```
pub struct Panic {
    message: String,
    /// `None` once it is taken. The lock protects nothing: the mutex only makes a payload that is `Send` also `Sync`,
    /// as an error should be.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a payload that is not text").to_owned();
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// Return the panic's message, or a placeholder if its payload is not text.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, TaskError};
    ///
    /// let pool = Executor::new(1)?;
    /// let result = pool.submit(|| panic!("{} cups left", 0)).result();
    /// let Err(TaskError::Panicked(panic)) = result else { unreachable!() };
    /// assert_eq!(panic.message(), "0 cups left");
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Return the panic's payload, as [`std::thread::JoinHandle::join`] would.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::panic;
    ///
    /// use pool_recipes::{Executor, TaskError};
    ///
    /// let pool = Executor::new(1)?;
    /// let Err(TaskError::Panicked(panic)) = pool.submit(|| panic::panic_any(7)).result() else { unreachable!() };
    /// // As in Python, the waiting thread panics with the same value.
    /// let again = panic::catch_unwind(|| panic::resume_unwind(panic.into_payload()));
    /// assert_eq!(again.unwrap_err().downcast_ref(), Some(&7));
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        lock(&self.payload).take().unwrap_or_else(|| unreachable!("only this and the drop take the payload"))
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message).finish()
    }
}

/// A payload's drop is user code: if it panics, the panic must not reach the thread that drops the error.
impl Drop for Panic {
    fn drop(&mut self) {
        let payload = lock(&self.payload).take();
        contain(|| drop(payload));
    }
}

/// Runs user code whose panic can't be passed to anybody: the panic hook has reported it, and it ends here.
pub(crate) fn contain(code: impl FnOnce()) {
    let dropped = catch_unwind(AssertUnwindSafe(code))
        .or_else(|payload| catch_unwind(AssertUnwindSafe(|| drop(payload))));
    // If a payload's own drop panics, that panic's payload is leaked: dropping it could panic again, without end.
    mem::forget(dropped);
}
