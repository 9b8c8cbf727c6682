//! The executor: how many run at once, what runs at all, and how it begins and ends.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use pool_recipes::{BuildError, Executor, Full, MIN_STACK_SIZE, TaskError};

#[path = "support/busy.rs"]
mod busy;
use busy::occupy;

#[test]
fn as_many_tasks_run_at_once_as_there_are_workers_and_no_more() {
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
fn what_tasks_submit_while_the_pool_shuts_down_runs_too() {
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
    struct CountsItsThread(Arc<AtomicUsize>);
    impl Drop for CountsItsThread {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }
    thread_local!(static ALIVE: Mutex<Option<CountsItsThread>> = const { Mutex::new(None) });

    let alive = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&alive);
    let pool = Executor::builder()
        .workers(8)
        .on_worker_start(move || {
            count.fetch_add(1, SeqCst);
            ALIVE.with(|alive| *alive.lock().unwrap() = Some(CountsItsThread(Arc::clone(&count))));
        })
        .build()
        .unwrap();
    assert_eq!(alive.load(SeqCst), 8);
    pool.shutdown();
    // A thread that has been joined has dropped its locals.
    assert_eq!(alive.load(SeqCst), 0);
}

#[test]
fn the_last_owner_dropped_on_the_pools_own_worker_does_not_wait_for_itself() {
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
fn shutdown_now_cancels_what_has_not_started_and_counts_it() {
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
    assert_eq!(pool.queued(), 2);
    assert!(matches!(pool.try_submit(|| ()), Err(Full(_))));
    let (told, heard) = mpsc::channel();
    let waiting = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || {
            pool.submit(|| ()).on_done(move || told.send(()).unwrap());
        })
    };
    assert_eq!(heard.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(busy);
    waiting.join().unwrap();
    heard.recv().unwrap();
}

#[test]
fn a_full_queue_gives_the_closure_back_unharmed() {
    let pool = Executor::builder().workers(1).queue_capacity(1).build().unwrap();
    let busy = occupy(&pool);
    let first = pool.try_submit(|| "queued").unwrap();
    let text = String::from("mine");
    let Err(Full(f)) = pool.try_submit(move || text) else { panic!("the queue had no room") };
    assert_eq!(f(), "mine");
    drop(busy);
    assert_eq!(first.result().unwrap(), "queued");
}

#[test]
fn a_queue_of_no_capacity_hands_tasks_over_to_idle_workers() {
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
fn a_pool_without_workers_is_refused() {
    let error = Executor::new(0).unwrap_err();
    assert!(matches!(error, BuildError::NoWorkers));
    assert_eq!(error.to_string(), "0 workers: a pool needs at least one");
}

#[test]
fn a_stack_below_the_least_is_refused_and_the_least_is_enough_to_panic_in() {
    let error = Executor::builder().stack_size(MIN_STACK_SIZE - 1).build().unwrap_err();
    assert!(matches!(error, BuildError::StackTooSmall { requested: 32_767 }));
    assert_eq!(error.to_string(), "a stack of 32767 bytes: a worker needs at least 32768");

    let pool = Executor::builder().workers(1).stack_size(MIN_STACK_SIZE).build().unwrap();
    assert!(matches!(pool.submit(|| panic!("in 32 KiB")).result(), Err::<(), _>(TaskError::Panicked(_))));
    assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
}

/// The kernel says how much of memory belongs to the stack that a worker's variable is on.
#[cfg(target_os = "linux")]
#[test]
fn a_stack_that_is_no_whole_number_of_pages_is_rounded_up() {
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
fn a_thread_that_can_not_be_spawned_fails_the_build_and_says_how_far_it_got() {
    // No address space is this large, nor can a number be that is to be rounded up.
    for size in [usize::MAX / 4, usize::MAX] {
        let error = Executor::builder().workers(2).stack_size(size).build().unwrap_err();
        let BuildError::Spawn { started: 0, source } = &error else { panic!("{error}") };
        assert!(error.to_string().ends_with(&source.to_string()), "{error}");
    }

    let error = Executor::builder().thread_name("a\0b").build().unwrap_err();
    assert!(error.to_string().contains("NUL"), "{error}");
    let error = Executor::builder().queue_capacity(usize::MAX).build().unwrap_err();
    assert!(error.to_string().contains(&format!("a queue of {} tasks", usize::MAX)), "{error}");
}

#[test]
fn the_start_hook_runs_on_every_worker_before_its_first_task() {
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
fn a_start_hook_that_panics_fails_the_build_and_leaves_no_thread() {
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
fn a_queue_of_no_capacity_lets_tasks_in_while_workers_are_free() {
    let pool = Executor::builder().workers(3).queue_capacity(0).build().unwrap();
    for _ in 0..20 {
        // Two workers are free, and on their way to the queue or waiting at it.
        let busy = occupy(&pool);
        let refused = (0..100_000).take_while(|_| pool.try_submit(|| ()).is_err()).count();
        assert!(refused < 100_000, "nobody waits at the queue");
        drop(busy);
    }
}
