//! What the library promises about sockets (`net`) and about a process's figures (`Usage`).

#[path = "../support/client.rs"]
mod client;
mod connections;
mod echo;
mod fetch;
mod server;
#[cfg(target_os = "linux")]
mod usage;

use std::net::{TcpListener, TcpStream};

/// The two ends of a connection: the client's, and the server's.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client::connect(listener.local_addr().unwrap());
    (client, listener.accept().unwrap().0)
}

/// Runs a test in a process of its own, where no other test starts threads or opens files. It may open 256.
#[cfg(target_os = "linux")]
fn alone(test: &str, body: fn()) {
    use std::{env, time::Duration};

    const MARK: &str = "POOL_RECIPES_ALONE";
    if env::var_os(MARK).is_some() {
        return body();
    }
    let assert = assert_cmd::Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$0\" --exact \"$1\""])
        .args([env::current_exe().unwrap().as_os_str(), test.as_ref()])
        .env(MARK, "yes")
        .timeout(Duration::from_secs(60))
        .assert()
        .success();
    let output = String::from_utf8_lossy(&assert.get_output().stdout);
    assert!(output.contains("1 passed"), "there is no test of this name");
}
