//! The book's exercises, and what grades them. Your answers go into `yours.rs`.
//!
//! A plain `cargo test` grades the graders. Each must pass the right answer in `answers.rs`. It must fail the answer that
//! isn't written yet, and those in `wrong.rs` with the sentence that names the mistake.

mod answers;
mod wrong;
mod yours;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pool_recipes::{Executor, Handle, Scope, TaskError, scope};

use yours::{Cost, Job, Take, Waiter, Work};

/// If nothing happens for so long, it is a hang.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time for a wrong answer to do what it must not do. A right answer passes however short or long it is.
const PAUSE: Duration = Duration::from_millis(50);

/// Declares a test for each of the reader's answers, and one for all graders.
macro_rules! exercises {
    ($(#[test] fn $name:ident($grader:ident, $answer:ident, $stub:expr) $($wrong:ident: $said:literal,)+)+) => {
        $(#[test]
        #[ignore = "yours to solve"]
        fn $name() -> Result<(), String> {
            grade($grader, yours::$answer, PATIENCE)
        })+

        #[test]
        fn graders_tell_right_from_wrong() {
            thread::scope(|scope| {
                $(scope.spawn(|| tell_apart($grader, answers::$answer, $stub, &[$((wrong::$wrong, $said)),+]));)+
            });
        }
    };
}

exercises! {
    #[test] fn ch02_jobs_run_side_by_side(side_by_side, work, |_| todo!())
        work_in_while_let: "two jobs did not run at the same time",

    #[test] fn ch02_finish_waits_for_the_jobs(finishes, finish, |_, _| todo!())
        finish_by_joining_first: "`finish` did not return",
        finish_without_joining: "`finish` returned while a job was running",
        finish_and_unwrap: "your code panicked",

    #[test] fn ch03_pages_are_printed_as_they_come(as_they_come, print_all, |_, _, _| todo!())
        print_all_in_order: "the quick page was not printed while the slow one was being fetched",

    #[test] fn ch03_a_handle_waits_for_its_job(handle_waits, submit, |_, _| todo!())
        submit_and_lose_panics: "the job panicked, and its handle still waited",
        submit_and_always_wait: "the job had ended before, and its handle still waited",

    #[test] fn ch04_at_most_n_threads(at_most_two, serve, |_, _| todo!())
        serve_any_number: "a third client was served, with a limit of 2",
        serve_and_lose_places: "a client's job panicked, and its place was not free again",

    #[test] fn ch07_a_result_in_time_or_the_handle(in_time, result_within, |_, _| todo!())
        result_within_or_later: "a task was running when the time was up, and its handle did not come back",
        result_within_without_cancel: "a task that had not started was not cancelled",

    #[test] fn ch08_one_worker_sorts(one_worker_sorts, sort, |_, _| todo!())
        sort_through_a_channel: "the worker waited for a task that only this worker could run",
        sort_alone: "the worker was busy, and yet the numbers were sorted: not by the pool",

    #[test] fn ch09_halves_are_summed_side_by_side(sums_halves, sum, |_, _| todo!())
        sum_one_after_the_other: "the two halves were not computed at the same time",

    #[test] fn ch10_every_conversation_ends(every_one_ends, echo_within, |_, _| todo!())
        echo_with_a_limit_per_call: "a client that sends a byte now and then was served for too long",
        echo_with_patient_writes: "a client that never reads was served for too long",

    #[test] fn ch11_a_model_tells_right_from_wrong(red_and_green, model, |_| todo!())
        model_of_one_thread: "the model is green, and `take` gives the one item to both threads",
        model_without_loom: "the model is red, and `take` is right",
}

fn tell_apart<A: Copy + Send + 'static>(grader: fn(&Grade, A), right: A, stub: A, wrong: &[(A, &str)]) {
    thread::scope(|scope| {
        scope.spawn(move || assert_eq!(grade(grader, right, PATIENCE), Ok(())));
        for &(answer, sentence) in wrong.iter().chain(&[(stub, "")]) {
            scope.spawn(move || {
                let fails = |patience| grade(grader, answer, patience).is_err_and(|e| e.contains(sentence));
                // A second is enough, unless the machine is so busy that it passes at an earlier step.
                assert!(fails(Duration::from_secs(1)) || fails(PATIENCE), "nothing says \"{sentence}\"");
            });
        }
    });
}

/// Takes sentences that say what a grader waits for, then `None` if the answer passed, or the sentence why it failed.
type Grade = Sender<Result<Option<&'static str>, &'static str>>;

/// The error is a sentence that says what is not so yet. An answer that hangs is left behind on its threads.
fn grade<A: Send + 'static>(grader: fn(&Grade, A), answer: A, patience: Duration) -> Result<(), String> {
    let (grade, events) = mpsc::channel();
    spawn(&grade.clone(), move || {
        grader(&grade, answer);
        grade.send(Ok(None))
    });
    let mut not_yet = "";
    loop {
        match events.recv_timeout(patience) {
            Ok(Ok(Some(sentence))) => not_yet = sentence,
            Ok(verdict) => return verdict.map(|_| ()).map_err(str::to_owned),
            Err(_) => return Err(format!("nothing happened for {} seconds: {not_yet}", patience.as_secs())),
        }
    }
}

/// Says what is not so yet if nothing happens from here on.
fn unless(grade: &Grade, not_yet: &'static str) {
    _ = grade.send(Ok(Some(not_yet)));
}

/// Runs a part of the answer on a thread. A panic in it fails the answer.
fn spawn<T: Send + 'static>(grade: &Grade, part: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let grade = grade.clone();
    thread::spawn(move || {
        catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|panic| {
            let not_so = panic.downcast_ref().map(|NotSo(sentence)| *sentence);
            _ = grade.send(Err(not_so.unwrap_or("your code panicked: see the lines above")));
            resume_unwind(panic)
        })
    })
}

/// What a grader panics with.
struct NotSo(&'static str);

/// Fails the answer, without the lines that a panic prints.
fn check(is_so: bool, otherwise: &'static str) {
    if !is_so {
        resume_unwind(Box::new(NotSo(otherwise)));
    }
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Work that says when it starts, and goes on until `leave` is dropped. If it is dropped unrun, `started` fails.
fn visit() -> (Work, Receiver<()>, Sender<()>) {
    let (start, started) = mpsc::channel();
    let (leave, left) = mpsc::channel();
    let visit = move || {
        _ = start.send(());
        left.recv().map_or(1, |()| 0)
    };
    (Box::new(visit), started, leave)
}

/// Has two workers run two jobs that wait for each other.
fn side_by_side(grade: &Grade, work: fn(&Mutex<Receiver<Job>>)) {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    let workers = [(); 2].map(|()| {
        let receiver = Arc::clone(&receiver);
        spawn(grade, move || work(&receiver))
    });
    thread::sleep(PAUSE); // the queue is empty, and a worker must not take that for the end
    let meeting = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        let meeting = Arc::clone(&meeting);
        jobs.send(Box::new(move || _ = meeting.wait())).unwrap();
    }
    unless(grade, "two jobs did not run at the same time, or did not run at all");
    meeting.wait();
    unless(grade, "the channel was closed, and a worker did not return");
    drop(jobs);
    _ = workers.map(join);
}

fn finishes(grade: &Grade, finish: fn(Sender<Job>, Vec<JoinHandle<()>>)) {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let panicked = thread::spawn(|| resume_unwind(Box::new("a worker")));
    let workers = vec![panicked, thread::spawn(move || answers::work(&Mutex::new(receiver)))];
    let (visit, _started, leave) = visit();
    jobs.send(Box::new(|| _ = visit())).unwrap();
    let finishing = spawn(grade, move || finish(jobs, workers));
    thread::sleep(PAUSE);
    check(!finishing.is_finished(), "`finish` returned while a job was running");
    unless(grade, "`finish` did not return");
    drop(leave);
    join(finishing);
}

fn as_they_come(grade: &Grade, print_all: fn(&Executor, Vec<Work>, &mut dyn FnMut(u32))) {
    let pool = Executor::new(3).unwrap();
    let (slow, _started, leave) = visit();
    let (mut leave, mut printed) = (Some(leave), Vec::new());
    unless(grade, "the quick page was not printed while the slow one was being fetched");
    let fetches = vec![slow, Box::new(|| resume_unwind(Box::new("no page"))), Box::new(|| 2)];
    print_all(&pool, fetches, &mut |page| {
        printed.push(page);
        leave.take_if(|_| page == 2);
    });
    check(printed == [2, 1], "not every page was printed once");
}

fn handle_waits(grade: &Grade, submit: fn(&Sender<Job>, Work) -> Waiter) {
    let (jobs, queue) = mpsc::channel::<Job>();
    unless(grade, "`submit` sent no job");
    let handle = spawn(grade, submit(&jobs, Box::new(|| 1)));
    let job = queue.recv().unwrap();
    thread::sleep(PAUSE);
    unless(grade, "the job ended, and its handle was not woken");
    job();
    check(join(handle).is_ok_and(|result| result == 1), "the handle did not return the result of the job");

    let handle = submit(&jobs, Box::new(|| 2));
    queue.recv().unwrap()();
    unless(grade, "the job had ended before, and its handle still waited");
    check(handle().is_ok_and(|result| result == 2), "the handle did not return the result of the job");

    let handle = submit(&jobs, Box::new(|| resume_unwind(Box::new("a job"))));
    _ = catch_unwind(AssertUnwindSafe(queue.recv().unwrap()));
    unless(grade, "the job panicked, and its handle still waited");
    check(handle().is_err(), "the job panicked, and its handle returned a result");
}

fn at_most_two(grade: &Grade, serve: fn(Receiver<Job>, usize)) {
    let (clients, accepted) = mpsc::channel::<Job>();
    spawn(grade, move || serve(accepted, 2));
    let connect = || {
        let (visit, started, leave) = visit();
        clients.send(Box::new(|| check(visit() == 0, "a client"))).unwrap();
        started.recv().ok().map(|()| leave)
    };
    unless(grade, "two clients were not served at the same time");
    let (first, second) = (connect(), connect());
    check(first.is_some() && second.is_some(), "a second client was turned away, with a limit of 2");
    unless(grade, "a third client was neither served nor turned away");
    check(connect().is_none(), "a third client was served, with a limit of 2");
    let not_free = "a client's job panicked, and its place was not free again";
    unless(grade, not_free);
    drop(first);
    let is_free_after = |n| {
        thread::sleep(Duration::from_millis(1_u64 << n)); // the place is free a moment after the job's end
        connect().is_some()
    };
    check((0..12).any(is_free_after), not_free);
}

fn in_time(grade: &Grade, within: fn(Handle<u32>, Duration) -> wrong::Within) {
    let pool = Executor::new(1).unwrap();
    unless(grade, "the result was there, and did not come before the time was up");
    let quick = within(pool.submit(|| 2), Duration::from_secs(3600));
    check(matches!(quick, Ok(Ok(2))), "the result came in time, and was not returned");
    let (visit, started, leave) = visit();
    let running = pool.submit(visit);
    started.recv().unwrap();
    let not_back = "a task was running when the time was up, and its handle did not come back";
    unless(grade, not_back);
    let running = within(running, Duration::from_millis(1)).err();
    let pending = within(pool.submit(|| 3), Duration::from_millis(1));
    check(matches!(pending, Ok(Err(TaskError::Cancelled))), "a task that had not started was not cancelled");
    drop(leave);
    check(running.is_some_and(|handle| handle.result().is_ok()), not_back);
}

fn one_worker_sorts(grade: &Grade, sort: fn(&Arc<Executor>, Vec<u32>) -> Vec<u32>) {
    let pool = Arc::new(Executor::new(1).unwrap());
    let (visit, _started, leave) = visit();
    pool.submit(visit);
    let shared = Arc::clone(&pool);
    let sorting = spawn(grade, move || sort(&shared, (0..1000).map(|n| n * 7919 % 1000).collect()));
    thread::sleep(PAUSE);
    check(!sorting.is_finished(), "the worker was busy, and yet the numbers were sorted: not by the pool");
    unless(grade, "the worker waited for a task that only this worker could run");
    drop(leave);
    check(join(sorting).into_iter().eq(0..1000), "the numbers were not sorted");
}

fn sums_halves(grade: &Grade, sum: for<'scope> fn(&Scope<'scope>, &'scope [Cost]) -> u32) {
    let meeting = Arc::new(Barrier::new(2));
    let halves = [(); 2].map(|()| {
        let meeting = Arc::clone(&meeting);
        Box::new(move || u32::from(meeting.wait().is_leader())) as Cost
    });
    unless(grade, "the two halves were not computed at the same time");
    check(scope(1, |pool| sum(pool, &halves)).unwrap() == 1, "the sum of two costs was wrong");
    let costs: Vec<_> = (0..100_u32).map(|n| Box::new(move || n) as Cost).collect();
    unless(grade, "the worker waited for a task that only this worker could run");
    check(scope(1, |pool| sum(pool, &costs)).unwrap() == 4950, "the sum of a hundred costs was wrong");
}

fn every_one_ends(grade: &Grade, echo_within: fn(TcpStream, Duration) -> io::Result<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = |limit| {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = listener.accept().unwrap().0;
        (client, spawn(grade, move || echo_within(server, limit)))
    };
    unless(grade, "the client had sent all, and the conversation did not end");
    let (mut client, serving) = connect(Duration::from_secs(3600));
    client.write_all(b"hello").and_then(|()| client.shutdown(Shutdown::Write)).unwrap();
    let echo = io::read_to_string(client);
    check(join(serving).is_ok() && echo.is_ok_and(|echo| echo == "hello"), "the bytes did not come back");
    let clients: [(_, fn(TcpStream)); 3] =
        [
            ("a silent client was served for too long", |mut client| _ = client.read(&mut [0])),
            ("a client that never reads was served for too long", |mut client| {
                while client.write_all(&[0; 4096]).is_ok() {}
            }),
            ("a client that sends a byte now and then was served for too long", |mut client| {
                while client.write_all(b".").is_ok() {
                    thread::sleep(PAUSE / 10);
                }
            }),
        ];
    for (too_long, misbehave) in clients {
        unless(grade, too_long);
        let (client, serving) = connect(PAUSE);
        misbehave(client);
        check(join(serving).is_err(), "the time was up, and the result was not an error");
    }
}

fn red_and_green(_: &Grade, model: fn(Take)) {
    let is_red = |take: Take| catch_unwind(|| model(take)).is_err();
    check(!is_red(|items| items.lock().unwrap().pop()), "the model is red, and `take` is right");
    let gives_twice = |items: &loom::sync::Mutex<Vec<u32>>| {
        let item = items.lock().unwrap().last().copied();
        items.lock().unwrap().pop();
        item
    };
    check(is_red(gives_twice), "the model is green, and `take` gives the one item to both threads");
}
