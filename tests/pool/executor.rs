//! The executor: how many run at once, what runs at all, and how it begins and ends.

use std::cell::RefCell;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use pool_recipes::{BuildError, Executor, Full, MIN_STACK_SIZE, TaskError};

use crate::support::{CountsItsThread, ends, occupy};

#[test]
fn as_many_tasks_run_at_once_as_workers() {
    let pool = Executor::new(3).unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    let together = Arc::new(Barrier::new(3));
    let handles: Vec<_> = (0..300)
        .map(|_| {
            let (running, together) = (Arc::clone(&running), Arc::clone(&together));
            pool.submit(move || {
                let now = running.fetch_add(1, SeqCst) + 1;
                // Passes only when three tasks are in here at the same time.
                together.wait();
                running.fetch_sub(1, SeqCst);
                // Holds the three together until all have left, so that the next three count from nothing.
                together.wait();
                now
            })
        })
        .collect();
    let most = handles.into_iter().map(|handle| handle.result().unwrap()).max();
    assert_eq!(most, Some(3));
}

#[test]
fn one_worker_runs_tasks_in_the_order_submitted() {
    let pool = Executor::new(1).unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in 0..100 {
        let order = Arc::clone(&order);
        pool.submit(move || order.lock().unwrap().push(n));
    }
    pool.shutdown();
    assert!(order.lock().unwrap().iter().copied().eq(0..100));
}

#[test]
fn shutdown_runs_everything_submitted() {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = Executor::new(2).unwrap();
    let busy = occupy(&pool);
    for _ in 0..1000 {
        let ran = Arc::clone(&ran);
        pool.submit(move || ran.fetch_add(1, SeqCst));
    }
    drop(busy);
    pool.shutdown();
    assert_eq!(ran.load(SeqCst), 1000);
}

#[test]
fn tasks_submitted_during_shutdown_run_too() {
    let (told, order) = mpsc::channel();
    let pool = Arc::new(Executor::new(2).unwrap());
    let inner = Arc::clone(&pool);
    pool.submit(move || {
        for n in 0..10 {
            let told = told.clone();
            inner.submit(move || told.send(n).unwrap());
        }
    });
    drop(pool);
    // Ends when the last task has dropped its sender.
    assert_eq!(order.iter().count(), 10);
}

#[test]
fn when_shutdown_returns_the_threads_are_gone() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&alive);
    let hook = move || CountsItsThread::start(&count);
    let pool = Executor::builder().workers(8).on_worker_start(hook).build().unwrap();
    assert_eq!(alive.load(SeqCst), 8);
    pool.shutdown();
    assert_eq!(alive.load(SeqCst), 0);
}

#[test]
fn the_last_owner_dropped_by_a_task_joins_nobody() {
    let pool = Arc::new(Executor::new(2).unwrap());
    let (told, heard) = mpsc::channel();
    let (dropped, alone) = mpsc::channel();
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
    let mut both: Vec<_> = heard.iter().collect();
    both.sort_unstable();
    assert_eq!(both, ["dropped", "queued"]);
}

#[test]
fn a_thread_local_may_own_a_pool() {
    thread_local!(static OWNER: RefCell<Option<Executor>> = const { RefCell::new(None) });
    let outer = Executor::new(1).unwrap();
    let (told, heard) = mpsc::channel();
    let inner = Executor::new(1).unwrap();
    inner.submit(move || told.send("ran"));
    outer.submit(move || OWNER.set(Some(inner))).result().unwrap();
    ends(move || drop(outer));
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["ran"]);
}

/// A thread that has left the worker's loop must not take itself for a worker, not even of a new pool that happens to
/// stand where the old one stood in memory.
#[test]
fn a_workers_thread_locals_are_not_dropped_by_a_worker() {
    struct BuildsPools(mpsc::Sender<bool>);
    impl Drop for BuildsPools {
        fn drop(&mut self) {
            for _ in 0..100 {
                let pool = Executor::new(1).unwrap();
                let busy = occupy(&pool);
                // Pending while the result is asked for; the worker is set free by another thread.
                let handle = pool.submit(|| thread::current().id());
                thread::spawn(move || drop(busy));
                let ran_here = handle.result().unwrap() == thread::current().id();
                self.0.send(ran_here).unwrap();
            }
        }
    }
    thread_local!(static LOCAL: RefCell<Option<BuildsPools>> = const { RefCell::new(None) });
    let (told, heard) = mpsc::channel();
    let pool = Executor::new(1).unwrap();
    pool.submit(move || LOCAL.set(Some(BuildsPools(told)))).result().unwrap();
    drop(pool);
    assert!(heard.iter().all(|ran_here| !ran_here));
}

#[test]
fn shutdown_now_counts_what_it_cancels() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..10)
        .map(|_| {
            let ran = Arc::clone(&ran);
            pool.submit(move || ran.fetch_add(1, SeqCst))
        })
        .collect();
    handles[3].cancel();
    // The busy worker is let go only when a task behind it has been cancelled: cancelling doesn't wait for it.
    handles[9].on_done(move || drop(busy));
    assert_eq!(pool.shutdown_now(), 9);
    assert_eq!(ran.load(SeqCst), 0);
    for handle in handles {
        assert!(matches!(handle.result(), Err(TaskError::Cancelled)));
    }
}

#[test]
fn submit_waits_while_a_bounded_queue_is_full() {
    let pool = Arc::new(Executor::builder().workers(1).queue_capacity(2).build().unwrap());
    let busy = occupy(&pool);
    pool.submit(|| ());
    pool.submit(|| ());
    assert!(matches!(pool.try_submit(|| ()), Err(Full(_))));
    assert_eq!(pool.queued(), 2);
    let (told, heard) = mpsc::channel();
    let waiting = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || {
            let handle = pool.submit(|| thread::current().name().map(str::to_owned));
            told.send(()).unwrap();
            handle.result().unwrap()
        })
    };
    // The submitter counts as soon as it is inside `submit`, and can't leave it: there is no room.
    while pool.queued() < 3 {
        thread::yield_now();
    }
    assert_eq!(heard.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(busy);
    heard.recv().unwrap();
    assert_eq!(waiting.join().unwrap().as_deref(), Some("worker-0"));
}

#[test]
fn a_bound_holds_also_above_a_hundred() {
    let pool = Executor::builder().workers(1).queue_capacity(10_000).build().unwrap();
    let busy = occupy(&pool);
    for _ in 0..10_000 {
        assert!(pool.try_submit(|| ()).is_ok());
    }
    assert!(pool.try_submit(|| ()).is_err());
    drop(busy);
}

#[test]
fn a_cancelled_task_keeps_its_place_in_the_queue() {
    let pool = Executor::builder().workers(1).queue_capacity(1).build().unwrap();
    let busy = occupy(&pool);
    assert!(pool.submit(|| ()).cancel());
    assert_eq!(pool.queued(), 1);
    assert!(pool.try_submit(|| ()).is_err());
    drop(busy);
}

#[test]
fn a_full_queue_gives_the_closure_back_unharmed() {
    let pool = Executor::builder().workers(1).queue_capacity(1).build().unwrap();
    let busy = occupy(&pool);
    let first = pool.try_submit(|| "queued").unwrap();
    let text = String::from("mine");
    let Err(Full(f)) = pool.try_submit(move || text) else { panic!("the queue had no room") };
    assert_eq!(f(), "mine");
    let large = [7_u8; 10_000];
    let Err(Full(f)) = pool.try_submit(move || large) else { panic!("the queue had no room") };
    assert!(f() == large);
    drop(busy);
    assert_eq!(first.result().unwrap(), "queued");
}

#[test]
fn a_queue_without_places_hands_over_to_idle_workers() {
    let pool = Executor::builder().workers(2).queue_capacity(0).build().unwrap();
    let sum: i32 = (0..100).map(|n| pool.submit(move || n).result().unwrap()).sum();
    assert_eq!(sum, 4950);
}

#[test]
fn queued_counts_the_tasks_that_wait() {
    let pool = Executor::new(1).unwrap();
    let busy = occupy(&pool);
    assert_eq!(pool.queued(), 0);
    let handles: Vec<_> = (0..5).map(|n| pool.submit(move || n)).collect();
    assert_eq!(pool.queued(), 5);
    drop(busy);
    for handle in handles {
        handle.result().unwrap();
    }
    assert_eq!(pool.queued(), 0);
}

#[test]
fn the_default_number_of_workers_is_pythons() {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    assert_eq!(Executor::builder().build().unwrap().workers(), (cores + 4).min(32));
}

#[test]
fn every_worker_has_its_own_name() {
    let pool = Executor::builder().workers(3).thread_name("echo").build().unwrap();
    let together = Arc::new(Barrier::new(3));
    let names: HashSet<_> = pool
        .map(0..3, move |_| {
            together.wait();
            thread::current().name().map(str::to_owned).unwrap()
        })
        .map(Result::unwrap)
        .collect();
    assert_eq!(names, HashSet::from(["echo-0", "echo-1", "echo-2"].map(str::to_owned)));
}

#[test]
fn the_least_stack_is_enough_to_panic_in() {
    let pool = Executor::builder().workers(1).stack_size(MIN_STACK_SIZE).build().unwrap();
    assert!(matches!(pool.submit(|| panic!("in 32 KiB")).result(), Err::<(), _>(TaskError::Panicked(_))));
    assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
}

/// The kernel says how much of memory belongs to the stack that a worker's variable is on.
#[cfg(target_os = "linux")]
#[test]
fn stacks_are_rounded_up_to_whole_pages() {
    let pool = Executor::builder().workers(1).stack_size(MIN_STACK_SIZE + 1).build().unwrap();
    let address = pool
        .submit(|| {
            let on_the_stack = 0_u8;
            (&raw const on_the_stack).addr()
        })
        .result()
        .unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let size = maps.lines().find_map(|line| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let parse = |address| usize::from_str_radix(address, 16).unwrap();
        (parse(start)..parse(end)).contains(&address).then(|| parse(end) - parse(start))
    });
    assert!(size.is_some_and(|size| size > MIN_STACK_SIZE), "{size:?}");
}

#[test]
fn the_start_hook_runs_first_on_every_worker() {
    let started = Arc::new(Mutex::new(HashSet::new()));
    let hook = Arc::clone(&started);
    let pool = Executor::builder()
        .workers(4)
        .on_worker_start(move || assert!(hook.lock().unwrap().insert(thread::current().id())))
        .build()
        .unwrap();
    assert_eq!(started.lock().unwrap().len(), 4);
    let seen = pool.submit(move || started.lock().unwrap().contains(&thread::current().id()));
    assert!(seen.result().unwrap());
}

#[test]
fn a_panicking_start_hook_leaves_no_thread() {
    let hook = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&hook);
    let error = Executor::builder()
        .workers(4)
        .on_worker_start(move || assert!(calls.fetch_add(1, SeqCst) != 2, "the third worker has no luck"))
        .build()
        .unwrap_err();
    let BuildError::WorkerStart(panic) = &error else { panic!("{error}") };
    assert_eq!(panic.message(), "the third worker has no luck");
    // The hook's own count is the only one left: every thread that shared it is gone.
    assert_eq!(Arc::strong_count(&hook), 1);
}

#[test]
fn a_queue_without_places_takes_from_try_submit_too() {
    ends(|| {
        let pool = Executor::builder().workers(3).queue_capacity(0).build().unwrap();
        for _ in 0..20 {
            // Two workers are free. One of them is at the queue's head, or on its way there.
            let busy = occupy(&pool);
            while pool.try_submit(|| ()).is_err() {
                thread::yield_now();
            }
            drop(busy);
        }
    });
}
