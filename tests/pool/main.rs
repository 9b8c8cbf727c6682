//! The pool, a file a subject; each test is named by the property that it holds.

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
mod support;

/// What `stack` is tried with: the least, the recipe's, the default.
const STACKS: [usize; 3] = [32_768, 65_536, 2 * 1024 * 1024];
