//! An [`mpsc`] channel whose receiver many workers share.
//!
//! `std`'s channel has any number of senders and one receiver. A pool has it the other way round: one
//! accept loop brings work, and many workers wait for it. A [`Mutex`] around the receiver lets them take turns,
//! and [`Receiver::recv`] is where the turn ends.

use std::fmt;
use std::sync::mpsc::{RecvError, SendError, TrySendError};
use std::sync::{Arc, PoisonError};

use super::turns::Turns;
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
    ends(Channel::Unbounded(sender), receiver, false)
}

/// Makes a queue that holds at most `capacity` items: a send to a full queue waits until there is room.
///
/// With a capacity of 0 nothing is ever held: a send waits until a receiver takes the item out of its hands, as
/// with [`std::sync::mpsc::sync_channel`]. The room for `capacity` items is allocated at once.
///
/// # Panics
///
/// If `capacity` items are more than an address space holds.
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
    ends(Channel::Bounded(sender), receiver, capacity == 0)
}

fn ends<T>(
    channel: Channel<T>,
    receiver: mpsc::Receiver<T>,
    is_rendezvous: bool,
) -> (Sender<T>, Receiver<T>) {
    let turns = Arc::new(Turns::new(is_rendezvous));
    let sender = Sender { channel, turns: Arc::clone(&turns) };
    (sender, Receiver { channel: Arc::new(Mutex::new(receiver)), turns })
}

/// The end of a queue that takes items in.
///
/// When the last clone is dropped the queue hangs up: receivers get what is left, and then an error.
pub struct Sender<T> {
    /// `std` gives the two kinds of channel two types of sender.
    channel: Channel<T>,
    /// Who is to be called when an item comes.
    turns: Arc<Turns>,
}

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
        self.turns.announce();
        let sent = match &self.channel {
            Channel::Unbounded(sender) => sender.send(item),
            Channel::Bounded(sender) => sender.send(item),
        };
        sent.inspect_err(|_| self.turns.retract())
    }

    /// Puts `item` at the end of the queue if that needs no waiting.
    ///
    /// # Errors
    ///
    /// Gives `item` back as [`TrySendError::Full`] if a bounded queue is full, and as
    /// [`TrySendError::Disconnected`] if the last receiver is gone.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        self.turns.announce();
        let sent = match &self.channel {
            Channel::Unbounded(sender) => {
                sender.send(item).map_err(|SendError(item)| TrySendError::Disconnected(item))
            }
            Channel::Bounded(sender) => sender.try_send(item),
        };
        sent.inspect_err(|_| self.turns.retract())
    }

    /// The number of items in the queue, and of those that wait for room in it.
    pub(crate) fn queued(&self) -> usize {
        self.turns.queued()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.turns.add_sender();
        let channel = match &self.channel {
            Channel::Unbounded(sender) => Channel::Unbounded(sender.clone()),
            Channel::Bounded(sender) => Channel::Bounded(sender.clone()),
        };
        Sender { channel, turns: Arc::clone(&self.turns) }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Somebody must be at the channel to hear it hang up, which it does when the last sender's fields are dropped.
impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.turns.remove_sender();
    }
}

/// The end of a queue that hands items out: each item to exactly one of the threads that hold a clone.
pub struct Receiver<T> {
    /// The one receiver that `mpsc` gives us. Who holds the lock is the next to receive.
    channel: Arc<Mutex<mpsc::Receiver<T>>>,
    /// Who waits with the lock, and who sleeps meanwhile.
    turns: Arc<Turns>,
}

impl<T> Receiver<T> {
    /// Takes the item at the front of the queue; waits while the queue is empty.
    ///
    /// # Errors
    ///
    /// Fails once the queue is empty and its last sender is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        let mut answers = self.turns.wait();
        // Nothing in here can panic while it holds the lock, so a poisoned one is as good as any.
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        let item = channel.try_recv().or_else(|_| {
            answers = true;
            self.turns.attend(|| channel.recv())
        });
        // The lock is released here, before the caller sees the item: no job ever runs under it.
        drop(channel);
        self.turns.leave(usize::from(item.is_ok()), answers);
        item
    }

    /// Where the queue is in memory: no other queue is there as long as this one lives.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.channel).addr()
    }

    /// Iterates over the items as [`recv`](Receiver::recv) gives them; ends when the queue hangs up.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv().ok())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { channel: Arc::clone(&self.channel), turns: Arc::clone(&self.turns) }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
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
