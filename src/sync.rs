//! The one file that names `std`'s primitives.
//!
//! The code in `pool` says `use crate::sync::…`, so that the models in `tests/loom` can compile the same files over
//! loom's doubles of these names, and walk through every interleaving of them. Only `Arc` is `std`'s in both: loom's
//! can't be coerced to `Arc<dyn Trait>`.

use std::sync::PoisonError;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic, mpsc};
pub(crate) use std::{thread, thread_local};

/// Locks `mutex`, poisoned or not: no code of the user's runs under a lock of ours, so none can leave it half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a thread that waits for a result gives way before it sleeps: none in a model, where it would only add
/// orders that differ in nothing.
pub(crate) const YIELDS_BEFORE_SLEEP: usize = 50;
