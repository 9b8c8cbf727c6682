//! Whose turn it is to wait at a channel: one receiver's at a time, and nobody else is woken for it.
//!
//! Behind a mutex alone, one receiver waits at the channel and the others wait for the mutex. When an item comes, the
//! one lets go, and the mutex wakes another, who finds nothing: a second wake-up for each item. Here the others sleep
//! until they are called, and they are called only if nobody waits at the channel while items come.

use std::mem;
use std::sync::PoisonError;

use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicBool, AtomicUsize, fence};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What the senders and receivers of one queue tell each other.
///
/// None of them may act on an old value where it matters, or an item would lie there with everyone asleep. So each
/// writes what it has to tell, then passes a `fence`, and then reads what the others have told: of any two, the one
/// whose fence comes second sees what the first has written.
pub(crate) struct Turns {
    /// Whether a receiver waits at the channel. It hears by itself of items, and of the end.
    attended: AtomicBool,
    /// How many items were announced, and how many taken: apart, as the two ends write them at the same time.
    announced: Apart<AtomicUsize>,
    taken: Apart<AtomicUsize>,
    /// Whether the channel holds nothing: there is room in it only while somebody waits there.
    is_rendezvous: bool,
    /// How many senders there are. Without any, everybody has to be told.
    senders: AtomicUsize,
    /// Whether a call would reach somebody: written under `bench`, read without.
    callable: AtomicBool,
    bench: Mutex<Bench>,
    /// Signalled to one who sits on the bench, with a call.
    called: Condvar,
}

/// The receivers that wait for their turn.
struct Bench {
    sitting: usize,
    /// One call at a time: who follows it calls the next, if there is more to take.
    call: bool,
}

impl Turns {
    /// The turns at a channel with one sender, which may be one that holds nothing.
    pub(crate) fn new(is_rendezvous: bool) -> Self {
        Turns {
            is_rendezvous,
            attended: AtomicBool::new(false),
            announced: Apart(AtomicUsize::new(0)),
            taken: Apart(AtomicUsize::new(0)),
            senders: AtomicUsize::new(1),
            callable: AtomicBool::new(false),
            bench: Mutex::new(Bench { sitting: 0, call: false }),
            called: Condvar::new(),
        }
    }

    pub(crate) fn add_sender(&self) {
        self.senders.fetch_add(1, Relaxed);
    }

    /// A sender goes: sees to it that somebody hears it, if it was the last.
    pub(crate) fn remove_sender(&self) {
        self.senders.fetch_sub(1, Relaxed);
        self.call_unless_attended();
    }

    /// An item is about to be sent: sees to it that somebody takes it.
    pub(crate) fn announce(&self) {
        self.announced.0.fetch_add(1, Relaxed);
        self.call_unless_attended();
    }

    /// The item that was announced did not get in.
    pub(crate) fn retract(&self) {
        self.announced.0.fetch_sub(1, Relaxed);
    }

    fn call_unless_attended(&self) {
        fence(SeqCst);
        if self.callable.load(Relaxed) && !self.attended.load(Relaxed) {
            self.call();
        }
    }

    /// Waits until nobody waits at the channel; returns whether it was called there.
    pub(crate) fn wait(&self) -> bool {
        let mut called = false;
        while self.attended.load(Relaxed) {
            // Once called it answers, also if somebody else was there first.
            called |= self.sit();
        }
        called
    }

    fn sit(&self) -> bool {
        let mut bench = self.lock();
        bench.sitting += 1;
        self.update(&bench);
        fence(SeqCst);
        while !bench.call && self.attended.load(Relaxed) {
            bench = self.called.wait(bench).unwrap_or_else(PoisonError::into_inner);
        }
        let called = mem::replace(&mut bench.call, false);
        bench.sitting -= 1;
        self.update(&bench);
        called
    }

    /// Has `receive` wait at the channel.
    pub(crate) fn attend<R>(&self, receive: impl FnOnce() -> R) -> R {
        self.attended.store(true, Relaxed);
        let received = receive();
        self.attended.store(false, Relaxed);
        received
    }

    /// A receiver leaves, with an item or without. One that was called, or has attended, `answers` for what came
    /// meanwhile: nobody else may have been called for it.
    pub(crate) fn leave(&self, items: usize, answers: bool) {
        self.taken.0.fetch_add(items, Release);
        if answers {
            fence(SeqCst);
            let more = || self.is_rendezvous || self.queued() > 0 || self.senders.load(Relaxed) == 0;
            if self.callable.load(Relaxed) && more() {
                self.call();
            }
        }
    }

    /// How many items are announced and not taken.
    pub(crate) fn queued(&self) -> usize {
        // In this order, and with what came before each was taken: it had been announced.
        let taken = self.taken.0.load(Acquire);
        self.announced.0.load(Relaxed).wrapping_sub(taken)
    }

    fn call(&self) {
        let mut bench = self.lock();
        if bench.sitting > 0 && !bench.call {
            bench.call = true;
            self.update(&bench);
            drop(bench);
            self.called.notify_one();
        }
    }

    fn update(&self, bench: &Bench) {
        self.callable.store(bench.sitting > 0 && !bench.call, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Bench> {
        // Nothing in here can panic while it holds the lock.
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Alone in its cache line, so that two threads that write two of these don't take the line from each other.
#[repr(align(128))]
struct Apart<T>(T);
