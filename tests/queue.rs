//! The queue by itself: what goes in comes out, once, in order, whoever takes it.

use std::sync::mpsc::{RecvError, SendError, TrySendError};
use std::sync::{Arc, Barrier};
use std::thread;

use pool_recipes::queue;

#[test]
fn items_come_out_in_the_order_they_went_in() {
    let (sender, receiver) = queue::unbounded();
    for n in 0..1000 {
        sender.send(n).unwrap();
    }
    drop(sender);
    assert!(receiver.iter().eq(0..1000));
}

#[test]
fn every_item_reaches_exactly_one_of_many_receivers() {
    let (sender, receiver) = queue::unbounded();
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let items = receiver.clone().into_iter();
            thread::spawn(move || items.collect::<Vec<_>>())
        })
        .collect();
    drop(receiver);
    for n in 0..10_000 {
        sender.send(n).unwrap();
    }
    drop(sender);
    let mut all: Vec<i32> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..10_000));
}

#[test]
fn jobs_run_side_by_side_while_others_wait_for_the_queue() {
    let (sender, receiver) = queue::unbounded::<Box<dyn FnOnce() + Send>>();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let jobs = receiver.clone();
            thread::spawn(move || {
                while let Ok(job) = jobs.recv() {
                    job();
                }
            })
        })
        .collect();
    // Each job waits for the two others: with the lock held while a job runs, this would never end.
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        let barrier = Arc::clone(&barrier);
        sender
            .send(Box::new(move || {
                barrier.wait();
            }))
            .unwrap();
    }
    drop(sender);
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn receivers_get_what_is_left_and_then_an_error_when_the_last_sender_is_gone() {
    let (sender, receiver) = queue::unbounded();
    let other = sender.clone();
    sender.send("left").unwrap();
    drop(sender);
    other.send("behind").unwrap();
    drop(other);
    assert_eq!(receiver.recv(), Ok("left"));
    assert_eq!(receiver.clone().recv(), Ok("behind"));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.into_iter().next(), None);
}

#[test]
fn the_last_senders_end_wakes_every_receiver() {
    let (sender, receiver) = queue::unbounded::<()>();
    let ready = Arc::new(Barrier::new(5));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (receiver, ready) = (receiver.clone(), Arc::clone(&ready));
            thread::spawn(move || {
                ready.wait();
                receiver.recv()
            })
        })
        .collect();
    ready.wait();
    drop(sender);
    for worker in workers {
        assert_eq!(worker.join().unwrap(), Err(RecvError));
    }
}

#[test]
fn a_send_that_nobody_can_receive_gives_the_item_back() {
    let (sender, receiver) = queue::unbounded();
    let other = receiver.clone();
    drop(receiver);
    sender.send("while one receiver is left").unwrap();
    drop(other);
    assert_eq!(sender.send("none"), Err(SendError("none")));
    assert_eq!(sender.try_send("none"), Err(TrySendError::Disconnected("none")));

    let (sender, _) = queue::bounded(1);
    assert_eq!(sender.send("none"), Err(SendError("none")));
    assert_eq!(sender.try_send("none"), Err(TrySendError::Disconnected("none")));
}

#[test]
fn a_full_queue_gives_the_item_back_to_try_send_and_has_send_wait_for_room() {
    let (sender, receiver) = queue::bounded(2);
    sender.send(0).unwrap();
    sender.try_send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    let waiting = thread::spawn(move || sender.send(2));
    assert!(receiver.iter().eq(0..3));
    assert_eq!(waiting.join().unwrap(), Ok(()));
}

#[test]
fn a_queue_without_room_hands_over_to_a_receiver_that_waits() {
    let (sender, receiver) = queue::bounded(0);
    assert_eq!(sender.try_send("nobody waits"), Err(TrySendError::Full("nobody waits")));
    let worker = thread::spawn(move || receiver.recv());
    sender.send("hand to hand").unwrap();
    assert_eq!(worker.join().unwrap(), Ok("hand to hand"));
}

#[test]
fn a_send_that_waits_for_room_ends_when_the_last_receiver_does() {
    let (sender, receiver) = queue::bounded(1);
    sender.send(0).unwrap();
    let waiting = thread::spawn(move || sender.send(1));
    drop(receiver);
    assert_eq!(waiting.join().unwrap(), Err(SendError(1)));
}
