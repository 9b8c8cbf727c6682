//! What the examples share, beside the library.

// Each example uses its own part of this.
#![allow(dead_code)]

pub mod arguments;
pub mod log;
pub mod server;
pub mod svg;
pub mod table;
