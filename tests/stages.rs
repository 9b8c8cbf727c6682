//! The pool in stages: each stage does what it says, and fails at what it says.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::panic::panic_any;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

#[path = "../examples/stages/stage1_in_order.rs"]
mod stage1;
#[path = "../examples/stages/stage2_thread_each.rs"]
mod stage2;
#[path = "../examples/stages/stage3_one_worker.rs"]
mod stage3;
#[path = "../examples/stages/stage4_guard_held.rs"]
mod stage4;
#[path = "../examples/stages/stage5_guard_released.rs"]
mod stage5;
#[path = "../examples/stages/stage6_orderly_end.rs"]
mod stage6;
#[path = "../examples/stages/stage7_results.rs"]
mod stage7;
#[path = "../examples/stages/stage8_whole_pool.rs"]
mod stage8;
mod support;

use support::example::{fail, succeed};
use support::pool::{Bomb, count_this_thread};
use support::server::command;
use support::time::ends;

type Job = Box<dyn FnOnce() + Send>;

/// A job that runs until the sender is dropped.
fn gate() -> (mpsc::Sender<()>, impl FnOnce() + Send) {
    let (open, opened) = mpsc::channel();
    (open, move || assert!(opened.recv().is_err()))
}

/// Makes jobs that each wait until `threads` threads run such a job.
fn meeting(threads: usize) -> impl Fn() -> Job {
    let barrier = Arc::new(Barrier::new(threads));
    move || {
        let barrier = Arc::clone(&barrier);
        Box::new(move || _ = barrier.wait())
    }
}

#[test]
fn stage_1_runs_jobs_on_the_callers_thread() {
    let mut ran = Vec::new();
    for n in 0..10 {
        stage1::submit(|| ran.push((n, thread::current().id())));
        assert_eq!(ran.last(), Some(&(n, thread::current().id())));
    }
}

#[test]
fn stage_2_runs_all_jobs_at_once() {
    ends(|| {
        let meet = meeting(51);
        (0..50).for_each(|_| stage2::submit(meet()));
        meet()();
    });
}

#[test]
fn stage_3_runs_jobs_on_one_thread() {
    ends(|| {
        let pool = stage3::Pool::new();
        let (report, reports) = mpsc::channel();
        for n in 0..10 {
            let report = report.clone();
            pool.submit(move || report.send((n, thread::current().id())).unwrap());
        }
        drop(report);
        let (numbers, threads): (Vec<_>, HashSet<_>) = reports.iter().unzip();
        assert!(numbers.into_iter().eq(0..10));
        assert_eq!(threads.len(), 1);
        assert!(!threads.contains(&thread::current().id()));
    });
}

#[test]
fn stage_4_starts_no_job_while_another_runs() {
    ends(|| {
        let pool = stage4::Pool::new(2);
        let (open, wait) = gate();
        let (start, started) = mpsc::channel();
        let second = start.clone();
        pool.submit(move || {
            start.send("first").unwrap();
            wait();
            panic!("on purpose");
        });
        pool.submit(move || second.send("second").unwrap());
        drop(open);
        // A worker was free while the first job ran. It waited for the lock, which then was poisoned.
        assert_eq!(started.iter().collect::<Vec<_>>(), ["first"]);
    });
}

#[test]
fn stage_5_runs_at_once_and_never_waits() {
    ends(|| {
        let pool = stage5::Pool::new(3);
        let meet = meeting(4);
        (0..3).for_each(|_| pool.submit(meet()));
        meet()();
        let (open, wait) = gate();
        pool.submit(wait);
        drop(pool);
        drop(open);
    });
}

#[test]
fn stage_6_waits_and_tells_no_result() {
    // Of a job that returns and of one that panics, `submit` returns the same: nothing.
    ends(|| drop_waits(stage6::Pool::new(2), stage6::Pool::submit));
}

/// Drops a pool of two workers that has work to do, and looks at once whether work or threads are left.
fn drop_waits<P>(pool: P, submit: impl Fn(&P, Job)) {
    let [alive, ran] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let meet = meeting(2);
    for _ in 0..2 {
        let (alive, meet) = (Arc::clone(&alive), meet());
        let job = move || {
            meet();
            count_this_thread(&alive);
        };
        submit(&pool, Box::new(job));
    }
    for _ in 0..10 {
        let ran = Arc::clone(&ran);
        submit(&pool, Box::new(move || _ = ran.fetch_add(1, SeqCst)));
    }
    submit(&pool, Box::new(|| panic!("on purpose")));
    drop(pool);
    assert_eq!([alive, ran].map(|count| count.load(SeqCst)), [0, 10]);
}

#[test]
fn stage_7_loses_a_worker_to_a_panic() {
    ends(|| {
        let pool = stage7::Pool::new(1);
        assert_eq!(pool.submit(|| "a result").result(), Some("a result"));
        let (open, wait) = gate();
        let panics = pool.submit(|| {
            wait();
            panic!("on purpose");
        });
        let queued = pool.submit(|| "a result");
        drop(open);
        assert_eq!(panics.result(), None::<()>);
        assert_eq!(queued.result(), None, "a worker should not be left");
    });
}

fn stage_8(workers: usize) -> stage8::Pool {
    stage8::Pool::new(workers, 65_536).unwrap()
}

#[test]
fn stage_8_runs_jobs_on_named_threads() {
    ends(|| {
        let (pool, meet) = (stage_8(2), meeting(2));
        let handles = [meet(), meet()].map(|meet| {
            pool.submit(|| {
                meet();
                thread::current().name().unwrap().to_owned()
            })
        });
        let names = HashSet::from(handles.map(|handle| handle.result().unwrap()));
        assert_eq!(names, HashSet::from(["worker-0", "worker-1"].map(str::to_owned)));
    });
}

#[test]
fn stage_8_loses_no_worker_to_a_panic() {
    ends(|| {
        let pool = stage_8(1);
        let panic = pool.submit(|| panic!("on purpose")).result().map(|(): ()| ()).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
        let (open, wait) = gate();
        drop(pool.submit(|| {
            wait();
            Bomb(2)
        }));
        drop(pool.submit(|| panic_any(Bomb(2))));
        // Both handles are gone before both results are there. So the worker drops the results.
        drop(open);
        assert_eq!(pool.submit(|| "alive").result().unwrap(), "alive");
    });
}

#[test]
fn stage_8_waits_for_its_jobs_and_threads() {
    ends(|| drop_waits(stage_8(2), |pool, job| drop(pool.submit(job))));
}

#[test]
fn stage_8_fails_if_it_cannot_start() {
    assert!(stage8::Pool::new(0, 65_536).is_err_and(|error| error.kind() == ErrorKind::InvalidInput));
    // No address space has room for such a stack.
    assert!(stage8::Pool::new(1, usize::MAX / 4).is_err());
}

/// The library's pool and stage 8 in a process with 4 GiB of addresses: room for some stacks of 256 MiB, and not for a
/// thousand.
#[cfg(target_os = "linux")]
#[test]
fn a_failed_start_ends_the_other_workers() {
    use pool_recipes::{BuildError, Executor, Usage};
    use support::process::alone;
    use support::time::until;

    alone("a_failed_start_ends_the_other_workers", Some("-v 4194304"), || {
        let threads = || Usage::current().unwrap().threads;
        let before = threads();
        assert!(stage8::Pool::new(1_000, 256 << 20).is_err());
        let error = Executor::builder().workers(1_000).stack_size(256 << 20).build().unwrap_err();
        assert!(matches!(error, BuildError::Spawn { started: 1.., workers: 1_000, .. }), "{error}");
        // The kernel may count a thread for a moment after it was joined.
        until("the end of all threads", || threads() <= before);
    });
}

#[test]
fn the_program_shows_what_its_stages_do() {
    let output = succeed(command("stages", &["4", "5", "7", "8"]));
    let drawings: Vec<_> = output.split("\n\n").collect();
    let side_by_side = [drawings[0], drawings[1]].map(|drawing| {
        let rows = drawing.lines().filter(|line| line.starts_with("  thread-"));
        let busy = rows.flat_map(|row| row.char_indices().skip(12).filter(|(_, symbol)| *symbol != ' '));
        let mut columns = HashSet::new();
        busy.map(|(column, _)| column).any(|column| !columns.insert(column))
    });
    assert_eq!(side_by_side, [false, true], "{output}");
    assert!(drawings[2].contains("Some(1), None, Some(9)"), "{output}");
    assert!(drawings[3].contains(r#"Ok(1), Err("job 2 panicked"), Ok(9)"#), "{output}");
}

#[test]
fn a_bad_argument_is_one_line() {
    for bad in ["0", "9", "four", "--all", ""] {
        let mut command = command("stages", &["4"]);
        command.arg(bad);
        assert!(fail(command, 2).contains(&format!("{bad:?}")));
    }
}

#[test]
fn a_closed_stdout_is_no_error() {
    let mut command = command("stages", &["2"]);
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(program.stdout.take());
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
