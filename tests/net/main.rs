//! What the library promises about sockets (`net`) and about a process's figures (`Usage`).

#[path = "../support/client.rs"]
mod client;
mod connections;
mod echo;
mod fetch;
mod server;
#[cfg(target_os = "linux")]
mod usage;
