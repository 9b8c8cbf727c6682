//! What takes tasks in: a [`Scope`], for tasks that may borrow.

use std::fmt;
use std::sync::Arc;

use super::error::Full;
use super::handle::ScopedHandle;
use super::map::Map;
use super::task::{Task, UnreadPanics};
use super::worker::{Pool, Sender};

/// A pool whose tasks may borrow for `'scope`; [`scope()`](super::scope()) makes one.
///
/// A task that submits further tasks takes a clone along. A clone doesn't keep the pool open: once the scope's closure
/// has returned and all tasks are done, whatever is still submitted through a clone is cancelled.
///
/// # Examples
///
/// ```
/// use pool_recipes::scope;
///
/// let text = String::from("borrowed");
/// let length = scope(2, |pool| {
///     let (inner, text) = (pool.clone(), &text);
///     pool.submit(move || inner.submit(|| text.len()).result()).result()
/// })???;
/// assert_eq!(length, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scope<'scope> {
    pub(crate) pool: Arc<Pool<'scope>>,
    /// The sending side, for the owner of the pool. Others have `None`, so that their clones keep no channel open.
    pub(crate) open: Option<Arc<Sender<'scope>>>,
}

impl<'scope> Scope<'scope> {
    /// Submit `f` to be run by a worker, as [`Executor::submit`](super::Executor::submit) does.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut halves = [[3, 1, 2], [6, 5, 4]];
    /// pool_recipes::scope(2, |pool| {
    ///     for half in &mut halves {
    ///         pool.submit(|| half.sort());
    ///     }
    /// })?; // returns when both are sorted
    /// assert_eq!(halves, [[1, 2, 3], [4, 5, 6]]);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn submit<T: Send + 'scope>(&self, f: impl FnOnce() -> T + Send + 'scope) -> ScopedHandle<'scope, T> {
        self.queue(f, self.pool.unread.clone(), true).unwrap_or_else(never_full)
    }

    /// Submit `f` if that needs no waiting, as [`Executor::try_submit`](super::Executor::try_submit) does.
    ///
    /// # Errors
    ///
    /// Gives `f` back if the queue is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, Full};
    ///
    /// let text = String::from("borrowed");
    /// let length = Executor::builder().workers(2).queue_capacity(1).scope(|pool| {
    ///     match pool.try_submit(|| text.len()) {
    ///         Ok(handle) => handle.result(),
    ///         Err(Full(task)) => Ok(task()), // no room: run it here
    ///     }
    /// })??;
    /// assert_eq!(length, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_submit<T: Send + 'scope, F: FnOnce() -> T + Send + 'scope>(
        &self,
        f: F,
    ) -> Result<ScopedHandle<'scope, T>, Full<F>> {
        self.queue(f, self.pool.unread.clone(), false)
    }

    /// Apply `f` to every input, as [`Executor::map`](super::Executor::map) does.
    ///
    /// # Examples
    ///
    /// ```
    /// let words = ["to", "borrow", "a", "word"];
    /// let lengths: Vec<usize> =
    ///     pool_recipes::scope(2, |pool| pool.map(&words, |word| word.len()).collect::<Result<_, _>>())??;
    /// assert_eq!(lengths, [2, 6, 1, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I: IntoIterator<Item: Send + 'scope>, T: Send + 'scope>(
        &self,
        inputs: I,
        f: impl Fn(I::Item) -> T + Send + Sync + 'scope,
    ) -> Map<'_, 'scope, I::IntoIter, T> {
        let f = Arc::new(f);
        Map::new(inputs.into_iter(), self.workers().saturating_mul(2), move |input| {
            let f = Arc::clone(&f);
            // To drop the iterator is to decide not to look, so an unread panic goes nowhere.
            self.queue(move || f(input), None, true).unwrap_or_else(never_full)
        })
    }

    /// Return the number of workers.
    ///
    /// # Examples
    ///
    /// ```
    /// let numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    /// let parts = pool_recipes::scope(4, |pool| {
    ///     let parts = numbers.chunks(numbers.len() / pool.workers());
    ///     parts.map(|part| pool.submit(|| part.iter().sum::<u32>())).count()
    /// })?;
    /// assert_eq!(parts, 4);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn workers(&self) -> usize {
        self.pool.workers
    }

    /// Return how many tasks wait, as [`Executor::queued`](super::Executor::queued) counts them.
    ///
    /// # Examples
    ///
    /// ```
    /// let waiting = pool_recipes::scope(2, |pool| {
    ///     pool.submit(|| ()).result()?;
    ///     Ok::<_, pool_recipes::TaskError>(pool.queued())
    /// })??;
    /// assert_eq!(waiting, 0); // the only task has run
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queued(&self) -> usize {
        self.pool.queued()
    }

    /// Puts a closure into the queue. A large one gets an allocation of its own: otherwise it would be moved through
    /// the stack several times, and its memory would be kept after it is cancelled.
    fn queue<T: Send + 'scope, F: FnOnce() -> T + Send + 'scope>(
        &self,
        f: F,
        unread: Option<Arc<UnreadPanics>>,
        may_wait: bool,
    ) -> Result<ScopedHandle<'scope, T>, Full<F>> {
        if size_of::<F>() > LARGE {
            self.queue_task(Task::new(Box::new(f), unread), may_wait).map_err(|f| Full(*f))
        } else {
            self.queue_task(Task::new(f, unread), may_wait).map_err(Full)
        }
    }

    fn queue_task<T: Send + 'scope, F: FnOnce() -> T + Send + 'scope>(
        &self,
        task: Task<F, T>,
        may_wait: bool,
    ) -> Result<ScopedHandle<'scope, T>, F> {
        let task = Arc::new(task);
        let is_queued = self.pool.submit(self.open.as_deref(), Arc::clone(&task) as _, may_wait);
        if is_queued { Ok(ScopedHandle::new(task, self.pool.id())) } else { Err(task.reclaim()) }
    }
}

/// A closure of more bytes than this is large.
const LARGE: usize = 4096;

fn never_full<F, T>(_: Full<F>) -> T {
    unreachable!("a submit that may wait is not refused")
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("workers", &self.workers()).finish_non_exhaustive()
    }
}
