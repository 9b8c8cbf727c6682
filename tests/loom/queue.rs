//! Models of `src/pool/queue.rs`.

use std::sync::mpsc::{RecvError, SendError};

use loom::thread;

use crate::pool::queue;
use crate::{explore, explore_bounded};

#[test]
fn each_item_is_received_once_by_two_receivers() {
    explore_bounded("each item is received once by two receivers", 3, || {
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
    explore_bounded("the last sender's end wakes every receiver", 3, || {
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
    explore_bounded("a bounded send waits and is woken", 3, || {
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
    explore_bounded("two workers and two senders lose nothing", 2, || {
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

#[test]
fn receivers_that_never_come_back_leave_nothing_behind() {
    explore_bounded("receivers that never come back leave nothing behind", 2, || {
        let (sender, receiver) = queue::unbounded();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.recv().unwrap())
            })
            .collect();
        for item in 1..=3 {
            sender.send(item).unwrap();
        }
        assert_eq!(waiting.into_iter().map(|receiver| receiver.join().unwrap()).sum::<i32>(), 6);
    });
}

#[test]
fn a_receiver_that_never_comes_back_does_not_keep_the_end_to_itself() {
    explore_bounded("a receiver that never comes back does not keep the end to itself", 3, || {
        let (sender, receiver) = queue::unbounded();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.recv().is_ok())
            })
            .collect();
        sender.send(()).unwrap();
        drop(sender);
        let answers = waiting.into_iter().map(|receiver| receiver.join().unwrap());
        assert_eq!(answers.filter(|got_it| *got_it).count(), 1);
    });
}

#[test]
fn the_number_of_queued_items_never_wraps() {
    explore_bounded("the number of queued items never wraps", 3, || {
        let (sender, receiver) = queue::unbounded();
        let watched = sender.clone();
        let sending = thread::spawn(move || sender.send(()));
        let receiving = thread::spawn(move || receiver.recv());
        assert!(watched.queued() <= 1);
        sending.join().unwrap().unwrap();
        receiving.join().unwrap().unwrap();
    });
}
