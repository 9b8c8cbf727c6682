//! A receiver that many workers share.
//!
//! A channel of `std` has any number of senders and one receiver. A pool needs it the other way round: one accept
//! loop sends work, and many workers receive it. So a [`Mutex`] stands around the one receiver.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{RecvError, TryRecvError};

use crate::sync::{Mutex, lock, mpsc, thread, yields_before_blocking};

/// An [`mpsc::Receiver`] that can be cloned: each item goes to exactly one of the threads that hold a clone.
///
/// The senders are `std`'s own. The channel is closed when the last of them is dropped: the receivers get what is
/// left in it, and then an error.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use std::thread;
///
/// use pool_recipes::SharedReceiver;
///
/// let (sender, receiver) = mpsc::channel();
/// let receiver = SharedReceiver::new(receiver);
/// let workers: Vec<_> = (0..4)
///     .map(|_| {
///         let receiver = receiver.clone();
///         thread::spawn(move || receiver.iter().sum::<i32>())
///     })
///     .collect();
/// for n in 1..=100 {
///     sender.send(n)?;
/// }
/// drop(sender); // closes the channel: the workers' loops end once it is empty
/// let sum: i32 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
/// assert_eq!(sum, 5050);
/// # Ok::<(), mpsc::SendError<i32>>(())
/// ```
pub struct SharedReceiver<T> {
    /// The thread that holds the lock is the next to receive.
    receiver: Arc<Mutex<mpsc::Receiver<T>>>,
}

impl<T> SharedReceiver<T> {
    /// Share `receiver` between threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::SharedReceiver;
    ///
    /// let (sender, receiver) = mpsc::sync_channel(10); // a bounded channel works too
    /// let receiver = SharedReceiver::new(receiver);
    /// sender.send("job")?;
    /// assert_eq!(receiver.recv()?, "job");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(receiver: mpsc::Receiver<T>) -> Self {
        Self { receiver: Arc::new(Mutex::new(receiver)) }
    }

    /// Take the item at the front of the queue; wait while the queue is empty.
    ///
    /// # Errors
    ///
    /// Fails once the queue is empty and its last sender is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::SharedReceiver;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let receiver = SharedReceiver::new(receiver);
    /// sender.send(1)?;
    /// drop(sender);
    /// assert_eq!(receiver.recv(), Ok(1)); // sent before the channel was closed
    /// assert!(receiver.recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        // This loop is for speed only: an item that comes soon is received without blocking.
        for _ in 0..yields_before_blocking() {
            let Ok(receiver) = self.receiver.try_lock() else { break };
            match receiver.try_recv() {
                Ok(item) => return Ok(item),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
                Err(TryRecvError::Empty) => drop(receiver),
            }
            thread::yield_now();
        }
        let receiver = lock(&self.receiver);
        receiver.recv()
        // The lock is released here, before the caller sees the item: no job ever runs under it.
    }

    /// Iterate over the items as [`recv`](Self::recv) returns them, until the channel is closed and empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use pool_recipes::SharedReceiver;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let receiver = SharedReceiver::new(receiver);
    /// (1..=3).try_for_each(|n| sender.send(n))?;
    /// drop(sender); // otherwise the iterator waits for more
    /// assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = T> + use<T> {
        self.clone()
    }
}

/// Each item as [`recv`](SharedReceiver::recv) returns it; ends when the channel is closed and empty.
impl<T> Iterator for SharedReceiver<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.recv().ok()
    }
}

impl<T> IntoIterator for &SharedReceiver<T> {
    type Item = T;
    type IntoIter = SharedReceiver<T>;

    fn into_iter(self) -> SharedReceiver<T> {
        self.clone()
    }
}

impl<T> Clone for SharedReceiver<T> {
    fn clone(&self) -> Self {
        Self { receiver: Arc::clone(&self.receiver) }
    }
}

impl<T> fmt::Debug for SharedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReceiver").finish_non_exhaustive()
    }
}
