//! What `submit` returns: a [`Handle`] that waits for the task's result.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::error::TaskError;
use super::task::{Outcome, call_in_turn};
use super::worker::{PoolId, is_mine, run_nested};
use crate::sync::mpsc;

/// A handle to a task of an [`Executor`](super::Executor).
///
/// # Examples
///
/// ```
/// use pool_recipes::{Executor, Handle};
///
/// let pool = Executor::new(2)?;
/// let handles: Vec<Handle<u32>> = (1..=3).map(|n| pool.submit(move || n * n)).collect();
/// assert_eq!(handles.into_iter().map(|handle| handle.result().unwrap()).sum::<u32>(), 14);
/// # Ok::<(), pool_recipes::BuildError>(())
/// ```
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
    task: Arc<dyn Outcome<T> + 'scope>,
    /// Whose workers run the task themselves in place of waiting for it.
    pool: PoolId,
}

impl<'scope, T> ScopedHandle<'scope, T> {
    pub(crate) fn new(task: Arc<dyn Outcome<T> + 'scope>, pool: PoolId) -> Self {
        Self { task, pool }
    }

    /// Wait until the task is finished, and return its result.
    ///
    /// A worker of the task's own pool that calls this doesn't wait for a task that has not started: it runs that task
    /// itself, here and now. So a task can wait for the tasks that it submits, on a pool of any size. The awaited task
    /// and its callbacks then find the thread as the caller left it: a lock that the caller holds, or a thread-local
    /// `RefCell` that it has borrowed, is still held. What is left of the task in the queue, some 128 bytes, stays
    /// there until a worker comes to it.
    ///
    /// # Errors
    ///
    /// [`TaskError::Panicked`] if the task panicked, [`TaskError::Cancelled`] if it was cancelled before it started,
    /// and [`TaskError::NestedTooDeep`] if the worker's stack had no room to run it.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, TaskError};
    ///
    /// let pool = Executor::new(1)?;
    /// assert_eq!(pool.submit(|| 6 * 7).result()?, 42);
    /// let panicked = pool.submit(|| "x".parse::<u32>().unwrap());
    /// assert!(matches!(panicked.result(), Err(TaskError::Panicked(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn result(self) -> Result<T, TaskError> {
        if is_mine(self.pool) {
            run_nested(&*self.task);
        }
        self.task.wait()
    }

    /// Wait until the task is finished or `timeout` has passed, and return whether the task is finished.
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

    /// Return whether the task is finished, so that [`result`](Self::result) would not wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let pool = pool_recipes::Executor::new(1)?;
    /// let (release, released) = mpsc::channel::<()>();
    /// let handle = pool.submit(move || released.recv());
    /// assert!(!handle.is_finished());
    /// drop(release);
    /// pool.shutdown();
    /// assert!(handle.is_finished());
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Cancel the task if it has not started, and return whether it will never run.
    ///
    /// A task is cancelled at once and on this thread: the threads that wait for it wake up, its callbacks are called,
    /// and its closure is dropped. If the closure owns the last [`Arc`] of an executor, that drop waits for all of the
    /// executor's tasks. The task's place in the queue stays taken until a worker comes to it: a bounded queue that is
    /// full of cancelled tasks is still full. A task that runs, or has run, can't be cancelled.
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

    /// Call `callback` when the task is finished: done, panicked or cancelled.
    ///
    /// The thread that finishes the task first wakes the waiting threads, then calls the callbacks in the order added.
    /// A callback that is added later is called before `on_done` returns, on the thread that adds it. A callback may
    /// finish further tasks, for instance by cancelling them, or add callbacks to finished ones. These callbacks are
    /// called after it, one by one on the same thread. So a callback must not wait for them, nor for a task that is
    /// running on its thread. A panic in a callback is reported by the panic hook, and ends there.
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
    pub fn on_done(&self, callback: impl FnOnce() + Send + 'static) {
        self.task.on_done(Box::new(move || call_in_turn(Box::new(callback))));
    }
}

impl<T> fmt::Debug for ScopedHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// A panic in a task leaves its handle as it was.
impl<T> UnwindSafe for ScopedHandle<'_, T> {}
impl<T> RefUnwindSafe for ScopedHandle<'_, T> {}

/// Yield each handle once its task is finished, in the order in which the tasks finish.
///
/// Tasks that were finished before the call come first, in the order given. A worker that iterates over handles of its
/// own pool runs a task itself, as [`ScopedHandle::result`] does, but only while none of those that are left has
/// started: otherwise it waits for one that has.
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
    let mut handles: BTreeMap<usize, _> = handles.into_iter().enumerate().collect();
    let (done, finished) = mpsc::channel();
    for (&index, handle) in &handles {
        let done = done.clone();
        // Nobody listens any more once the iterator is dropped.
        handle.task.on_done(Box::new(move || done.send(index).unwrap_or_default()));
    }
    drop(done);
    std::iter::from_fn(move || {
        // A task that has started will finish without this thread's help, so it is right to wait for it, and wrong to
        // run another one that may take a long time, or want a lock that this thread holds.
        if handles.values().all(|handle| handle.task.is_pending()) {
            let mine = handles.values().find(|handle| is_mine(handle.pool));
            mine.inspect(|handle| run_nested(&*handle.task));
        }
        finished.recv().ok().and_then(|index| handles.remove(&index))
    })
}
