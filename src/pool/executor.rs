//! The executor: a queue, the workers that take tasks from it, and the order in which both end.

use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
use std::sync::Arc;
use std::{fmt, io, iter, mem};

use super::error::{BuildError, Full, MIN_STACK_SIZE, TaskError, contain};
use super::handle::Handle;
use super::map::Map;
use super::scope::Scope;
use super::task::UnreadPanics;
use super::worker::{Pool, StartHook, Worker};
use crate::sync::{lock, mpsc, stack_overhead, thread};

/// A fixed number of threads that run what is submitted to them, first in, first out.
///
/// To share a pool between threads, put it into an [`Arc`]. Dropping it is [`shutdown`](Self::shutdown): it waits until
/// everything submitted has run. If its owner panics, the pool is dropped too, and the panic goes on only when all
/// tasks have run, which may take a long time. To cancel them instead, call [`shutdown_now`](Self::shutdown_now) first.
///
/// If the last owner is dropped on one of the pool's own threads, the drop doesn't wait, because a worker can't wait
/// for itself. The workers then leave once the queue is empty. Don't let a task of each of two pools be the last owner
/// of the other pool: their workers would wait for each other forever.
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
    running: Running<'static, 'static>,
}

impl Executor {
    /// Start a pool of `workers` threads with a queue that has no bound.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{BuildError, Executor};
    ///
    /// assert_eq!(Executor::new(4)?.workers(), 4);
    /// assert!(matches!(Executor::new(0), Err(BuildError::NoWorkers)));
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn new(workers: usize) -> Result<Self, BuildError> {
        Self::builder().workers(workers).build()
    }

    /// Take the default settings, to change some of them.
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
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Builder {
            workers: (cores + 4).min(32),
            thread_name: "worker".to_owned(),
            stack_size: DEFAULT_STACK_SIZE,
            queue_capacity: None,
            on_worker_start: None,
        }
    }

    /// Submit `f` to be run by a worker, and return a handle to its result.
    ///
    /// Waits while a bounded queue is full, unless one of the pool's own workers submits. That worker runs `f` itself,
    /// before `submit` returns, so `f` must not wait for something that the submitting task has yet to do, nor for a
    /// lock that it holds. If the worker's stack has no room for that, `f` goes past the bound. A worker of another
    /// pool waits like any thread: two pools whose workers submit to each other's full queues wait forever.
    ///
    /// A closure of more than 4,096 bytes gets an allocation of its own beside the task's.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::new(2)?;
    /// let (a, b) = (String::from("left"), String::from("right"));
    /// let left = pool.submit(move || a.to_uppercase());
    /// let right = pool.submit(move || b.to_uppercase());
    /// assert_eq!(left.result()? + &right.result()?, "LEFTRIGHT");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        self.running.scope.submit(f)
    }

    /// Submit `f` if that needs no waiting.
    ///
    /// # Errors
    ///
    /// Gives `f` back if the queue is full. A task that was cancelled, or that a worker ran instead of waiting for it,
    /// keeps its place in the queue until a worker comes to it. So the queue can be full of tasks that will never run.
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
    pub fn try_submit<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        f: F,
    ) -> Result<Handle<T>, Full<F>> {
        self.running.scope.try_submit(f)
    }

    /// Apply `f` to every input, on the workers, and iterate over the results in the order of the inputs.
    ///
    /// It is lazy: inputs are taken while results are asked for, never more than [`Map::buffer_size`] ahead, so that
    /// even an endless iterator works. Nothing is submitted before the first result is asked for. An item whose `f`
    /// panicked is an error in its place, and the rest follow. Dropping the iterator cancels what has not started.
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
    pub fn map<I: IntoIterator<Item: Send + 'static>, T: Send + 'static>(
        &self,
        inputs: I,
        f: impl Fn(I::Item) -> T + Send + Sync + 'static,
    ) -> Map<'_, 'static, I::IntoIter, T> {
        self.running.scope.map(inputs, f)
    }

    /// Return the number of workers.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::new(4)?;
    /// let parts = pool.workers() * 2; // into how many parts to split a piece of work
    /// assert_eq!(parts, 8);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn workers(&self) -> usize {
        self.running.scope.workers()
    }

    /// Return how many tasks wait for a worker: a figure to watch, not to act on, because it may be out of date.
    ///
    /// It counts the tasks in the queue, those whose submitters wait for room in it, and those that a worker let go
    /// past the bound. A task that was cancelled, or that a worker ran instead of waiting for it, counts until a worker
    /// comes to its place in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let pool = pool_recipes::Executor::new(1)?;
    /// let (start, started) = mpsc::channel();
    /// let (release, released) = mpsc::channel::<()>();
    /// pool.submit(move || {
    ///     start.send(()).unwrap();
    ///     released.recv()
    /// });
    /// started.recv()?; // the one worker is busy,
    /// pool.submit(|| ()); // so this task waits
    /// assert_eq!(pool.queued(), 1);
    /// drop(release);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queued(&self) -> usize {
        self.running.scope.queued()
    }

    /// Wait until everything submitted has run and every worker's thread is gone; dropping the pool does the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// use std::sync::Arc;
    ///
    /// let pool = pool_recipes::Executor::new(4)?;
    /// let done = Arc::new(AtomicUsize::new(0));
    /// for _ in 0..100 {
    ///     let done = Arc::clone(&done);
    ///     pool.submit(move || done.fetch_add(1, Relaxed));
    /// }
    /// pool.shutdown();
    /// assert_eq!(done.load(Relaxed), 100);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn shutdown(self) {
        drop(self);
    }

    /// Cancel the tasks that have not started, wait for those that run, and return how many were cancelled.
    ///
    /// Tasks that a callback or a destructor cancels meanwhile are not in that number.
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
        let Running { scope, threads } = self.running;
        let pool = Arc::clone(&scope.pool);
        drop(scope);
        // The queue is closed, so `next` doesn't wait any more: it takes what is left, and then ends.
        let left = iter::from_fn(|| pool.next());
        let cancelled = left.filter(|job| job.task.cancel(TaskError::Cancelled)).count();
        drop(threads);
        cancelled
    }
}

/// A panic in a task leaves the pool as it was.
impl UnwindSafe for Executor {}
impl RefUnwindSafe for Executor {}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("workers", &self.workers()).finish_non_exhaustive()
    }
}

/// A pool that runs. Dropping it, for whatever reason, closes the queue and then waits until the workers have left:
/// fields are dropped in the order in which they are declared.
struct Running<'a, 't> {
    /// Submits, and owns the sending side. Once the tasks that are left have let go of that too, the queue is closed.
    scope: Scope<'a>,
    /// The workers. They leave when the queue is closed and empty.
    threads: Threads<'t>,
}

/// Dropping it waits until the threads are gone, their thread-locals dropped.
#[derive(Default)]
struct Threads<'t>(Vec<Thread<'t>>);

/// A thread, and how to join it. The handles of an executor's threads and of a scope's are of two types.
type Thread<'t> = (thread::ThreadId, Box<dyn FnOnce() -> thread::Result<()> + Send + Sync + 't>);

impl Drop for Threads<'_> {
    fn drop(&mut self) {
        let me = thread::current().id();
        // A worker that dropped the last owner of its pool can't wait for itself, nor for the others, which may be
        // waiting for the task that it runs. They all leave when the queue is empty.
        if self.0.iter().any(|(id, _)| *id == me) {
            return;
        }
        for (_, join) in self.0.drain(..) {
            join().expect("no panic of a task ends its worker");
        }
    }
}

/// The settings of a pool, made by [`Executor::builder`] and used up by [`build`](Builder::build) or
/// [`scope`](Builder::scope).
///
/// # Examples
///
/// ```
/// use pool_recipes::Executor;
///
/// let settings = Executor::builder().workers(2).queue_capacity(10);
/// let first = settings.clone().thread_name("first").build()?;
/// let second = settings.thread_name("second").build()?;
/// assert_eq!(first.workers(), second.workers());
/// # Ok::<(), pool_recipes::BuildError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder starts nothing until `build` or `scope` is called"]
pub struct Builder {
    workers: usize,
    thread_name: String,
    /// In bytes; set also when nobody asks for it, so that a worker knows how much it has.
    stack_size: usize,
    queue_capacity: Option<usize>,
    on_worker_start: Option<StartHook>,
}

/// What `std` gives a thread: <https://doc.rust-lang.org/std/thread/#stack-size>.
const DEFAULT_STACK_SIZE: usize = 2 * 1024 * 1024;

/// Whole pages are multiples of this; where pages are larger, `std` rounds up once more.
const PAGE: usize = 4096;

impl Builder {
    /// Set the number of workers, all of which start at once.
    ///
    /// The default is that of Python's `ThreadPoolExecutor`: four more than there are cores to run on, and at most 32.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::builder().workers(128).build()?;
    /// assert_eq!(pool.workers(), 128);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Name the workers' threads `prefix-0`, `prefix-1` and so on; the default prefix is `worker`.
    ///
    /// Linux shows the first 15 bytes of a name, so a long prefix hides the number there.
    ///
    /// # Panics
    ///
    /// [`build`](Self::build) and [`scope`](Self::scope) panic if the prefix holds a NUL character, as
    /// [`std::thread::Builder`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::builder().workers(1).thread_name("resize").build()?;
    /// let name = pool.submit(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(name.result()?.as_deref(), Some("resize-0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn thread_name(mut self, prefix: impl Into<String>) -> Self {
        self.thread_name = prefix.into();
        self
    }

    /// Set the size of every worker's stack in bytes, rounded up to whole pages of 4,096.
    ///
    /// The minimum is [`MIN_STACK_SIZE`]; the default is 2 MiB, what `std` gives a thread. `RUST_MIN_STACK` changes
    /// nothing here. With glibc and musl a program's thread-locals come out of a thread's stack too. So on Linux each
    /// worker gets a few pages more than was asked for, if `/proc` and 64 MiB of addresses are available to measure how
    /// many. Elsewhere, make a small stack larger if the program has large thread-locals.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::builder().workers(4).stack_size(8 * 1024 * 1024).build()?;
    /// let n = 1_u8;
    /// let large = pool.submit(move || [n; 4 * 1024 * 1024].len()); // more than a default stack holds
    /// assert_eq!(large.result()?, 4 * 1024 * 1024);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Bound the queue: at most `tasks` wait in it. The default is a queue without a bound.
    ///
    /// The queue is [`std::sync::mpsc::sync_channel`]'s. Memory for all its places is taken at once, 32 bytes each on a
    /// 64-bit machine, and a capacity for which there is no memory aborts the process. A task that is cancelled keeps
    /// its place until a worker comes to it. With 0, a task is handed directly to the one worker that is receiving, one
    /// task at a time: [`try_submit`](Executor::try_submit) may be refused while other workers are idle.
    ///
    /// # Panics
    ///
    /// [`build`](Self::build) and [`scope`](Self::scope) panic if the places take more than `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{Executor, Full};
    ///
    /// let pool = Executor::builder().workers(4).queue_capacity(100).build()?;
    /// let answer = match pool.try_submit(|| 6 * 7) {
    ///     Ok(handle) => handle.result()?,
    ///     Err(Full(task)) => task(), // no room: run it here, or refuse it
    /// };
    /// assert_eq!(answer, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue_capacity(mut self, tasks: usize) -> Self {
        self.queue_capacity = Some(tasks);
        self
    }

    /// Run `hook` on every worker's thread before its first task; [`build`](Builder::build) waits for that.
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

    /// Start the pool.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoWorkers`] and [`BuildError::StackTooSmall`] say which setting breaks which rule;
    /// [`BuildError::Spawn`] that the operating system refused a thread; [`BuildError::WorkerStart`] that the hook
    /// panicked. No thread is left behind.
    ///
    /// Not every lack of memory is an error: `std` gives each new thread a small stack on which to report a stack
    /// overflow, and aborts the process where that can't be had. On Linux a process that may have no more mappings
    /// (`vm.max_map_count`, at some 16,000 threads) or no more address space (`ulimit -v`) can end that way.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_recipes::{BuildError, Executor};
    ///
    /// let pool = Executor::builder().workers(2).build()?;
    /// assert_eq!(pool.submit(|| 6 * 7).result()?, 42);
    ///
    /// let error = Executor::builder().on_worker_start(|| panic!("no database")).build().unwrap_err();
    /// assert_eq!(error.to_string(), "a worker panicked before its first task: no database");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(self) -> Result<Executor, BuildError> {
        let running = self.start(None, |thread, worker| {
            let handle = thread.spawn(move || worker.work())?;
            Ok((handle.thread().id(), Box::new(|| handle.join())))
        })?;
        Ok(Executor { running })
    }

    /// Run `f` with a pool of these settings whose tasks may borrow: see [`scope()`].
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Panics
    ///
    /// As [`scope()`].
    ///
    /// # Examples
    ///
    /// ```
    /// let text = String::from("borrowed, not moved");
    /// let builder = pool_recipes::Executor::builder().workers(2).thread_name("count");
    /// let words = builder.scope(|pool| pool.submit(|| text.split(' ').count()).result())??;
    /// assert_eq!(words, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope<'scope, R>(self, f: impl FnOnce(&Scope<'scope>) -> R) -> Result<R, BuildError> {
        let unread = Arc::new(UnreadPanics::default());
        let result = thread::scope(|threads| {
            // Dropping `running` joins the threads. `thread::scope` by itself waits for their closures, but not until
            // their thread-locals are dropped.
            let running = self.start(Some(Arc::clone(&unread)), |thread, worker| {
                let handle = thread.spawn_scoped(threads, move || worker.work())?;
                Ok((handle.thread().id(), Box::new(|| handle.join())))
            })?;
            Ok(f(&Scope { open: None, ..running.scope.clone() }))
        });
        let panics = mem::take(&mut *lock(&unread));
        match panics.into_iter().next() {
            Some(panic) => resume_unwind(panic.into_payload()),
            None => result,
        }
    }

    /// Starts the workers, each on a thread that `spawn` makes.
    fn start<'a, 't>(
        self,
        unread: Option<Arc<UnreadPanics>>,
        spawn: impl Fn(thread::Builder, Worker<'a>) -> io::Result<Thread<'t>>,
    ) -> Result<Running<'a, 't>, BuildError> {
        let Self { workers, stack_size, .. } = self;
        if workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if stack_size < MIN_STACK_SIZE {
            return Err(BuildError::StackTooSmall { requested: stack_size });
        }
        // A size that can't be rounded up is more than any system has, and is refused like any other of that kind.
        let pages = |bytes: usize| bytes.checked_next_multiple_of(PAGE).unwrap_or(bytes);
        let stack_size = pages(stack_size);
        // A page more, because with glibc 2.42 and later the guard page is a part of what was measured.
        let overhead = pages(stack_overhead().unwrap_or(0)) + PAGE;
        let with_overhead = stack_size.saturating_add(overhead);
        // If anything below fails this is dropped, and the workers that have started leave and are joined.
        let (open, pool) = Pool::new(workers, self.queue_capacity, unread);
        let scope = Scope { pool: Arc::clone(&pool), open: Some(open) };
        let mut running = Running { scope, threads: Threads::default() };
        let (failed, panics) = mpsc::channel();
        for started in 0..workers {
            let name = format!("{}-{started}", self.thread_name);
            let thread = thread::Builder::new().name(name).stack_size(with_overhead);
            let on_start = self.on_worker_start.clone().map(|hook| (hook, failed.clone()));
            let worker = Worker { pool: Arc::clone(&pool), stack_size, on_start };
            let thread =
                spawn(thread, worker).map_err(|error| BuildError::Spawn { started, workers, error })?;
            running.threads.0.push(thread);
        }
        drop(failed);
        // An error says that all hooks have run, and dropped their senders.
        if let Ok(panic) = panics.recv() {
            return Err(BuildError::WorkerStart(panic));
        }
        contain(|| drop(self.on_worker_start));
        Ok(running)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// Run `f` with a pool of `workers` threads whose tasks may borrow from outside the call.
///
/// Returns what `f` returns, once all tasks are finished and all threads are gone.
///
/// # Errors
///
/// As [`Builder::build`].
///
/// # Panics
///
/// If `f` panics, with that panic. Otherwise, if a task panicked and its handle was dropped unread before `scope`
/// returns, with the payload of the first such panic: nobody could see that panic any more. The items of a dropped
/// [`Map`] don't count.
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
///
/// What is borrowed must outlive the call. A local of the closure doesn't:
///
/// ```compile_fail,E0597
/// pool_recipes::scope(2, |pool| {
///     let local = String::from("dropped when the closure ends, while tasks may still run");
///     pool.submit(|| local.len());
/// });
/// ```
///
/// Nor does a local of a function that returns before the scope ends:
///
/// ```compile_fail,E0597
/// use pool_recipes::Scope;
///
/// fn submit_to<'scope>(pool: &Scope<'scope>, text: &'scope str) {
///     pool.submit(move || text.len());
/// }
///
/// fn inner<'scope>(pool: &Scope<'scope>) {
///     let short = String::from("gone when `inner` returns");
///     submit_to(pool, &short);
/// }
/// ```
pub fn scope<'scope, R>(workers: usize, f: impl FnOnce(&Scope<'scope>) -> R) -> Result<R, BuildError> {
    Executor::builder().workers(workers).scope(f)
}
