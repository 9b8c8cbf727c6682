//! One unit of work: pending, then running, then finished; or cancelled while it is still pending.
//!
//! A [`Task`] is one allocation that the queue and the handle share. The queue sees it as something to [`Run`], the
//! handle as something that will have an [`Outcome`]. Every step is one move of [`Stage`] under one lock, and no
//! code of the user's runs, or is dropped, while that lock is held.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::handle::{Panic, TaskError};
use crate::sync::{Condvar, Mutex, MutexGuard, YIELDS_BEFORE_SLEEP, thread};

/// What the queue and the workers need of a task.
pub(crate) trait Run: Send + Sync {
    /// Runs the task, unless someone else has started or cancelled it.
    fn run(&self);

    /// Finishes a pending task with `reason` in place of running it; whether it was this call that did so.
    fn cancel(&self, reason: TaskError) -> bool;
}

/// What a handle needs of a task.
pub(crate) trait Outcome<'a, T>: Run {
    /// Waits until the task is finished and takes its result out.
    fn wait(&self) -> Result<T, TaskError>;

    /// Waits until the task is finished or the time is up; true once it is finished.
    fn wait_timeout(&self, timeout: Duration) -> bool;

    fn is_finished(&self) -> bool;

    /// Whether the task is finished without having run.
    fn is_cancelled(&self) -> bool;

    /// Has `callback` run when the task finishes; at once, on this thread, if it has.
    fn on_done(&self, callback: Callback<'a>);
}

pub(crate) type Callback<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Where a scope looks for panics that nobody can read any more.
pub(crate) type UnreadPanic = Mutex<Option<Panic>>;

pub(crate) struct Task<'a, F, T> {
    /// Every step of the task's life happens under this lock.
    state: Mutex<State<'a, F, T>>,
    /// Signalled when the task is finished, to those who wait with `state`.
    finished: Condvar,
    /// In a scope, takes a panic whose handle was dropped unread, so that it doesn't vanish.
    unread: Option<Arc<UnreadPanic>>,
}

struct State<'a, F, T> {
    stage: Stage<F, T>,
    /// Whether anyone waits on `finished`: to signal to nobody would cost a system call a task.
    awaited: bool,
    /// What to run once the task is finished, in the order added.
    callbacks: Vec<Callback<'a>>,
}

enum Stage<F, T> {
    Pending(F),
    Running,
    Finished(Result<T, TaskError>),
    /// The handle has taken the result out.
    Taken,
}

impl<'a, F: FnOnce() -> T, T> Task<'a, F, T> {
    pub(crate) fn new(work: F, unread: Option<Arc<UnreadPanic>>) -> Self {
        let state = State { stage: Stage::Pending(work), awaited: false, callbacks: Vec::new() };
        Task { state: Mutex::new(state), finished: Condvar::new(), unread }
    }

    /// Takes the closure back out of a task that found no room in the queue.
    pub(crate) fn reclaim(&self) -> F {
        self.lock().start().unwrap_or_else(|| unreachable!("nobody else has seen the task"))
    }

    fn lock(&self) -> MutexGuard<'_, State<'a, F, T>> {
        // No code of the user's runs under this lock, so none can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finishes the task: the waiters first, then the callbacks, and last the closure of one that was cancelled.
    fn finish(&self, mut state: MutexGuard<'_, State<'a, F, T>>, outcome: Result<T, TaskError>) {
        let before = mem::replace(&mut state.stage, Stage::Finished(outcome));
        let callbacks = mem::take(&mut state.callbacks);
        let awaited = state.awaited;
        drop(state);
        if awaited {
            self.finished.notify_all();
        }
        for callback in callbacks {
            contain(callback);
        }
        contain(|| drop(before));
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Run for Task<'_, F, T> {
    fn run(&self) {
        let started = self.lock().start();
        let Some(work) = started else { return };
        let outcome = catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panic::new(payload).into());
        self.finish(self.lock(), outcome);
    }

    fn cancel(&self, reason: TaskError) -> bool {
        let state = self.lock();
        let pending = matches!(state.stage, Stage::Pending(_));
        if pending {
            self.finish(state, Err(reason));
        }
        pending
    }
}

impl<'a, F: FnOnce() -> T + Send, T: Send> Outcome<'a, T> for Task<'a, F, T> {
    fn wait(&self) -> Result<T, TaskError> {
        let mut state = self.lock();
        // To fall asleep and be woken takes longer than most tasks: first let others go ahead a few times.
        for _ in 0..YIELDS_BEFORE_SLEEP {
            if state.is_finished() {
                break;
            }
            drop(state);
            thread::yield_now();
            state = self.lock();
        }
        while !state.is_finished() {
            state.awaited = true;
            state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Finished(outcome) => outcome,
            _ => unreachable!("only the one handle takes the result, and it is used up by that"),
        }
    }

    fn wait_timeout(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        let mut state = self.lock();
        while !state.is_finished() {
            let Some(left) = timeout.checked_sub(start.elapsed()) else { return false };
            state.awaited = true;
            (state, _) = self.finished.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    fn is_finished(&self) -> bool {
        self.lock().is_finished()
    }

    fn is_cancelled(&self) -> bool {
        matches!(self.lock().stage, Stage::Finished(Err(TaskError::Cancelled | TaskError::NestedTooDeep)))
    }

    fn on_done(&self, callback: Callback<'a>) {
        let mut state = self.lock();
        if state.is_finished() {
            drop(state);
            contain(callback);
        } else {
            state.callbacks.push(callback);
        }
    }
}

impl<F, T> State<'_, F, T> {
    /// Takes the closure out if nobody has: whoever gets it is the one who runs it.
    fn start(&mut self) -> Option<F> {
        match mem::replace(&mut self.stage, Stage::Running) {
            Stage::Pending(work) => Some(work),
            other => {
                self.stage = other;
                None
            }
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished(_) | Stage::Taken)
    }
}

/// What is left in a task that nobody needs any more: a result that nobody read.
impl<F, T> Drop for Task<'_, F, T> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = mem::replace(&mut state.stage, Stage::Taken);
        match (left, &self.unread) {
            (Stage::Finished(Err(TaskError::Panicked(panic))), Some(unread)) => {
                let mut first = unread.lock().unwrap_or_else(PoisonError::into_inner);
                let later = if first.is_none() { first.replace(panic) } else { Some(panic) };
                drop(first);
                drop(later);
            }
            (left, _) => contain(|| drop(left)),
        }
    }
}

/// Runs code of the user's whose panic nobody can be given: the panic hook has reported it, and it ends here.
pub(crate) fn contain(code: impl FnOnce()) {
    let dropped = catch_unwind(AssertUnwindSafe(code))
        .or_else(|payload| catch_unwind(AssertUnwindSafe(|| drop(payload))));
    // A payload whose own drop panics: what that throws is leaked, or there would be no end to it.
    mem::forget(dropped);
}
