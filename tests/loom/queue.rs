//! Models of `src/pool/queue.rs`.

use std::sync::mpsc::RecvError;

use loom::thread;

use crate::pool::SharedReceiver;
use crate::sync::{mpsc, set_yields};
use crate::{explore, explore_bounded};

#[test]
fn each_item_is_received_once() {
    explore("each item is received once", each_item_once);
}

#[test]
fn each_item_is_received_once_with_yields() {
    set_yields(1);
    explore("each item is received once, with a yield before each lock", each_item_once);
}

fn each_item_once() {
    let (sender, receiver) = mpsc::channel();
    let receiver = SharedReceiver::new(receiver);
    let other = receiver.clone();
    let other = thread::spawn(move || other.iter().collect::<Vec<_>>());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    drop(sender);
    let mut items: Vec<_> = receiver.iter().collect();
    items.extend(other.join().unwrap());
    items.sort_unstable();
    assert_eq!(items, [1, 2]);
}

#[test]
fn closing_wakes_every_receiver() {
    explore("closing wakes every receiver", || {
        let (sender, receiver) = mpsc::channel::<()>();
        let receiver = SharedReceiver::new(receiver);
        let waiting = [receiver.clone(), receiver].map(|receiver| thread::spawn(move || receiver.recv()));
        drop(sender);
        for receiver in waiting {
            assert_eq!(receiver.join().unwrap(), Err(RecvError));
        }
    });
}

#[test]
fn a_receiver_that_leaves_strands_nobody() {
    explore("a receiver that leaves strands nobody", || {
        let (sender, receiver) = mpsc::channel();
        let receiver = SharedReceiver::new(receiver);
        let threads = [receiver.clone(), receiver].map(|queue| thread::spawn(move || queue.recv().is_ok()));
        sender.send(()).unwrap();
        drop(sender);
        let got_it = threads.map(|thread| thread.join().unwrap());
        assert_eq!(got_it.into_iter().filter(|got_it| *got_it).count(), 1);
    });
}

#[test]
fn two_senders_and_two_receivers_lose_nothing() {
    explore_bounded("two senders and two receivers lose nothing", 3, || {
        let (sender, receiver) = mpsc::sync_channel(1);
        let receiver = SharedReceiver::new(receiver);
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
