//! A worker: a thread that takes tasks from the queue and runs them, until the queue hangs up.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::handle::{Panic, TaskError};
use super::queue::Receiver;
use super::task::Run;
use crate::sync::{mpsc, thread_local};

/// A task as the queue holds it.
pub(crate) type Job<'a> = Arc<dyn Run + 'a>;

/// What [`Builder::on_worker_start`](super::Builder::on_worker_start) was given.
pub(crate) type StartHook = Arc<dyn Fn() + Send + Sync>;

/// What a new thread needs to be a worker.
pub(crate) struct Worker<'a> {
    /// Where its tasks come from, shared with the other workers.
    pub(crate) queue: Receiver<Job<'a>>,
    /// In bytes, to tell how much of it is left.
    pub(crate) stack_size: usize,
    /// What to run before the first task, and whom to tell how that went.
    pub(crate) on_start: Option<(StartHook, mpsc::Sender<Result<(), Panic>>)>,
}

impl Worker<'_> {
    pub(crate) fn work(self) {
        let stack_end = stack_pointer().saturating_sub(self.stack_size);
        SELF.with(|me| me.set(Some(Identity { pool: PoolId::of(&self.queue), stack_end })));
        if let Some((hook, told)) = self.on_start {
            let call = AssertUnwindSafe(move || {
                hook();
                // Here, before the builder hears of it: should this be the last one, and its drop panic, it is caught.
                drop(hook);
            });
            let outcome = catch_unwind(call).map_err(Panic::new);
            let failed = outcome.is_err();
            // A pool that was not built, because another worker's hook failed first, doesn't listen any more.
            let _ = told.send(outcome);
            if failed {
                return;
            }
        }
        for task in self.queue {
            task.run();
        }
    }
}

/// Names a pool, as long as it lives: where its queue is in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolId(usize);

impl PoolId {
    pub(crate) fn of(queue: &Receiver<Job<'_>>) -> Self {
        PoolId(queue.address())
    }

    /// Whether this thread is one of the pool's workers.
    pub(crate) fn is_mine(self) -> bool {
        SELF.with(Cell::get).is_some_and(|me| me.pool == self)
    }
}

/// Runs a pending task of this worker's own pool here and now, on top of the task that is running already.
///
/// When too little of the stack is left for that, the task is finished with [`TaskError::NestedTooDeep`].
pub(crate) fn run_nested(task: &(impl Run + ?Sized)) {
    if stack_left() < STACK_RESERVE {
        task.cancel(TaskError::NestedTooDeep);
    } else {
        task.run();
    }
}

/// The bytes of stack that a nested task must find: enough to panic in. With 26 KiB, a panic that prints its
/// backtrace overran the stack in a debug build; with 28 KiB it doesn't, `RUST_BACKTRACE=full` included.
const STACK_RESERVE: usize = 28 * 1024;

/// The bytes that are left of this worker's stack, about.
fn stack_left() -> usize {
    SELF.with(Cell::get).map_or(usize::MAX, |me| stack_pointer().saturating_sub(me.stack_end))
}

/// About where the stack pointer stands: the address of something that lives on the stack.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}

thread_local! {
    /// Set once, when a worker starts; `None` on every other thread.
    static SELF: Cell<Option<Identity>> = const { Cell::new(None) };
}

/// What a worker knows about itself.
#[derive(Clone, Copy)]
struct Identity {
    pool: PoolId,
    /// The address below which its stack ends. Stacks grow down wherever `std` has threads.
    stack_end: usize,
}
