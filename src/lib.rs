//! How a thread pool works, and how to write a right one: the Python Cookbook's recipe 12.7 from `std` alone.

pub mod net;
mod pool;
mod sync;
mod usage;

pub use pool::*;
pub use usage::Usage;
