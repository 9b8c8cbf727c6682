//! What the public types promise as types, and what their texts say.

use std::any::Any;
use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
use std::sync::mpsc;

use pool_recipes::{
    BuildError, Builder, Executor, Full, Handle, MIN_STACK_SIZE, Panic, Scope, SharedReceiver, TaskError,
    scope,
};

use crate::support::pool::pool;
use crate::support::time::TOO_LONG;

#[test]
fn public_types_can_be_shared_and_errors_boxed() {
    fn survives_panics<T: Send + Sync + UnwindSafe + RefUnwindSafe + Debug>() {}
    fn is_shared<T: Send + Sync + Clone + Debug>() {}
    fn is_boxed<T: Error + Send + Sync + 'static>() {}
    survives_panics::<Handle<Cell<u8>>>();
    survives_panics::<Executor>();
    is_shared::<Builder>();
    is_shared::<Scope<'_>>();
    is_shared::<SharedReceiver<Cell<u8>>>();
    is_boxed::<TaskError>();
    is_boxed::<BuildError>();
    is_boxed::<Full<fn()>>();
}

/// What a task's panic with this payload becomes.
fn panic_of(payload: impl Any + Send) -> Panic {
    match pool(1).submit(move || resume_unwind(Box::new(payload))).result() {
        Err(TaskError::Panicked(panic)) => *panic,
        other => unreachable!("{:?}", other.map(|(): ()| ())),
    }
}

#[test]
fn a_panic_comes_back_with_its_payload() {
    let text = panic_of(String::from("no tea"));
    assert_eq!(text.message(), "no tea");
    assert!(text.into_payload().downcast::<String>().is_ok_and(|text| *text == "no tea"));
    let number = panic_of(7_u8);
    assert_eq!(number.message(), "a payload that is not text");
    assert!(number.into_payload().downcast::<u8>().is_ok_and(|number| *number == 7));
}

#[test]
fn errors_say_what_failed_and_why() {
    let panicked = TaskError::Panicked(Box::new(panic_of("no tea")));
    assert_eq!(panicked.to_string(), "the task panicked: no tea");
    assert_eq!(format!("{panicked:?}"), "Panicked(Panic(\"no tea\"))");
    assert_eq!(TaskError::Cancelled.to_string(), "the task was cancelled before it started");
    let nested = "the task was nested too deep: the stack had no room for it";
    assert_eq!(TaskError::NestedTooDeep.to_string(), nested);
    assert_eq!(Full(|| ()).to_string(), "the queue is full");
    assert_eq!(format!("{:?}", Full(|| ())), "Full(..)");

    assert_eq!(BuildError::NoWorkers.to_string(), "0 workers: a pool needs at least one");
    assert!(matches!(Executor::new(0), Err(BuildError::NoWorkers)));
    let small = Executor::builder().stack_size(MIN_STACK_SIZE - 1).build().unwrap_err();
    assert_eq!(small.to_string(), "a stack of 32767 bytes: a worker needs at least 32768");
    let start = BuildError::WorkerStart(panic_of("no tea"));
    assert_eq!(start.to_string(), "a worker panicked before its first task: no tea");
}

#[test]
fn a_refused_thread_says_which_and_why() {
    // No address space is this large, nor can the last number be rounded up to whole pages.
    for size in [usize::MAX / 4, usize::MAX / 2, usize::MAX - 4_095, usize::MAX] {
        let error = Executor::builder().workers(2).stack_size(size).build().unwrap_err();
        let BuildError::Spawn { started: 0, workers: 2, error: why } = &error else { panic!("{error}") };
        assert_eq!(error.to_string(), format!("could not start worker 1 of 2: {why}"));
        // It is printed, and so not the source as well.
        assert!(error.source().is_none());
    }
}

#[test]
fn debug_shows_what_there_is_to_see() {
    let builder = Executor::builder().workers(2);
    assert_eq!(format!("{builder:?}"), "Builder { workers: 2, .. }");
    let pool = builder.build().unwrap();
    assert_eq!(format!("{pool:?}"), "Executor { workers: 2, .. }");
    assert_eq!(format!("{:?}", pool.map(0..3, |n| n)), "Map { buffer_size: 4, .. }");
    let handle = pool.submit(|| ());
    assert!(handle.wait_timeout(TOO_LONG));
    assert_eq!(format!("{handle:?}"), "Handle { finished: true, .. }");
    scope(2, |pool| assert_eq!(format!("{pool:?}"), "Scope { workers: 2, .. }")).unwrap();
    let receiver = SharedReceiver::new(mpsc::channel::<()>().1);
    assert_eq!(format!("{receiver:?}"), "SharedReceiver { .. }");
}
