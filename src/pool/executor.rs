//! The executor: a queue, a crew of workers that take tasks from it, and the order in which both end.

use std::collections::VecDeque;
use std::error::Error;
use std::iter::Fuse;
use std::sync::Arc;
use std::{fmt, io};

use super::handle::{Handle, Panic, ScopedHandle, TaskError};
use super::queue;
use super::scope::Scope;
use super::task::{UnreadPanic, contain};
use super::worker::{StartHook, Worker};
use crate::sync::{mpsc, thread};

/// A fixed number of threads that run what is submitted to them, in the order submitted.
///
/// To share a pool between threads, put it into an [`Arc`]. Dropping it is [`shutdown`](Executor::shutdown): it waits
/// until everything submitted has run. Only when the last owner is dropped by one of the pool's own tasks does nobody
/// wait: a worker can't wait for itself. The workers then leave once the queue is empty.
///
/// # Examples
///
/// ```
/// use pool_recipes::Executor;
///
/// let pool = Executor::new(4)?;
/// let handles: Vec<_> = (0..10).map(|n| pool.submit(move || n * n)).collect();
/// let squares: Result<Vec<i32>, _> = handles.into_iter().map(|handle| handle.result()).collect();
/// assert_eq!(squares?.iter().sum::<i32>(), 285);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Executor {
    /// Dropped first, which hangs up: what is queued is still run, and then the workers leave.
    pool: Scope<'static>,
    /// Dropped last, which waits for them.
    crew: Crew,
}

impl Executor {
    /// Starts a pool of `workers` threads with a queue that has no bound.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new(workers: usize) -> Result<Self, BuildError> {
        Builder::new().workers(workers).build()
    }

    /// Starts from the default settings, for a pool that differs from them.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::Executor;
    ///
    /// let pool = Executor::builder().workers(2).thread_name("crunch").stack_size(65_536).build()?;
    /// let name = pool.submit(|| std::thread::current().name().map(str::to_owned));
    /// assert!(name.result()?.is_some_and(|name| name.starts_with("crunch-")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Submits `f` to be run by a worker, and returns a handle to its result.
    ///
    /// Waits while a bounded queue is full, unless it is one of the pool's own workers that submits: then that worker
    /// runs `f` itself, at once, or finishes it with [`TaskError::NestedTooDeep`] if its stack has no room for that.
    pub fn submit<F, T>(&self, f: F) -> Handle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.pool.submit(f)
    }

    /// Submits `f` if that needs no waiting.
    ///
    /// # Errors
    ///
    /// Gives `f` back if the queue is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::{Executor, Full};
    ///
    /// let pool = Executor::builder().workers(1).queue_capacity(1).build()?;
    /// let (release, released) = mpsc::channel::<()>();
    /// let (start, started) = mpsc::channel();
    /// pool.submit(move || {
    ///     start.send(()).unwrap();
    ///     released.recv()
    /// });
    /// started.recv()?; // the one worker is busy now,
    /// pool.submit(|| "waits"); // and the one place in the queue taken
    /// let Err(Full(f)) = pool.try_submit(|| "no room") else { panic!("there was no room") };
    /// assert_eq!(f(), "no room");
    /// drop(release);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_submit<F, T>(&self, f: F) -> Result<Handle<T>, Full<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.pool.try_submit(f)
    }

    /// Applies `f` to every input, on the workers, and iterates over the results in the order of the inputs.
    ///
    /// It is lazy: inputs are taken while results are asked for, never more than [`Map::buffer_size`] ahead, so that
    /// even an endless iterator works. An item whose `f` panicked is an error in its place, and the rest follow.
    /// Dropping the iterator cancels what has not started.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::Executor;
    ///
    /// let pool = Executor::new(4)?;
    /// let squares: Result<Vec<u64>, _> = pool.map(1.., |n: u64| n * n).take(4).collect();
    /// assert_eq!(squares?, [1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, F, T>(&self, inputs: I, f: F) -> Map<'_, 'static, I::IntoIter, F, T>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.pool.map(inputs, f)
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.pool.workers()
    }

    /// The number of tasks that wait in the queue, while others come and go: a figure to watch, not to decide by.
    ///
    /// A task that was cancelled counts until a worker finds its place in the queue empty.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.pool.queued()
    }

    /// Waits until everything submitted has run and every worker's thread is gone; dropping the pool does the same.
    pub fn shutdown(self) {
        drop(self);
    }

    /// Cancels what has not started, waits for what runs, and returns how many tasks it cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, TaskError};
    ///
    /// let pool = Executor::new(1)?;
    /// let handles: Vec<_> = (0..100).map(|n| pool.submit(move || n)).collect();
    /// let cancelled = pool.shutdown_now();
    /// let results = handles.into_iter().map(|handle| handle.result());
    /// assert_eq!(results.filter(|result| matches!(result, Err(TaskError::Cancelled))).count(), cancelled);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn shutdown_now(self) -> usize {
        let Executor { pool, crew } = self;
        let queue = pool.queue().clone();
        drop(pool);
        // From here on no worker waits for the queue with the lock in its hand: all that is left is there to take.
        let cancelled = queue.iter().filter(|task| task.cancel(TaskError::Cancelled)).count();
        drop(crew);
        cancelled
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("workers", &self.workers())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

/// The threads of an executor; dropping it waits for them.
#[derive(Default)]
struct Crew {
    /// Each is joined once, when the crew is dropped.
    threads: Vec<thread::JoinHandle<()>>,
}

impl Drop for Crew {
    fn drop(&mut self) {
        let me = thread::current().id();
        // A worker that dropped the last owner of its pool can't wait for itself, nor for the others, who may be
        // waiting for the task that it runs. They all leave when the queue is empty.
        if self.threads.iter().any(|thread| thread.thread().id() == me) {
            return;
        }
        for thread in self.threads.drain(..) {
            thread.join().expect("no panic of a task ends its worker");
        }
    }
}

/// The settings of a pool, made by [`Executor::builder`] and used up by [`build`](Builder::build) or
/// [`scope`](Builder::scope).
#[must_use = "a builder starts nothing until `build` or `scope` is called"]
pub struct Builder {
    workers: usize,
    thread_name: String,
    /// In bytes; set also when nobody asks for it, so that a worker knows how much it has.
    stack_size: usize,
    queue_capacity: Option<usize>,
    on_worker_start: Option<StartHook>,
}

/// The least stack that a worker can have, in bytes.
///
/// It is the recipe's figure, and Python's for `threading.stack_size`. A panic that prints a backtrace fits into it.
pub const MIN_STACK_SIZE: usize = 32_768;

/// More than any address space holds, and little enough to be rounded up.
const MAX_STACK_SIZE: usize = usize::MAX / 4;

/// More places than any address space holds, at 64 bytes for each.
const MAX_QUEUE_CAPACITY: usize = usize::MAX / 128;

/// What `std` gives a thread: <https://doc.rust-lang.org/std/thread/#stack-size>.
const DEFAULT_STACK_SIZE: usize = 2 * 1024 * 1024;

/// Whole pages are multiples of this; where pages are larger, `std` rounds up once more.
const PAGE: usize = 4096;

impl Builder {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Builder {
            workers: (cores + 4).min(32),
            thread_name: "worker".to_owned(),
            stack_size: DEFAULT_STACK_SIZE,
            queue_capacity: None,
            on_worker_start: None,
        }
    }

    /// Sets the number of workers, all of which start at once.
    ///
    /// The default is that of Python's `ThreadPoolExecutor`: four more than there are cores to run on, and at most 32.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Names the workers' threads `prefix-0`, `prefix-1` and so on; the default prefix is `worker`.
    pub fn thread_name(mut self, prefix: impl Into<String>) -> Self {
        self.thread_name = prefix.into();
        self
    }

    /// Sets the size of every worker's stack in bytes, rounded up to whole pages of 4,096.
    ///
    /// The least is [`MIN_STACK_SIZE`]; the default is 2 MiB, what `std` gives a thread. `RUST_MIN_STACK` changes
    /// nothing here. With glibc a program's thread-locals come out of the stack too: one that has large ones needs more.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Bounds the queue: at most `tasks` wait in it, and memory for them is taken at once.
    ///
    /// With 0, a task is handed over only to a worker that waits for it. The default is a queue without a bound.
    pub fn queue_capacity(mut self, tasks: usize) -> Self {
        self.queue_capacity = Some(tasks);
        self
    }

    /// Has every worker run `hook` on its thread, before its first task; [`build`](Builder::build) waits for that.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// use pool_recipes::Executor;
    ///
    /// thread_local!(static READY: Cell<bool> = const { Cell::new(false) });
    ///
    /// let pool = Executor::builder().on_worker_start(|| READY.set(true)).build()?;
    /// assert!(pool.submit(|| READY.get()).result()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_worker_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_worker_start = Some(Arc::new(hook));
        self
    }

    /// Starts the pool.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoWorkers`] and [`BuildError::StackTooSmall`] say which setting breaks which rule;
    /// [`BuildError::Spawn`] that the operating system refused a thread, or that no system could give it: its name holds
    /// a NUL character, its stack or the queue is larger than any memory;
    /// [`BuildError::WorkerStart`] that the hook panicked. No thread is left behind.
    pub fn build(self) -> Result<Executor, BuildError> {
        // Filled as the workers start, so that those who have are waited for if one can't.
        let mut crew = Crew::default();
        let pool = self.start(None, |thread, worker| {
            crew.threads.push(thread.spawn(move || worker.work())?);
            Ok(())
        })?;
        Ok(Executor { pool, crew })
    }

    /// Starts the workers, each on a thread that `spawn` makes.
    pub(crate) fn start<'a>(
        self,
        unread: Option<Arc<UnreadPanic>>,
        mut spawn: impl FnMut(thread::Builder, Worker<'a>) -> io::Result<()>,
    ) -> Result<Scope<'a>, BuildError> {
        if self.workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if self.stack_size < MIN_STACK_SIZE {
            return Err(BuildError::StackTooSmall { requested: self.stack_size });
        }
        // At each of these `std` would panic, at the second where it rounds up to pages larger than ours.
        if self.thread_name.contains('\0') {
            return Err(BuildError::impossible("a thread's name can't contain a NUL character".to_owned()));
        }
        if self.stack_size > MAX_STACK_SIZE {
            return Err(BuildError::impossible(format!(
                "no machine has room for a stack of {} bytes",
                self.stack_size
            )));
        }
        let stack_size = self.stack_size.next_multiple_of(PAGE);
        if let Some(tasks) = self.queue_capacity.filter(|tasks| *tasks > MAX_QUEUE_CAPACITY) {
            return Err(BuildError::impossible(format!("no machine has room for a queue of {tasks} tasks")));
        }
        let (jobs, queue) = self.queue_capacity.map_or_else(queue::unbounded, queue::bounded);
        // If anything below fails, the pool is dropped, which hangs up and sends home those who have started.
        let pool = Scope::new((jobs, queue.clone()), self.workers, unread);
        let (told, outcomes) = mpsc::channel();
        for started in 0..self.workers {
            let thread =
                thread::Builder::new().name(format!("{}-{started}", self.thread_name)).stack_size(stack_size);
            let on_start = self.on_worker_start.clone().map(|hook| (hook, told.clone()));
            let worker = Worker { queue: queue.clone(), stack_size, on_start };
            spawn(thread, worker).map_err(|source| BuildError::Spawn { started, source })?;
        }
        drop(told);
        while let Ok(outcome) = outcomes.recv() {
            outcome.map_err(BuildError::WorkerStart)?;
        }
        contain(|| drop(self.on_worker_start));
        Ok(pool)
    }
}

/// Why a pool could not be built; nothing of it is left behind.
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
    /// The operating system didn't give the pool a thread.
    Spawn {
        /// How many threads it did give before; they have ended.
        started: usize,
        /// What it said.
        source: io::Error,
    },
    /// The hook that every worker runs before its first task panicked.
    WorkerStart(Panic),
}

impl BuildError {
    /// A thread that can't be had on any system.
    fn impossible(why: String) -> Self {
        BuildError::Spawn { started: 0, source: io::Error::new(io::ErrorKind::InvalidInput, why) }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NoWorkers => f.write_str("0 workers: a pool needs at least one"),
            BuildError::StackTooSmall { requested } => {
                write!(f, "a stack of {requested} bytes: a worker needs at least {MIN_STACK_SIZE}")
            }
            BuildError::Spawn { started, source } => {
                write!(f, "could not start another worker after the first {started}: {source}")
            }
            BuildError::WorkerStart(panic) => write!(f, "a worker panicked before its first task: {panic}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            BuildError::Spawn { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What [`Executor::try_submit`] returns when the queue is full: the closure, given back.
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

/// The iterator that [`Executor::map`] returns: a result for each input, in the order of the inputs.
pub struct Map<'pool, 'scope, I, F, T> {
    pool: &'pool Scope<'scope>,
    /// What has not been submitted.
    inputs: Fuse<I>,
    /// Shared by the tasks.
    f: Arc<F>,
    /// What has been submitted and not yielded, in the order of the inputs.
    in_flight: VecDeque<ScopedHandle<'scope, T>>,
    /// How many `in_flight` may hold.
    buffer_size: usize,
}

impl<'pool, 'scope, I: Iterator, F, T> Map<'pool, 'scope, I, F, T> {
    pub(crate) fn new(pool: &'pool Scope<'scope>, inputs: I, f: F) -> Self {
        let buffer_size = pool.workers().saturating_mul(2);
        Map { pool, inputs: inputs.fuse(), f: Arc::new(f), in_flight: VecDeque::new(), buffer_size }
    }

    /// Sets how many inputs at most are submitted and their results not yet yielded.
    ///
    /// The default is twice the number of workers: while one result is looked at, every worker has something to do
    /// next. The one that the caller waits for is always submitted, so 0 is as good as 1.
    #[must_use]
    pub fn buffer_size(mut self, n: usize) -> Self {
        self.buffer_size = n;
        self
    }
}

impl<'scope, I, F, T> Iterator for Map<'_, 'scope, I, F, T>
where
    I: Iterator,
    I::Item: Send + 'scope,
    F: Fn(I::Item) -> T + Send + Sync + 'scope,
    T: Send + 'scope,
{
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.in_flight.len() < self.buffer_size.max(1) {
            let Some(input) = self.inputs.next() else { break };
            let f = Arc::clone(&self.f);
            self.in_flight.push_back(self.pool.submit(move || f(input)));
        }
        self.in_flight.pop_front().map(ScopedHandle::result)
    }
}

/// Nobody will read what is still in flight.
impl<I, F, T> Drop for Map<'_, '_, I, F, T> {
    fn drop(&mut self) {
        for handle in &self.in_flight {
            handle.cancel();
        }
    }
}
