//! What a pool has over a hand-made queue: a handle for each task, whose `result()` waits for the value.
//!
//! ```console
//! $ cargo run --example fetch_url
//! $ cargo run --example fetch_url -- http://example.com/ http://example.org/
//! ```
//!
//! Without URLs it serves two pages to itself, slow ones, so that it runs offline and the gain shows.

mod support;

use std::error::Error;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use pool_recipes::Executor;
use pool_recipes::net::{FetchError, Server, fetch_url};
use support::arguments::Arguments;
use support::log;

fn main() -> ExitCode {
    let arguments = Arguments::new("Fetches URLs, all at once, on a pool of ten workers.");
    let urls = arguments.rest("URL", "what to fetch; without any, two pages that it serves to itself");

    log::outcome(if urls.is_empty() { slow_pages().and_then(fetch_all) } else { fetch_all(urls) })
}

fn fetch_all(urls: Vec<String>) -> Result<(), Box<dyn Error>> {
    let pool = Executor::new(10)?;
    let start = Instant::now();
    let handles: Vec<_> = urls.into_iter().map(|url| pool.submit(move || timed_fetch(url))).collect();

    let mut alone = Duration::ZERO;
    let mut failed = 0;
    for handle in handles {
        let (outcome, time) = handle.result()?;
        alone += time;
        match outcome {
            Ok((url, size)) => log::line(format_args!("{url}: {size} bytes")),
            Err(error) => {
                log::error(error);
                failed += 1;
            }
        }
    }
    let (together, alone) = (start.elapsed().as_secs_f64(), alone.as_secs_f64());
    log::line(format_args!("all at once: {together:.1} s; one after the other: {alone:.1} s"));
    if failed == 0 { Ok(()) } else { Err(format!("{failed} could not be fetched").into()) }
}

/// What a worker does with one URL, and how long it took.
fn timed_fetch(url: String) -> (Result<(String, usize), FetchError>, Duration) {
    let start = Instant::now();
    let size = fetch_url(&url).map(|body| (url, body.len()));
    (size, start.elapsed())
}

/// Serves two pages on loopback for as long as the process lives, each after 0.3 s.
fn slow_pages() -> Result<Vec<String>, Box<dyn Error>> {
    let server = Server::bind("127.0.0.1:0")?;
    let urls = ["python", "rust"].map(|page| format!("http://{}/{page}", server.local_addr()));
    thread::spawn(move || {
        server.serve(|mut stream, _| {
            thread::spawn(move || {
                let read = stream.read(&mut [0; 4096])?;
                thread::sleep(Duration::from_millis(300));
                let page = format!("You asked with {read} bytes.\n");
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len())
            });
        })
    });
    Ok(urls.into())
}
