//! A task from pending to finished, and the three other ways in which it can end.
//!
//! ```console
//! $ cargo run --example task_states
//! ```

mod support;

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc;

use pool_recipes::{Executor, Handle};
use support::arguments::Arguments;
use support::log;

fn main() -> ExitCode {
    Arguments::new("Shows the states of a task on a pool of one worker.").finish();

    log::outcome(show())
}

fn show() -> Result<(), Box<dyn Error>> {
    // The first panic would print a message and perhaps a backtrace between our lines.
    std::panic::set_hook(Box::new(|_| ()));
    let pool = Executor::new(1)?;
    let (start, started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();

    let runs = pool.submit(move || {
        start.send(()).expect("main waits for it");
        released.recv().expect_err("main sends nothing, it drops the sender");
        "the value"
    });
    let waits = pool.submit(|| "never computed");
    let panics = pool.submit(|| panic!("no more tea"));
    for (name, handle) in [("runs", &runs), ("waits", &waits)] {
        handle.on_done(move || log::line(format_args!("  callback: `{name}` is finished")));
    }

    started.recv()?;
    log::line("one worker: `runs` is running, `waits` and `panics` are pending");
    state("runs", &runs);
    state("waits", &waits);

    log::line("cancel `runs` and `waits`");
    log::line(format_args!("  runs.cancel() is {}: it is too late", runs.cancel()));
    log::line(format_args!("  waits.cancel() is {}", waits.cancel()));
    state("runs", &runs);
    state("waits", &waits);

    log::line("let `runs` go on");
    drop(release);
    log::line(format_args!("  runs.result() is {:?}", runs.result()?));
    for (name, result) in [("waits", waits.result()), ("panics", panics.result())] {
        let error = result.expect_err("one was cancelled, one panicked");
        log::line(format_args!("  {name}.result() is an error: {error}"));
    }
    Ok(())
}

fn state(name: &str, handle: &Handle<&str>) {
    log::line(format_args!("  {name}.is_finished() is {}", handle.is_finished()));
}
