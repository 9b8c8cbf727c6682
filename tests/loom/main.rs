//! Every interleaving of the pool's source, `src/pool`, compiled here over loom's doubles of `std`'s primitives.
//!
//! A model is a small program: loom runs it again and again, each time with another order of the steps that its
//! threads take, until there is none left to try, or none within the bound named. `-- --nocapture` shows how many.

#[path = "../../src/pool/mod.rs"]
#[allow(dead_code, unused_imports, missing_docs, reason = "the models use a part of the library")]
#[allow(private_interfaces, reason = "the double's channel is this crate's own")]
mod pool;
#[allow(dead_code, unused_imports, reason = "the double offers what the library names")]
mod sync;

mod executor;
mod queue;
mod task;
mod wrong;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `model` in every order of its threads' steps.
fn explore(name: &str, model: impl Fn() + Send + Sync + 'static) {
    check(name, None, model);
}

/// Runs `model` in every order in which threads are interrupted at most `bound` times where they could have gone on.
fn explore_bounded(name: &str, bound: usize, model: impl Fn() + Send + Sync + 'static) {
    check(name, Some(bound), model);
}

fn check(name: &str, bound: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = 10_000;
    let visited = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&visited);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let visited = visited.load(Ordering::Relaxed);
    let bound = bound.map_or("exhaustive".to_owned(), |bound| format!("at most {bound} preemptions"));
    println!("{name}: {visited} interleavings, {bound}");
    assert!(visited > 1, "{name}: one order alone proves nothing");
}
