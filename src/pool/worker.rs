//! A worker: a thread that takes tasks from the queue and runs them, until the queue is closed.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use super::error::{MIN_STACK_SIZE, Panic, TaskError};
use super::queue::SharedReceiver;
use super::task::{Run, UnreadPanics};
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::sync::mpsc::{self, TrySendError};
use crate::sync::{Mutex, lock, stack_overhead, stack_pointer, thread_local};

/// What a new thread needs to be a worker.
pub(crate) struct Worker<'a> {
    /// Where its tasks come from.
    pub(crate) pool: Arc<Pool<'a>>,
    /// The bytes that its tasks have, to tell how much of them is left.
    pub(crate) stack_size: usize,
    /// What to run before the first task, and where to send its panic. The sender is dropped when it has run.
    pub(crate) on_start: Option<(StartHook, mpsc::Sender<Panic>)>,
}

/// What [`Builder::on_worker_start`](super::Builder::on_worker_start) was given.
pub(crate) type StartHook = Arc<dyn Fn() + Send + Sync>;

impl Worker<'_> {
    pub(crate) fn work(self) {
        let stack_end = stack_pointer().saturating_sub(self.stack_size);
        let stack_floor = stack_end + stack_reserve(self.stack_size);
        let me = Identity { pool: self.pool.id(), stack_end, stack_floor };
        if let Some((hook, failed)) = self.on_start {
            // The hook is dropped before the builder hears of it: should that drop panic, it is caught here.
            let call = AssertUnwindSafe(move || (hook(), drop(hook)));
            if let Err(payload) = catch_unwind(call) {
                // A pool that was not built, because another worker's hook failed first, doesn't listen any more.
                let _ = failed.send(Panic::new(payload));
                return;
            }
        }
        // No panic can leave the loop. After it this thread is no longer a worker, not even while its thread-locals are
        // dropped.
        SELF.with(|own| own.set(Some(me)));
        while let Some(job) = self.pool.next() {
            job.task.run();
        }
        SELF.with(|own| own.set(None));
    }
}

/// What the submitters and the workers of a pool share.
pub(crate) struct Pool<'a> {
    /// For the submits of a scope. Weak, so that the channel is closed, and the workers leave, however long clones of
    /// the [`Scope`](super::Scope) are kept.
    sender: Weak<Sender<'a>>,
    /// The tasks that wait for a worker.
    queue: SharedReceiver<Job<'a>>,
    /// How many tasks were submitted. The submitters write to it for each task, and the workers to `taken`.
    submitted: Counter,
    /// How many of those the workers took out of the queue.
    taken: Counter,
    /// Tasks of a bounded pool for which neither the queue nor the stack of the worker that submitted them had room.
    /// That worker runs them when it is back in its loop, if no other worker does so earlier.
    overflow: Option<Mutex<VecDeque<Job<'a>>>>,
    /// In a scope, where tasks leave a panic that nobody read; an executor has no end at which someone could be told.
    pub(crate) unread: Option<Arc<UnreadPanics>>,
    /// How many threads there are.
    pub(crate) workers: usize,
}

/// A counter alone in its cache line: whatever else in that line is written to would slow it down.
///
/// It isn't aligned to 64 bytes, because then the whole pool would be.
#[derive(Default)]
#[repr(C)]
struct Counter {
    _before: [usize; 7],
    count: AtomicUsize,
    _after: [usize; 7],
}

/// The sending side of a pool's channel. `std` gives the two kinds of channel two types of sender.
///
/// The executor or the scope owns it, and in a scope so does each task that waits or runs. When the last of them lets
/// go the channel is closed, and the workers leave.
pub(crate) enum Sender<'a> {
    Unbounded(mpsc::Sender<Job<'a>>),
    Bounded(mpsc::SyncSender<Job<'a>>),
}

/// A task as the queue holds it.
pub(crate) struct Job<'a> {
    pub(crate) task: Arc<dyn Run + 'a>,
    /// In a scope, keeps the channel open until the task has run, because the task may submit further ones.
    _open: Option<Arc<Sender<'a>>>,
}

impl<'a> Pool<'a> {
    pub(crate) fn new(
        workers: usize,
        queue_capacity: Option<usize>,
        unread: Option<Arc<UnreadPanics>>,
    ) -> (Arc<Sender<'a>>, Arc<Self>) {
        let (sender, receiver) = if let Some(capacity) = queue_capacity {
            let (sender, receiver) = mpsc::sync_channel(capacity);
            (Sender::Bounded(sender), receiver)
        } else {
            let (sender, receiver) = mpsc::channel();
            (Sender::Unbounded(sender), receiver)
        };
        let open = Arc::new(sender);
        let pool = Self {
            sender: Arc::downgrade(&open),
            queue: SharedReceiver::new(receiver),
            submitted: Counter::default(),
            taken: Counter::default(),
            overflow: queue_capacity.map(|_| Mutex::default()),
            unread,
            workers,
        };
        (open, Arc::new(pool))
    }

    /// Queues `task`. If the queue is full, it waits if it `may_wait`; otherwise it drops `task` and returns false.
    ///
    /// An executor submits through `open`, the sender that it owns. A scope passes `None`, and each of its tasks holds
    /// a sender until it has run. A task for a scope that has ended is cancelled.
    ///
    /// A worker of this pool doesn't wait, because it might wait for itself: when the queue is full it runs the task
    /// here and now, or, if its stack has no room for that, lets the task go past the bound.
    pub(crate) fn submit(&self, open: Option<&Sender<'a>>, task: Arc<dyn Run + 'a>, may_wait: bool) -> bool {
        let upgraded = if open.is_some() { None } else { self.sender.upgrade() };
        let Some(sender) = open.or(upgraded.as_deref()) else { return task.cancel(TaskError::Cancelled) };
        let job = Job { task, _open: upgraded.clone() };
        self.submitted.count.fetch_add(1, Relaxed);
        let sent = match sender {
            Sender::Unbounded(sender) => sender.send(job).map_err(TrySendError::from),
            Sender::Bounded(sender) if may_wait && !is_mine(self.id()) => {
                sender.send(job).map_err(TrySendError::from)
            }
            Sender::Bounded(sender) => sender.try_send(job),
        };
        let Err(TrySendError::Full(job)) = sent else { return true };
        match &self.overflow {
            Some(overflow) if may_wait && stack_is_low() => lock(overflow).push_back(job),
            _ => {
                self.submitted.count.fetch_sub(1, Relaxed);
                if may_wait {
                    job.task.run();
                }
            }
        }
        may_wait
    }

    /// Takes the next task, those past the bound first; waits while there is none. `None` means closed and empty.
    pub(crate) fn next(&self) -> Option<Job<'a>> {
        let past_the_bound = self.overflow.as_ref().and_then(|overflow| lock(overflow).pop_front());
        let job = past_the_bound.or_else(|| self.queue.recv().ok())?;
        self.taken.count.fetch_add(1, Relaxed);
        Some(job)
    }

    pub(crate) fn queued(&self) -> usize {
        let taken = self.taken.count.load(Relaxed);
        // Tasks may have been submitted since, or be seen as taken before they are seen as submitted.
        self.submitted.count.load(Relaxed).saturating_sub(taken)
    }

    pub(crate) fn id(&self) -> PoolId {
        std::ptr::from_ref(self).addr()
    }
}

/// Names a pool, as long as it or one of its workers lives: where it is in memory.
pub(crate) type PoolId = usize;

/// Whether this thread is one of the pool's workers.
pub(crate) fn is_mine(pool: PoolId) -> bool {
    SELF.with(Cell::get).is_some_and(|me| me.pool == pool)
}

thread_local! {
    /// Set while this thread works for a pool; `None` on every other thread.
    static SELF: Cell<Option<Identity>> = const { Cell::new(None) };
}

/// What a worker knows about itself. Its stack grows down, as stacks do wherever `std` has threads.
#[derive(Clone, Copy)]
struct Identity {
    pool: PoolId,
    /// The address below which its stack ends.
    stack_end: usize,
    /// The address below which too little stack is left for a nested task.
    stack_floor: usize,
}

/// Runs a pending task of this worker's own pool here and now, on top of the task that is running already.
///
/// When too little of the stack is left for that, the task is finished with [`TaskError::NestedTooDeep`].
pub(crate) fn run_nested(task: &(impl Run + ?Sized)) {
    if stack_is_low() {
        task.cancel(TaskError::NestedTooDeep);
    } else {
        task.run();
    }
}

/// Whether too little of this worker's stack is left to run a task on it.
///
/// Nothing is low on a stack that isn't this worker's: a task may have switched to one.
fn stack_is_low() -> bool {
    let here = stack_pointer();
    SELF.with(Cell::get).is_some_and(|me| (me.stack_end..me.stack_floor).contains(&here))
}

/// The bytes that a nested task must find on a stack of this size: enough to panic in. A panic that prints its full
/// backtrace, in a debug build, takes some 21 KiB.
fn stack_reserve(stack_size: usize) -> usize {
    // A larger stack can spare a larger reserve, for allocators and panic hooks that we don't know. And where the
    // overhead is unknown, an eighth of the stack is set aside for it.
    let unknown = if stack_overhead().is_some() { 0 } else { stack_size / 8 };
    24 * 1024 + (stack_size - MIN_STACK_SIZE) / 8 + unknown
}
