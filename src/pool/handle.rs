//! What `submit` returns: a [`Handle`] that waits for the task's result.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::task::{Outcome, contain};
use super::worker::{PoolId, run_nested};
use crate::sync::{Mutex, mpsc};

/// A handle to a task of an [`Executor`](super::Executor).
pub type Handle<T> = ScopedHandle<'static, T>;

/// A handle to a task that borrows for `'scope`; outside of a [`scope`](super::scope()) it is called [`Handle`].
///
/// Dropping a handle detaches its task: the task runs all the same, and its result is dropped unread.
///
/// # Examples
///
/// ```
/// use pool_recipes::Executor;
///
/// let pool = Executor::new(2)?;
/// let answer = pool.submit(|| 6 * 7);
/// assert_eq!(answer.result()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ScopedHandle<'scope, T> {
    /// Shared with the queue until a worker has run the task.
    task: Arc<dyn Outcome<'scope, T> + 'scope>,
    /// Whose workers run the task themselves in place of waiting for it.
    pool: PoolId,
}

impl<'scope, T> ScopedHandle<'scope, T> {
    pub(crate) fn new(task: Arc<dyn Outcome<'scope, T> + 'scope>, pool: PoolId) -> Self {
        ScopedHandle { task, pool }
    }

    /// Waits until the task is finished and returns its result.
    ///
    /// Called by a worker of the task's own pool, it doesn't wait for a task that has not started: it runs it, here
    /// and now. So a task can wait for the tasks that it submits, on a pool of any size.
    ///
    /// # Errors
    ///
    /// [`TaskError::Panicked`] if the task panicked, [`TaskError::Cancelled`] if it was cancelled before it started,
    /// and [`TaskError::NestedTooDeep`] if this worker's stack has no room to run it.
    pub fn result(self) -> Result<T, TaskError> {
        self.run_if_mine();
        self.task.wait()
    }

    /// Waits until the task is finished, or `timeout` has passed; returns whether the task is finished.
    ///
    /// It never runs the task itself, as that could take longer than `timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use pool_recipes::Executor;
    ///
    /// let pool = Executor::new(1)?;
    /// let (answer, question) = mpsc::channel();
    /// let handle = pool.submit(move || question.recv());
    /// assert!(!handle.wait_timeout(Duration::from_millis(5)));
    /// answer.send(42)?;
    /// assert!(handle.wait_timeout(Duration::from_secs(60)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.task.wait_timeout(timeout)
    }

    /// Whether the task is finished: [`result`](Self::result) would not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Cancels the task if it has not started, and returns whether it will never run.
    ///
    /// A task is cancelled at once: who waits for it wakes, its callbacks run, and its closure is dropped, here and on
    /// this thread. Only an empty shell stays in the queue. A task that runs, or has run, can't be cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::{Executor, TaskError};
    ///
    /// let pool = Executor::new(1)?;
    /// let (release, released) = mpsc::channel::<()>();
    /// pool.submit(move || released.recv()); // keeps the one worker busy
    /// let handle = pool.submit(|| unreachable!("cancelled before it started"));
    /// assert!(handle.cancel());
    /// assert!(matches!(handle.result(), Err(TaskError::Cancelled)));
    /// drop(release);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.task.cancel(TaskError::Cancelled) || self.task.is_cancelled()
    }

    /// Has `callback` run when the task is finished: done, panicked or cancelled.
    ///
    /// Callbacks run in the order added, after those who wait are woken, on the thread that finished the task; one
    /// added later runs at once, on the thread that adds it. A panic in one is reported by the panic hook, and ends
    /// there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::Executor;
    ///
    /// let pool = Executor::new(1)?;
    /// let (done, all) = mpsc::channel();
    /// for name in ["one", "two"] {
    ///     let done = done.clone();
    ///     pool.submit(|| ()).on_done(move || done.send(name).unwrap());
    /// }
    /// drop(done);
    /// assert_eq!(all.iter().count(), 2);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn on_done(&self, callback: impl FnOnce() + Send + 'scope) {
        self.task.on_done(Box::new(callback));
    }

    /// Runs the task if this thread is one of its pool's workers and the task has not started.
    fn run_if_mine(&self) {
        if self.pool.is_mine() {
            run_nested(&*self.task);
        }
    }
}

impl<T> fmt::Debug for ScopedHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// Yields each handle once its task is finished, in the order in which they finish.
///
/// Tasks that are finished already come first, in the order given. A worker that iterates over handles of its own
/// pool runs those that have not started, as [`ScopedHandle::result`] does.
///
/// # Examples
///
/// ```
/// use pool_recipes::{Executor, as_completed};
///
/// let pool = Executor::new(4)?;
/// let handles: Vec<_> = (1..=3).map(|n| pool.submit(move || n * n)).collect();
/// let mut squares: Vec<i32> = as_completed(handles).map(|handle| handle.result()).collect::<Result<_, _>>()?;
/// squares.sort_unstable(); // they came in any order
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed<'scope, T>(
    handles: impl IntoIterator<Item = ScopedHandle<'scope, T>>,
) -> impl Iterator<Item = ScopedHandle<'scope, T>> {
    let mut handles: Vec<_> = handles.into_iter().map(Some).collect();
    let (done, finished) = mpsc::channel();
    for (index, handle) in handles.iter().flatten().enumerate() {
        let done = done.clone();
        // Nobody listens any more once the iterator is dropped.
        handle.on_done(move || {
            let _ = done.send(index);
        });
    }
    drop(done);
    // A task that has been seen to start stays started: one pass over the handles finds all that have not.
    let mut unstarted = 0..handles.len();
    std::iter::from_fn(move || {
        loop {
            match finished.try_recv() {
                Ok(index) => return handles[index].take(),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => {}
            }
            match unstarted.next() {
                Some(index) => handles[index].iter().for_each(ScopedHandle::run_if_mine),
                None => return finished.recv().ok().and_then(|index| handles[index].take()),
            }
        }
    })
}

/// Why a task has no result.
#[derive(Debug)]
pub enum TaskError {
    /// It panicked.
    Panicked(Panic),
    /// It was cancelled before it started; it never ran.
    Cancelled,
    /// A worker had to run it on top of the task it was running already, and had too little stack left; it never ran.
    NestedTooDeep,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Panicked(panic) => write!(f, "the task panicked: {panic}"),
            TaskError::Cancelled => f.write_str("the task was cancelled before it started"),
            TaskError::NestedTooDeep => {
                f.write_str("the task was nested too deep: its worker's stack had no room to run it")
            }
        }
    }
}

impl Error for TaskError {}

impl From<Panic> for TaskError {
    fn from(panic: Panic) -> Self {
        TaskError::Panicked(panic)
    }
}

/// What a panic left behind: its message to read, and its payload to hand to [`std::panic::resume_unwind`].
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
    /// In a box, because every task has room for a result or an error, and few ever panic.
    caught: Box<Caught>,
}

struct Caught {
    message: String,
    /// Locked by nobody: the mutex lends a payload that is only `Send` the `Sync` that an error should have.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast_ref::<&str>() {
            Some(message) => (*message).to_owned(),
            None => {
                payload.downcast_ref().cloned().unwrap_or_else(|| "a payload that is not text".to_owned())
            }
        };
        Panic { caught: Box::new(Caught { message, payload: Mutex::new(Some(payload)) }) }
    }

    /// The panic's message, as far as it was text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.caught.message
    }

    /// The panic's payload, as [`std::thread::JoinHandle::join`] would return it.
    #[must_use]
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        self.caught.take().unwrap_or_else(|| unreachable!("only this and the drop take the payload"))
    }
}

impl Caught {
    fn take(&mut self) -> Option<Box<dyn Any + Send>> {
        self.payload.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}

/// A payload is the user's own code: should its drop panic, that must not reach whoever drops an error.
impl Drop for Caught {
    fn drop(&mut self) {
        let payload = self.take();
        contain(|| drop(payload));
    }
}
