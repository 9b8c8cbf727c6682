//! What several test binaries share.

// Each binary uses its own part of this.
#![allow(dead_code)]

pub mod client;
pub mod example;
pub mod pool;
pub mod process;
pub mod server;
pub mod time;
