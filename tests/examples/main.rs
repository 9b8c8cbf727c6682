//! The examples, each as its reader runs it: in a process of its own.

#[path = "../support/mod.rs"]
mod support;

mod charts;
mod costs;
// Only Linux says what a server uses.
#[cfg(target_os = "linux")]
mod flood;
#[cfg(target_os = "linux")]
mod overload;
mod recipes;
mod refusals;
mod resilient;
mod soak;
mod throughput;

const LINUX: bool = cfg!(target_os = "linux");
