//! What the recipes serve: connections, and nothing about threads.
//!
//! A [`Server`] hands each connection to a function, and [`echo`] is what the recipes do with one. How a
//! connection gets its thread is the one thing in which the recipes differ, so that line stands in each
//! recipe and not here.

mod echo;
mod server;

pub use echo::echo;
pub use server::{Server, Stopper};
