//! The figures follow what a process does: each test does something known, and looks at how they change.

use std::fs;
use std::hint::black_box;
use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use pool_recipes::Usage;

use crate::support::process::alone;
use crate::support::time::until;

#[test]
fn every_thread_counts() {
    alone("usage::every_thread_counts", None, || {
        const N: usize = 100;
        let measured = Barrier::new(N + 1);
        let before = Usage::current().unwrap();
        let during = thread::scope(|scope| {
            for _ in 0..N {
                scope.spawn(|| measured.wait());
            }
            let during = Usage::current();
            measured.wait();
            during
        });
        assert_eq!(during.unwrap().threads, before.threads + N);
    });
}

#[test]
fn reserved_memory_is_virtual_until_touched() {
    alone("usage::reserved_memory_is_virtual_until_touched", None, || {
        const SIZE: u64 = 64 << 20;
        /// What the process may take or give back beside the buffer, or the kernel count late.
        const SLACK: u64 = 1 << 20;
        // Whether it has become so many bytes more since it was the first, with that slack.
        let grew = |from: u64, to: u64, by: u64| {
            assert!((from + by).abs_diff(to) < SLACK, "from {from} to {to}, and not by {by}");
        };
        let before = Usage::current().unwrap();
        let mut buffer = black_box(Vec::<u8>::with_capacity(usize::try_from(SIZE).unwrap()));
        let reserved = Usage::current().unwrap();
        grew(before.virtual_bytes, reserved.virtual_bytes, SIZE);
        grew(before.resident_bytes, reserved.resident_bytes, 0);

        buffer.resize(buffer.capacity(), 1);
        let touched = Usage::current().unwrap();
        grew(reserved.virtual_bytes, touched.virtual_bytes, 0);
        grew(reserved.resident_bytes, touched.resident_bytes, SIZE);

        drop(black_box(buffer));
        let freed = Usage::current().unwrap();
        grew(before.virtual_bytes, freed.virtual_bytes, 0);
        grew(before.resident_bytes, freed.resident_bytes, 0);
    });
}

#[test]
fn another_process_is_measured_until_it_has_ended() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Once it answers, its program is loaded.
    child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let usage = Usage::of(child.id()).unwrap();
    assert_eq!(usage.threads, 1);
    assert!(0 < usage.resident_bytes && usage.resident_bytes < usage.virtual_bytes, "{usage:?}");

    // It ends when its input does, and stays a zombie until it is waited for.
    drop(child.stdin.take());
    until("the end of the process", || Usage::of(child.id()).is_err());
    let error = Usage::of(child.id()).unwrap_err();
    let zombie = error.to_string();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(zombie.starts_with(&format!("process {}: it has no memory", child.id())), "{zombie}");

    child.wait().unwrap();
    let error = Usage::of(child.id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_ne!(error.to_string(), zombie);
}

#[test]
fn a_threads_number_is_no_process() {
    let test = thread::spawn(|| {
        // The link is PID/task/TID.
        let link = fs::read_link("/proc/thread-self").unwrap();
        let id = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let error = Usage::of(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("process {id}: it is a thread of another process"));
    });
    test.join().unwrap();
}
