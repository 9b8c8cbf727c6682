//! The pool, a file a subject; each test is named by the property that it holds.

#[path = "../support/mod.rs"]
mod support;

mod callbacks;
mod errors;
mod executor;
mod handle;
mod map;
mod nested;
mod panics;
mod queue;
mod scope;
mod stack;
mod stress;
