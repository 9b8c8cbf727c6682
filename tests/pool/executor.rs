//! The executor: how many run at once, what runs at all, and how it begins and ends.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use pool_recipes::{BuildError, Builder, Executor, Full, MIN_STACK_SIZE, TaskError};

use crate::support::pool::{at_thread_exit, bounded, count_this_thread, inside, occupy, pool};
use crate::support::time::{ends, until};

#[test]
fn as_many_tasks_run_at_once_as_workers() {
    let running = Arc::new(AtomicUsize::new(0));
    let together = Barrier::new(3);
    let pool = pool(3);
    let at_once = pool.map(0..300, move |_| {
        let now = running.fetch_add(1, SeqCst) + 1;
        // Passes only when three tasks are in here at the same time.
        together.wait();
        running.fetch_sub(1, SeqCst);
        // Holds the three together until all have left, so that the next three count from nothing.
        together.wait();
        now
    });
    assert_eq!(at_once.map(Result::unwrap).max(), Some(3));
}

#[test]
fn shutdown_runs_everything_in_the_order_submitted() {
    let pool = pool(1);
    let busy = occupy(&pool);
    let (told, heard) = mpsc::channel();
    for n in 0..1000 {
        let told = told.clone();
        pool.submit(move || told.send(n));
    }
    drop(busy);
    pool.shutdown();
    assert!(heard.try_iter().eq(0..1000));
}

#[test]
fn the_last_owner_in_a_task_joins_nobody() {
    let (told, heard) = mpsc::channel();
    let (dropped, alone) = mpsc::channel();
    let pool = Arc::new(pool(2));
    let inner = Arc::clone(&pool);
    pool.submit(move || {
        alone.recv().unwrap();
        let other = told.clone();
        inner.submit(move || other.send("queued").unwrap());
        drop(inner);
        told.send("dropped").unwrap();
    });
    drop(pool);
    dropped.send(()).unwrap();
    assert_eq!(HashSet::from(["dropped", "queued"]), heard.iter().collect());
}

#[test]
fn a_thread_local_may_own_a_pool() {
    let (told, heard) = mpsc::channel();
    let inner = pool(1);
    inner.submit(move || told.send("ran"));
    inside(pool(1), move |_| at_thread_exit(move || drop(inner)));
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["ran"]);
}

/// A thread that has left the worker's loop must not take itself for a worker, not even of a new pool that happens to
/// stand where the old one stood in memory.
#[test]
fn thread_locals_are_dropped_by_no_worker() {
    let (told, heard) = mpsc::channel();
    let build_pools = move || {
        for _ in 0..100 {
            let pool = pool(1);
            let busy = occupy(&pool);
            // Pending while the result is asked for; the worker is set free by another thread.
            let handle = pool.submit(|| thread::current().id());
            thread::spawn(move || drop(busy));
            let ran_here = handle.result().unwrap() == thread::current().id();
            told.send(ran_here).unwrap();
        }
    };
    inside(pool(1), |_| at_thread_exit(build_pools));
    assert_eq!(heard.iter().collect::<Vec<_>>(), [false; 100]);
}

#[test]
fn shutdown_now_counts_what_it_cancels() {
    let builder = Executor::builder().workers(1).queue_capacity(5).stack_size(MIN_STACK_SIZE);
    let pool = Arc::new(builder.build().unwrap());
    let inner = Arc::clone(&pool);
    let (tell, submitted) = mpsc::channel();
    let (busy, released) = mpsc::channel::<()>();
    pool.submit(move || {
        // With so much of its stack in use, the worker lets what finds the queue full go past the bound.
        std::hint::black_box([0_u8; 8 * 1024]);
        let handles: Vec<_> = (0..10).map(|_| inner.submit(|| unreachable!("it is cancelled"))).collect();
        drop(inner);
        tell.send(handles).unwrap();
        released.recv().unwrap_err();
    });
    let handles = submitted.recv().unwrap();
    handles[3].cancel();
    // It is let go only when the last of them has been cancelled, the last in the queue: cancelling doesn't wait for it.
    handles[4].on_done(move || drop(busy));
    assert_eq!(Arc::into_inner(pool).unwrap().shutdown_now(), 9);
    for handle in handles {
        assert!(matches!(handle.result(), Err::<(), _>(TaskError::Cancelled)));
    }
}

#[test]
fn a_full_queue_gives_back_or_waits() {
    const CAPACITY: usize = 10_000;
    let pool = bounded(1, CAPACITY);
    let busy = occupy(&pool);
    // A cancelled task keeps its place in the queue.
    (0..CAPACITY).for_each(|_| assert!(pool.try_submit(|| ()).unwrap().cancel()));
    let large = [7_u8; 10_000];
    let Err(Full(f)) = pool.try_submit(move || large) else { panic!("the queue had room") };
    assert!(f() == large);
    assert_eq!(pool.queued(), CAPACITY);
    let handle = thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.submit(|| thread::current().name().map(str::to_owned)));
        // The submitter counts as soon as it is inside `submit`, and can't leave it: there is no room.
        until("one that waits", || pool.queued() > CAPACITY);
        assert!(!waiting.is_finished());
        drop(busy);
        waiting.join().unwrap()
    });
    assert_eq!(handle.result().unwrap().as_deref(), Some("worker-0"));
    assert_eq!(pool.queued(), 0);
}

#[test]
fn a_queue_without_places_hands_over() {
    ends(|| {
        let pool = bounded(3, 0);
        for _ in 0..20 {
            // Two workers are free. One of them is at the queue's head, or on its way there.
            let _busy = occupy(&pool);
            while pool.try_submit(|| ()).is_err() {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn the_default_number_of_workers_is_pythons() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(Executor::builder().build().unwrap().workers(), (cores + 4).min(32));
}

#[test]
fn no_thread_outlives_its_pool_or_scope() {
    type Way = fn(Builder, &AtomicUsize);
    // When the pool is built, the hooks have run.
    let ways: [(_, Way); 6] = [
        ("shutdown", |builder, alive| {
            let pool = builder.build().unwrap();
            assert_eq!(alive.load(SeqCst), 8);
            pool.shutdown();
        }),
        ("shutdown_now", |builder, _| assert_eq!(builder.build().unwrap().shutdown_now(), 0)),
        ("the end of a scope", |builder, _| builder.scope(|_| ()).unwrap()),
        ("a panic in a scope", |builder, _| {
            let panics = || builder.scope(|_| resume_unwind(Box::new(()))).map(|(): ()| ());
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        }),
        ("a hook's panic", |builder, _| has_no_luck(builder.thread_name("unlucky").build().map(drop))),
        ("the same in a scope", |builder, _| {
            has_no_luck(builder.thread_name("unlucky").scope(|_| unreachable!("there is no pool")));
        }),
    ];
    for (way, run) in ways {
        let [started, alive] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (count, counted) = (Arc::clone(&started), Arc::clone(&alive));
        let hook = move || {
            count_this_thread(&counted);
            count.fetch_add(1, SeqCst);
            if thread::current().name() == Some("unlucky-3") {
                resume_unwind(Box::new("no luck"));
            }
        };
        run(Executor::builder().workers(8).on_worker_start(hook), &alive);
        assert_eq!([&started, &alive].map(|count| count.load(SeqCst)), [8, 0], "{way}");
        assert_eq!(Arc::strong_count(&started), 1, "{way} leaves the hook");
    }
}

fn has_no_luck(built: Result<(), BuildError>) {
    assert!(matches!(built, Err(BuildError::WorkerStart(panic)) if panic.message() == "no luck"));
}

#[cfg(target_os = "linux")]
#[test]
fn stacks_are_rounded_up_to_whole_pages() {
    let builder = || Executor::builder().workers(1);
    let sizes = [(builder(), 2 << 20), (builder().stack_size(MIN_STACK_SIZE + 1), MIN_STACK_SIZE + 4096)];
    for (builder, least) in sizes {
        let stack = inside(builder.build().unwrap(), |_| size_of_this_stack());
        // It may be larger: glibc keeps the stacks of threads that have ended, and hands them out again.
        assert!(stack >= least, "{stack} bytes, and not {least}");
    }
}

/// The kernel says how large the part of memory is in which a local variable lies.
#[cfg(target_os = "linux")]
fn size_of_this_stack() -> usize {
    let local = 0_u8;
    let here = std::hint::black_box(&raw const local).addr();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let size = maps.lines().find_map(|line| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        (start..end).contains(&here).then(|| end - start)
    });
    size.unwrap()
}
