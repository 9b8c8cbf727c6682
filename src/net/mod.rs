//! What the recipes do over the network.

mod fetch;
mod response;
mod url;

pub use fetch::{FetchError, FetchErrorKind, fetch_url};
