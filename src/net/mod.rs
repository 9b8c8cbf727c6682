//! A server that survives bad clients, and a client for one page. Nothing here starts a thread.
//!
//! A [`Server`] accepts connections and hands each one to a function. [`Connections`] keeps a list of them, so that
//! none is idle forever and the server stops in good order. [`echo`] is what a recipe does with a connection, and
//! [`fetch_url`] is what it submits to a pool for its result.

mod connections;
mod echo;
mod fetch;
mod server;

pub use connections::{Connection, Connections, Totals};
pub use echo::echo;
pub use fetch::{FetchError, fetch_url};
pub use server::{Server, Stopper};
