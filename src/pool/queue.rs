//! An [`mpsc`] channel whose receiver many workers share.
//!
//! `std`'s channel has any number of senders and one receiver. A pool has it the other way round: one
//! accept loop brings work, and many workers wait for it. A [`Mutex`] around the receiver lets them take turns,
//! and [`Receiver::recv`] is where the turn ends.

use std::sync::mpsc::{RecvError, SendError, TrySendError};
use std::sync::{Arc, PoisonError};

use crate::sync::{Mutex, mpsc};

/// Makes a queue without a bound: a send never waits, and the queue grows as long as memory lasts.
///
/// # Examples
///
/// ```
/// use pool_recipes::queue;
///
/// let (sender, receiver) = queue::unbounded();
/// let worker = std::thread::spawn(move || receiver.iter().sum::<i32>());
/// sender.send(40).unwrap();
/// sender.send(2).unwrap();
/// drop(sender); // hangs up: the worker's loop ends once the queue is empty
/// assert_eq!(worker.join().unwrap(), 42);
/// ```
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    (Sender { channel: Channel::Unbounded(sender) }, Receiver::new(receiver))
}

/// Makes a queue that holds at most `capacity` items: a send to a full queue waits until there is room.
///
/// With a capacity of 0 nothing is ever held: a send waits until a receiver takes the item out of its hands, as
/// with [`std::sync::mpsc::sync_channel`]. The room for `capacity` items is allocated at once.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::TrySendError;
///
/// use pool_recipes::queue;
///
/// let (sender, receiver) = queue::bounded(1);
/// sender.send("first").unwrap();
/// assert_eq!(sender.try_send("second"), Err(TrySendError::Full("second")));
/// assert_eq!(receiver.recv(), Ok("first"));
/// ```
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(capacity);
    (Sender { channel: Channel::Bounded(sender) }, Receiver::new(receiver))
}

/// The end of a queue that takes items in.
///
/// When the last clone is dropped the queue hangs up: receivers get what is left, and then an error.
#[derive(Debug)]
pub struct Sender<T> {
    /// `std` gives the two kinds of channel two types of sender.
    channel: Channel<T>,
}

#[derive(Debug)]
enum Channel<T> {
    Unbounded(mpsc::Sender<T>),
    Bounded(mpsc::SyncSender<T>),
}

impl<T> Sender<T> {
    /// Puts `item` at the end of the queue; waits while a bounded queue is full.
    ///
    /// # Errors
    ///
    /// Gives `item` back if the last receiver is gone, since nobody would ever take it.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        match &self.channel {
            Channel::Unbounded(sender) => sender.send(item),
            Channel::Bounded(sender) => sender.send(item),
        }
    }

    /// Puts `item` at the end of the queue if that needs no waiting.
    ///
    /// # Errors
    ///
    /// Gives `item` back as [`TrySendError::Full`] if a bounded queue is full, and as
    /// [`TrySendError::Disconnected`] if the last receiver is gone.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        match &self.channel {
            Channel::Unbounded(sender) => {
                sender.send(item).map_err(|SendError(item)| TrySendError::Disconnected(item))
            }
            Channel::Bounded(sender) => sender.try_send(item),
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let channel = match &self.channel {
            Channel::Unbounded(sender) => Channel::Unbounded(sender.clone()),
            Channel::Bounded(sender) => Channel::Bounded(sender.clone()),
        };
        Sender { channel }
    }
}

/// The end of a queue that hands items out: each item to exactly one of the threads that hold a clone.
#[derive(Debug)]
pub struct Receiver<T> {
    /// The one receiver that `mpsc` gives us. Whoever holds the lock is the next to receive; the others wait for
    /// the lock, not for the channel.
    turn: Arc<Mutex<mpsc::Receiver<T>>>,
}

impl<T> Receiver<T> {
    fn new(receiver: mpsc::Receiver<T>) -> Self {
        Receiver { turn: Arc::new(Mutex::new(receiver)) }
    }

    /// Takes the item at the front of the queue; waits while the queue is empty.
    ///
    /// # Errors
    ///
    /// Fails once the queue is empty and its last sender is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        // Nothing in here can panic while it holds the lock, so a poisoned one is as good as any.
        let receiver = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv()
        // The lock is released here, before the caller sees the item: no job ever runs under it.
    }

    /// Where the queue is in memory: no other queue is there as long as this one lives.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.turn).addr()
    }

    /// Iterates over the items as [`recv`](Receiver::recv) gives them; ends when the queue hangs up.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv().ok())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { turn: Arc::clone(&self.turn) }
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

/// An iterator over a queue's items that owns its [`Receiver`].
#[derive(Debug)]
pub struct IntoIter<T> {
    /// Kept, and so keeps the queue open, until the iterator is dropped.
    receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}
