//! One unit of work: pending, then running, then finished; or cancelled while it is still pending.
//!
//! A [`Task`] is one allocation that the queue and the handle share. The queue sees it as something to [`Run`], the
//! handle as something that will have an [`Outcome`]. Every step is one move of [`Stage`] under one lock, and no user
//! code runs, or is dropped, while that lock is held.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::error::{Panic, TaskError, contain};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, thread, thread_local, yields_before_blocking};

/// What the queue and the workers need of a task.
pub(crate) trait Run: Send + Sync {
    /// Runs the task, unless someone else has started or cancelled it.
    fn run(&self);

    /// Finishes a pending task with `reason` instead of running it; returns whether this call did so.
    fn cancel(&self, reason: TaskError) -> bool;
}

/// What a handle needs of a task.
pub(crate) trait Outcome<T>: Run {
    /// Waits until the task is finished and takes its result out.
    fn wait(&self) -> Result<T, TaskError>;

    /// Waits until the task is finished or the time is up; true if it is finished.
    fn wait_timeout(&self, timeout: Duration) -> bool;

    /// Whether the task has not started yet.
    fn is_pending(&self) -> bool;

    fn is_finished(&self) -> bool;

    /// Whether the task is finished without having run.
    fn is_cancelled(&self) -> bool;

    /// Has `callback` called when the task finishes; at once, on this thread, if it has.
    fn on_done(&self, callback: Callback);
}

/// What to call when a task is finished. It must not panic.
pub(crate) type Callback = Box<dyn FnOnce() + Send>;

/// Where a scope looks for panics that nobody can read any more.
pub(crate) type UnreadPanics = Mutex<Vec<Panic>>;

pub(crate) struct Task<F, T> {
    /// Every step of the task's life happens under this lock.
    state: Mutex<State<F, T>>,
    /// Signalled when the task is finished, to the threads that wait with `state`.
    finished: Condvar,
    /// In a scope, takes a panic whose handle was dropped unread, so that it doesn't vanish.
    unread: Option<Arc<UnreadPanics>>,
}

struct State<F, T> {
    stage: Stage<F, T>,
    /// Whether a thread waits on `finished`: to signal to nobody would cost a system call a task.
    awaited: bool,
    /// What to call once the task is finished, in the order added.
    callbacks: Vec<Callback>,
}

enum Stage<F, T> {
    Pending(F),
    Running,
    Finished(Result<T, TaskError>),
    /// The handle has taken the result out.
    Taken,
}

impl<F: FnOnce() -> T, T> Task<F, T> {
    pub(crate) fn new(work: F, unread: Option<Arc<UnreadPanics>>) -> Self {
        let state = State { stage: Stage::Pending(work), awaited: false, callbacks: Vec::new() };
        Self { state: Mutex::new(state), finished: Condvar::new(), unread }
    }

    /// Takes the closure back out of a task that found no room in the queue.
    pub(crate) fn reclaim(&self) -> F {
        lock(&self.state).start().unwrap_or_else(|| unreachable!("nobody else has seen the task"))
    }

    /// Finishes the task: the waiters first, then the callbacks, and last the closure of one that was cancelled.
    fn finish(&self, mut state: MutexGuard<'_, State<F, T>>, outcome: Result<T, TaskError>) {
        let before = mem::replace(&mut state.stage, Stage::Finished(outcome));
        let callbacks = mem::take(&mut state.callbacks);
        let awaited = state.awaited;
        drop(state);
        if awaited {
            self.finished.notify_all();
        }
        for callback in callbacks {
            callback();
        }
        contain(|| drop(before));
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Run for Task<F, T> {
    fn run(&self) {
        let started = lock(&self.state).start();
        let Some(work) = started else { return };
        let outcome = catch_unwind(AssertUnwindSafe(work));
        let outcome = outcome.map_err(|payload| TaskError::Panicked(Box::new(Panic::new(payload))));
        self.finish(lock(&self.state), outcome);
    }

    fn cancel(&self, reason: TaskError) -> bool {
        let state = lock(&self.state);
        let pending = matches!(state.stage, Stage::Pending(_));
        if pending {
            self.finish(state, Err(reason));
        }
        pending
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Outcome<T> for Task<F, T> {
    fn wait(&self) -> Result<T, TaskError> {
        let mut state = lock(&self.state);
        // This loop is for speed only: a task that finishes soon is awaited without blocking.
        for _ in 0..yields_before_blocking() {
            if state.is_finished() {
                break;
            }
            drop(state);
            thread::yield_now();
            state = lock(&self.state);
        }
        while !state.is_finished() {
            state.awaited = true;
            state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Finished(outcome) => outcome,
            _ => unreachable!("the one handle takes the result once"),
        }
    }

    fn wait_timeout(&self, timeout: Duration) -> bool {
        let mut state = lock(&self.state);
        state.awaited = true;
        let waited = self.finished.wait_timeout_while(state, timeout, |state| !state.is_finished());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_finished()
    }

    fn is_pending(&self) -> bool {
        matches!(lock(&self.state).stage, Stage::Pending(_))
    }

    fn is_finished(&self) -> bool {
        lock(&self.state).is_finished()
    }

    fn is_cancelled(&self) -> bool {
        matches!(
            lock(&self.state).stage,
            Stage::Finished(Err(TaskError::Cancelled | TaskError::NestedTooDeep))
        )
    }

    fn on_done(&self, callback: Callback) {
        let mut state = lock(&self.state);
        if state.is_finished() {
            drop(state);
            callback();
        } else {
            state.callbacks.push(callback);
        }
    }
}

impl<F, T> State<F, T> {
    /// Takes the closure out if nobody has: the thread that gets it is the one that runs it.
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
impl<F, T> Drop for Task<F, T> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = mem::replace(&mut state.stage, Stage::Taken);
        match (left, &self.unread) {
            (Stage::Finished(Err(TaskError::Panicked(panic))), Some(unread)) => lock(unread).push(*panic),
            (left, _) => contain(|| drop(left)),
        }
    }
}

/// Calls user code: at once or, if this thread is already in such a call, after that one.
///
/// A callback may finish further tasks. Their callbacks are ready then, and the outermost call runs them one after the
/// other: a chain of callbacks doesn't grow the stack.
pub(crate) fn call_in_turn(callback: Callback) {
    let outermost = READY.with(|ready| {
        let mut ready = ready.borrow_mut();
        let outermost = ready.is_none();
        ready.get_or_insert_default().push_back(callback);
        outermost
    });
    if outermost {
        while let Some(callback) = READY.with(|ready| ready.borrow_mut().as_mut()?.pop_front()) {
            contain(callback);
        }
        READY.with(|ready| ready.take());
    }
}

thread_local! {
    /// The callbacks that are ready while another one runs on this thread; `None` while none does. Then there is
    /// nothing to drop, so it needs no destructor and can be used until the thread is gone.
    static READY: ManuallyDrop<RefCell<Option<VecDeque<Callback>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}
