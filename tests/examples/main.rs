//! The examples, each as its reader runs it: in a process of its own.

#[path = "../support/mod.rs"]
mod support;

mod charts;
mod costs;
mod flood;
mod overload;
mod recipes;
mod resilient;
mod soak;
mod throughput;

/// Only Linux says what a process uses.
const LINUX: bool = cfg!(target_os = "linux");
