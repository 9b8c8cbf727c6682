//! The queue by itself: what goes in comes out, once, in order, whichever thread takes it.

use std::sync::mpsc::{self, RecvError, SendError};
use std::sync::{Arc, Barrier};
use std::thread;

use pool_recipes::SharedReceiver;

use crate::support::time::ends;

fn queue<T>() -> (mpsc::Sender<T>, SharedReceiver<T>) {
    let (sender, receiver) = mpsc::channel();
    (sender, SharedReceiver::new(receiver))
}

#[test]
fn a_closed_channel_is_emptied_in_order() {
    let (sender, receiver) = queue();
    for n in 0..30 {
        sender.send(n).unwrap();
    }
    drop(sender);
    let other = receiver.clone();
    assert!(other.iter().take(10).eq(0..10));
    assert!((&other).into_iter().take(10).eq(10..20));
    assert!(receiver.into_iter().eq(20..30));
    assert_eq!(other.recv(), Err(RecvError));
}

#[test]
fn the_lock_is_released_before_a_job_runs() {
    ends(|| {
        let (sender, receiver) = queue::<Box<dyn FnOnce() + Send>>();
        // Each job waits for the two others: with the lock held while a job runs, this would never end.
        let together = Arc::new(Barrier::new(3));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| receiver.iter().for_each(|job| job()));
                let together = Arc::clone(&together);
                sender.send(Box::new(move || _ = together.wait())).unwrap();
            }
            drop(sender);
        });
    });
}

#[test]
fn the_last_clone_closes_the_channel() {
    let (sender, receiver) = queue();
    let other = receiver.iter();
    drop(receiver);
    sender.send("while one receiver is left").unwrap();
    drop(other);
    assert_eq!(sender.send("none"), Err(SendError("none")));
}
