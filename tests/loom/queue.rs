//! Models of `src/pool/queue.rs`.

use loom::thread;

use crate::explore;
use crate::pool::SharedReceiver;
use crate::sync::{mpsc, set_yields};

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
