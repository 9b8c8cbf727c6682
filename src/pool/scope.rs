//! The same pool inside [`std::thread::scope`], so that its tasks may borrow.

use std::panic::resume_unwind;
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, PoisonError};

use super::executor::{BuildError, Builder, Full, Map};
use super::handle::ScopedHandle;
use super::queue::{Receiver, Sender};
use super::task::{Task, UnreadPanic};
use super::worker::{Job, PoolId, run_nested};
use crate::sync::thread;

/// Runs `f` with a pool of `workers` threads whose tasks may borrow what lives outside of the call.
///
/// Returns what `f` returns, once all tasks are finished and all workers are gone. The workers stay as long as a clone of
/// the pool does: one that `f` returns, or keeps anywhere but in a task, is waited for, for ever.
///
/// # Errors
///
/// As [`Builder::build`].
///
/// # Panics
///
/// If `f` panics, or if a task panicked and its handle was dropped unread before `scope` returns, with that same payload:
/// a panic that came back through its handle was seen, one that nobody can see any more must not vanish.
///
/// # Examples
///
/// ```
/// let mut numbers = [1, 2, 3, 4, 5, 6];
/// pool_recipes::scope(2, |pool| {
///     for pair in numbers.chunks_mut(2) {
///         pool.submit(move || pair.reverse());
///     }
/// })?;
/// assert_eq!(numbers, [2, 1, 4, 3, 6, 5]);
/// # Ok::<(), pool_recipes::BuildError>(())
/// ```
pub fn scope<'scope, R>(workers: usize, f: impl FnOnce(&Scope<'scope>) -> R) -> Result<R, BuildError> {
    Builder::new().workers(workers).scope(f)
}

impl Builder {
    /// Runs `f` with a pool of these settings whose tasks may borrow: see [`scope`].
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    ///
    /// # Panics
    ///
    /// As [`scope`].
    pub fn scope<'scope, R>(self, f: impl FnOnce(&Scope<'scope>) -> R) -> Result<R, BuildError> {
        let unread = Arc::new(UnreadPanic::default());
        let result = thread::scope(|threads| {
            // Dropped at the end of this closure, which hangs up; then `thread::scope` waits for the workers.
            let pool = self.start(Some(Arc::clone(&unread)), |thread, worker| {
                thread.spawn_scoped(threads, move || worker.work()).map(drop)
            })?;
            Ok(f(&pool))
        });
        let first = unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(panic) => resume_unwind(panic.into_payload()),
            None => result,
        }
    }
}

/// A pool whose tasks may borrow for `'scope`.
///
/// A task that submits further tasks takes a clone along.
#[derive(Clone)]
pub struct Scope<'scope> {
    /// The workers leave when the last clone of it is dropped.
    jobs: Sender<Job<'scope>>,
    /// Keeps the queue open, so that no send fails, and lets `shutdown_now` empty it.
    queue: Receiver<Job<'scope>>,
    workers: usize,
    /// Where tasks leave a panic that nobody read; an executor has no end at which someone could be told.
    unread: Option<Arc<UnreadPanic>>,
}

impl<'scope> Scope<'scope> {
    pub(crate) fn new(
        (jobs, queue): (Sender<Job<'scope>>, Receiver<Job<'scope>>),
        workers: usize,
        unread: Option<Arc<UnreadPanic>>,
    ) -> Self {
        Scope { jobs, queue, workers, unread }
    }

    /// Submits `f` to be run by a worker, as [`Executor::submit`](super::Executor::submit) does.
    pub fn submit<F, T>(&self, f: F) -> ScopedHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let task = Arc::new(Task::new(f, self.unread.clone()));
        let job: Job<'scope> = Arc::clone(&task) as _;
        let pool = self.id();
        if pool.is_mine() {
            // To wait for room would be to wait for the workers, and this is one of them.
            if let Err(TrySendError::Full(job)) = self.jobs.try_send(job) {
                run_nested(&*job);
            }
        } else {
            // It can't fail: `self.queue` keeps the queue open.
            let _ = self.jobs.send(job);
        }
        ScopedHandle::new(task, pool)
    }

    /// Submits `f` if that needs no waiting, as [`Executor::try_submit`](super::Executor::try_submit) does.
    ///
    /// # Errors
    ///
    /// Gives `f` back if the queue is full.
    pub fn try_submit<F, T>(&self, f: F) -> Result<ScopedHandle<'scope, T>, Full<F>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let task = Arc::new(Task::new(f, self.unread.clone()));
        if self.jobs.try_send(Arc::clone(&task) as _).is_err() {
            return Err(Full(task.reclaim()));
        }
        Ok(ScopedHandle::new(task, self.id()))
    }

    /// Applies `f` to every input, as [`Executor::map`](super::Executor::map) does.
    pub fn map<I, F, T>(&self, inputs: I, f: F) -> Map<'_, 'scope, I::IntoIter, F, T>
    where
        I: IntoIterator,
        I::Item: Send + 'scope,
        F: Fn(I::Item) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
    {
        Map::new(self, inputs.into_iter(), f)
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The number of tasks that wait in the queue.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.jobs.queued()
    }

    pub(crate) fn queue(&self) -> &Receiver<Job<'scope>> {
        &self.queue
    }

    fn id(&self) -> PoolId {
        PoolId::of(&self.queue)
    }
}
