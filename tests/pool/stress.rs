//! Everything at once, from many threads: every task runs once or is cancelled once, never both, never neither.
//!
//! `STRESS_TASKS=1000000 cargo test --release --test pool stress -- --nocapture` runs as many tasks.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use pool_recipes::{Executor, Full, Handle, TaskError, as_completed};

const TASKS_OF_A_CLIENT: usize = 125;

#[test]
fn every_task_runs_once_or_is_cancelled_once() {
    let tasks = env::var("STRESS_TASKS").map_or(20_000, |tasks| tasks.parse().expect("STRESS_TASKS"));
    let ledger = Arc::new(Ledger::default());
    while ledger.submitted.load(SeqCst) < tasks {
        round(&ledger);
    }
    let [submitted, ran, cancelled] =
        [&ledger.submitted, &ledger.ran, &ledger.cancelled].map(|count| count.load(SeqCst));
    println!("{submitted} submitted = {ran} ran + {cancelled} cancelled");
    assert_eq!(submitted, ran + cancelled);
    assert!(ran > 0 && cancelled > 0, "one of the two was never tried");
}

/// One pool from its start to its end, with several threads that use it.
fn round(ledger: &Arc<Ledger>) {
    let mut builder = Executor::builder().workers(1 + random(4));
    if random(2) == 0 {
        builder = builder.queue_capacity(random(8));
    }
    let pool = Arc::new(builder.build().unwrap());
    let client = || {
        let mut kept = Vec::new();
        (0..TASKS_OF_A_CLIENT).for_each(|_| step(&pool, ledger, &mut kept));
        kept
    };
    let kept = thread::scope(|scope| {
        let clients = [(); 4].map(|()| scope.spawn(client));
        clients.map(|client| client.join().unwrap())
    });
    match random(3) {
        // The tasks that submit hold the pool too: whoever is last, perhaps a worker, ends it.
        0 => drop(pool),
        1 => drop(Arc::into_inner(pool).map(Executor::shutdown)),
        _ => drop(Arc::into_inner(pool).map(Executor::shutdown_now)),
    }
    kept.into_iter().flatten().for_each(settle);
}

/// Does one of the things that can be done with a pool.
fn step(pool: &Arc<Executor>, ledger: &Arc<Ledger>, kept: &mut Vec<Handle<()>>) {
    let entry = Entry::new(ledger);
    match random(9) {
        0 => drop(pool.submit(|| entry.run())),
        1 => kept.push(pool.submit(|| {
            entry.run();
            resume_unwind(Box::new("on purpose")) // unlike `panic!`, it prints nothing
        })),
        2 => {
            let handle = pool.submit(|| entry.run());
            handle.wait_timeout(Duration::from_micros(random(50) as u64));
            let cancelled = handle.cancel();
            assert_eq!(matches!(handle.result(), Err(TaskError::Cancelled)), cancelled);
        }
        3 => match pool.try_submit(|| entry.run()) {
            Ok(handle) => settle(handle),
            Err(Full(run)) => run(),
        },
        4 | 5 => {
            let (inner, ledger) = (Arc::clone(pool), Arc::clone(ledger));
            kept.push(pool.submit(move || {
                let entries: Vec<_> = (0..3).map(|_| Entry::new(&ledger)).collect();
                let nested = entries.into_iter().map(|entry| inner.submit(|| entry.run()));
                as_completed(nested).for_each(settle);
                entry.run();
            }));
        }
        6 => {
            let other = Entry::new(ledger);
            let handle = pool.submit(|| entry.run());
            handle.on_done(|| other.run());
            kept.push(handle);
        }
        7 => {
            let entries = vec![entry, Entry::new(ledger), Entry::new(ledger)];
            // Left after the first: the others are cancelled, or have started.
            drop(pool.map(entries, Entry::run).next());
        }
        _ => kept.push(pool.submit(|| entry.run())),
    }
}

/// Waits for a task, which may have been cancelled, or have panicked on purpose.
fn settle(handle: Handle<()>) {
    match handle.result() {
        Ok(()) | Err(TaskError::Cancelled) => {}
        Err(error) => assert_eq!(error.to_string(), "the task panicked: on purpose"),
    }
}

#[derive(Default)]
struct Ledger {
    submitted: AtomicUsize,
    ran: AtomicUsize,
    cancelled: AtomicUsize,
}

/// What each task holds. When it is dropped, it is written down as run, or as cancelled if it wasn't.
struct Entry {
    ledger: Arc<Ledger>,
    ran: bool,
}

impl Entry {
    fn new(ledger: &Arc<Ledger>) -> Self {
        ledger.submitted.fetch_add(1, SeqCst);
        Entry { ledger: Arc::clone(ledger), ran: false }
    }

    fn run(mut self) {
        self.ran = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let count = if self.ran { &self.ledger.ran } else { &self.ledger.cancelled };
        count.fetch_add(1, SeqCst);
    }
}

/// A number below `end`: `std` gives every `RandomState` other keys.
fn random(end: u64) -> usize {
    usize::try_from(RandomState::new().hash_one(()) % end).unwrap()
}
