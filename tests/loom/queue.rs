//! Models of `src/pool/queue.rs`.

use std::sync::mpsc::{RecvError, SendError};

use loom::thread;

use crate::pool::queue;
use crate::{explore, explore_bounded};

#[test]
fn each_item_is_received_once_by_two_receivers() {
    explore("each item is received once by two receivers", || {
        let (sender, receiver) = queue::unbounded();
        let other = receiver.clone();
        let other = thread::spawn(move || other.iter().collect::<Vec<_>>());
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        drop(sender);
        let mut items: Vec<_> = receiver.iter().collect();
        items.extend(other.join().unwrap());
        items.sort_unstable();
        assert_eq!(items, [1, 2]);
    });
}

#[test]
fn the_last_senders_end_wakes_every_receiver() {
    explore("the last sender's end wakes every receiver", || {
        let (sender, receiver) = queue::unbounded::<()>();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.recv())
            })
            .collect();
        drop(sender);
        for receiver in waiting {
            assert_eq!(receiver.join().unwrap(), Err(RecvError));
        }
    });
}

#[test]
fn a_bounded_send_waits_and_is_woken() {
    explore("a bounded send waits and is woken", || {
        let (sender, receiver) = queue::bounded(1);
        let sending = thread::spawn(move || (0..3).try_for_each(|item| sender.send(item)));
        let items: Vec<_> = receiver.iter().collect();
        assert_eq!(items, [0, 1, 2]);
        assert_eq!(sending.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_send_after_the_last_receivers_end_gives_the_item_back() {
    explore("a send after the last receiver's end gives the item back", || {
        let (sender, receiver) = queue::bounded(1);
        let leaving = thread::spawn(move || drop(receiver));
        let sent = [sender.send("first"), sender.send("second")];
        leaving.join().unwrap();
        // What was sent before is dropped with the queue; the second finds it full until the receiver is gone.
        assert!(sent[0].is_ok() || sent[0] == Err(SendError("first")));
        assert_eq!(sent[1], Err(SendError("second")));
        assert_eq!(sender.send("third"), Err(SendError("third")));
    });
}

#[test]
fn two_workers_and_two_senders_lose_nothing() {
    explore_bounded("two workers and two senders lose nothing", 3, || {
        let (sender, receiver) = queue::bounded(1);
        let sending = sender.clone();
        let sending = thread::spawn(move || sending.send(1).unwrap());
        let other = receiver.clone();
        let other = thread::spawn(move || other.iter().sum::<i32>());
        sender.send(2).unwrap();
        drop(sender);
        let sum: i32 = receiver.iter().sum();
        sending.join().unwrap();
        assert_eq!(sum + other.join().unwrap(), 3);
    });
}
