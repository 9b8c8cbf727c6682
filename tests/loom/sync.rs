//! The double of `src/sync.rs`: the same names, over loom, which decides at every step who goes on.

pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

std::thread_local! {
    /// How often a thread yields before it blocks, in the model that runs on this thread of the test.
    static YIELDS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

pub(crate) fn yields_before_blocking() -> usize {
    YIELDS.get()
}

/// Has the threads of this test's model yield so many times.
pub(crate) fn set_yields(yields: usize) {
    YIELDS.set(yields);
}

/// A model has no use for the depth of a stack: nothing is refused.
pub(crate) fn stack_pointer() -> usize {
    usize::MAX / 2
}

pub(crate) fn stack_overhead() -> Option<usize> {
    None
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// Takes the `const` off an initial value: loom makes one for every thread of the model, when it is first asked for.
macro_rules! modelled_thread_local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const $value:block;) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $value; }
    };
}
pub(crate) use modelled_thread_local as thread_local;

/// A condition variable whose first wait returns at once, as `std` allows any wait to: it tells an `if` from a `while`.
pub(crate) struct Condvar {
    condvar: loom::sync::Condvar,
    has_woken_early: std::sync::atomic::AtomicBool,
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar { condvar: loom::sync::Condvar::new(), has_woken_early: false.into() }
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> std::sync::LockResult<MutexGuard<'a, T>> {
        if self.has_woken_early.swap(true, std::sync::atomic::Ordering::Relaxed) {
            self.condvar.wait(guard)
        } else {
            Ok(guard)
        }
    }

    /// loom's clock stands still: no timeout ever passes.
    #[expect(clippy::unnecessary_wraps, reason = "the signature is std's")]
    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        _: std::time::Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> std::sync::LockResult<(MutexGuard<'a, T>, bool)> {
        while condition(&mut guard) {
            guard = self.wait(guard).unwrap();
        }
        Ok((guard, false))
    }

    pub(crate) fn notify_all(&self) {
        self.condvar.notify_all();
    }
}

pub(crate) mod thread {
    pub(crate) use std::thread::{Result, Scope, available_parallelism, scope};

    pub(crate) use loom::thread::{JoinHandle, Thread, ThreadId, current, yield_now};

    /// `std`'s builder, as far as a pool uses it.
    pub(crate) struct Builder(loom::thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Self {
            Builder(loom::thread::Builder::new())
        }

        pub(crate) fn name(self, name: String) -> Self {
            Builder(self.0.name(name))
        }

        pub(crate) fn stack_size(self, bytes: usize) -> Self {
            Builder(self.0.stack_size(bytes / size_of::<usize>()))
        }

        pub(crate) fn spawn<T: Send + 'static>(
            self,
            f: impl FnOnce() -> T + Send + 'static,
        ) -> std::io::Result<JoinHandle<T>> {
            self.0.spawn(f)
        }

        /// Here so that `executor.rs` compiles.
        #[expect(clippy::unused_self, reason = "the signature is std's")]
        pub(crate) fn spawn_scoped<'scope, T>(
            self,
            _: &'scope Scope<'scope, '_>,
            _: impl FnOnce() -> T + Send + 'scope,
        ) -> std::io::Result<JoinHandle<T>> {
            Err(std::io::Error::other("loom has no scoped threads"))
        }
    }
}

/// What `std` documents of its channels: first in, first out; a receiver that hears when the last sender hangs up; room
/// for as many items as asked for. (loom's own `mpsc` doesn't wake that receiver.) A sender doesn't hear when the receiver
/// hangs up: in no model does it go first.
pub(crate) mod mpsc {
    use std::collections::VecDeque;
    use std::sync::Arc;
    pub(crate) use std::sync::mpsc::{RecvError, SendError, TryRecvError, TrySendError};

    use loom::sync::{Condvar, Mutex};

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        sync_channel(usize::MAX)
    }

    pub(crate) fn sync_channel<T>(capacity: usize) -> (SyncSender<T>, Receiver<T>) {
        assert!(capacity > 0, "a rendezvous is not modelled");
        let state = State { items: VecDeque::new(), capacity, senders: 1 };
        let (filled, emptied) = (Condvar::new(), Condvar::new());
        let channel = Arc::new(Channel { state: Mutex::new(state), filled, emptied });
        (Sender(Arc::clone(&channel)), Receiver(channel))
    }

    struct Channel<T> {
        state: Mutex<State<T>>,
        /// An item came in, or the last sender went.
        filled: Condvar,
        /// An item went out.
        emptied: Condvar,
    }

    struct State<T> {
        items: VecDeque<T>,
        capacity: usize,
        senders: usize,
    }

    /// Both of `std`'s senders: one that isn't bounded never finds the channel full.
    pub(crate) struct Sender<T>(Arc<Channel<T>>);
    pub(crate) type SyncSender<T> = Sender<T>;

    impl<T> Sender<T> {
        pub(crate) fn send(&self, item: T) -> Result<(), SendError<T>> {
            self.put(item, true).map_err(|error| match error {
                TrySendError::Disconnected(item) | TrySendError::Full(item) => SendError(item),
            })
        }

        pub(crate) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
            self.put(item, false)
        }

        fn put(&self, item: T, may_wait: bool) -> Result<(), TrySendError<T>> {
            let mut state = self.0.state.lock().unwrap();
            while state.items.len() == state.capacity {
                if !may_wait {
                    return Err(TrySendError::Full(item));
                }
                state = self.0.emptied.wait(state).unwrap();
            }
            state.items.push_back(item);
            self.0.filled.notify_one();
            Ok(())
        }
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Self {
            self.0.state.lock().unwrap().senders += 1;
            Sender(Arc::clone(&self.0))
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.state.lock().unwrap().senders -= 1;
            self.0.filled.notify_one();
        }
    }

    pub(crate) struct Receiver<T>(Arc<Channel<T>>);

    impl<T> Receiver<T> {
        pub(crate) fn recv(&self) -> Result<T, RecvError> {
            self.take(true).map_err(|_| RecvError)
        }

        pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
            self.take(false)
        }

        fn take(&self, may_wait: bool) -> Result<T, TryRecvError> {
            let mut state = self.0.state.lock().unwrap();
            loop {
                if let Some(item) = state.items.pop_front() {
                    self.0.emptied.notify_one();
                    return Ok(item);
                }
                if state.senders == 0 {
                    return Err(TryRecvError::Disconnected);
                }
                if !may_wait {
                    return Err(TryRecvError::Empty);
                }
                state = self.0.filled.wait(state).unwrap();
            }
        }
    }
}
