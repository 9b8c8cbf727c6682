//! Pools whose workers are busy, and what is done to pools on purpose.

use std::cell::RefCell;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

use pool_recipes::{Executor, Handle};

use super::time::ends;

pub fn pool(workers: usize) -> Executor {
    Executor::new(workers).unwrap()
}

/// A pool with a bounded queue.
pub fn bounded(workers: usize, capacity: usize) -> Executor {
    Executor::builder().workers(workers).queue_capacity(capacity).build().unwrap()
}

/// What `f` returns in a task of the pool.
pub fn inside<T: Send + 'static>(pool: Executor, f: impl FnOnce(&Arc<Executor>) -> T + Send + 'static) -> T {
    ends(move || {
        let pool = Arc::new(pool);
        let inner = Arc::clone(&pool);
        pool.submit(move || f(&inner)).result().unwrap()
    })
}

/// Occupies one worker of `pool`; returns once it is occupied. Dropping what it returns sets the worker free.
pub fn occupy(pool: &Executor) -> mpsc::Sender<()> {
    busy(pool, ()).1
}

/// Occupies one worker with a task of this result, and returns its handle too.
pub fn busy<T: Send + 'static>(pool: &Executor, result: T) -> (Handle<T>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let (start, started) = mpsc::channel();
    let handle = pool.submit(move || {
        start.send(()).unwrap();
        // An error is the signal: the sender is gone.
        released.recv().unwrap_err();
        result
    });
    started.recv().unwrap();
    (handle, release)
}

/// Has `f` called when this thread drops its thread-locals, which is the last thing that a thread does.
pub fn at_thread_exit(f: impl FnOnce() + 'static) {
    struct Exit(Option<Box<dyn FnOnce()>>);
    impl Drop for Exit {
        fn drop(&mut self) {
            self.0.take().unwrap()();
        }
    }
    thread_local!(static EXIT: RefCell<Option<Exit>> = const { RefCell::new(None) });
    EXIT.set(Some(Exit(Some(Box::new(f)))));
}

/// Counts this thread until it exits, which takes some time.
pub fn count_this_thread(alive: &Arc<AtomicUsize>) {
    let alive = Arc::clone(alive);
    alive.fetch_add(1, SeqCst);
    at_thread_exit(move || {
        (0..2_000).for_each(|_| thread::yield_now());
        alive.fetch_sub(1, SeqCst);
    });
}

/// Panics when it is dropped; then, for as many levels as are left, so does the payload of that panic.
pub struct Bomb(pub u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Bomb(self.0 - 1));
        }
    }
}
