//! What the recipes serve and fetch: connections, and nothing about threads.
//!
//! A [`Server`] hands each connection to a function, and [`echo`] is what the recipes do with one. [`Connections`]
//! knows all that are open, so that none idles forever and a server stops in good order. How a connection
//! gets its thread is the one thing in which the recipes differ, so that line stands in each recipe and not
//! here. [`fetch_url`] is what the recipe submits to a pool, for its result.

mod connections;
mod echo;
mod fetch;
mod server;

pub use connections::{Connection, Connections, Totals};
pub use echo::echo;
pub use fetch::{FetchError, fetch_url};
pub use server::{Server, Stopper};
