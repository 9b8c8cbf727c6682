//! What a pool has over a hand-made queue: a handle for each task, whose `result()` waits for the value.
//!
//! ```console
//! $ cargo run --example fetch_url
//! $ cargo run --example fetch_url -- http://example.com/ http://example.org/
//! ```
//!
//! Without URLs it fetches two slow pages that it serves to itself, so it runs offline and the gain shows.

mod support;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use pool_recipes::Executor;
use pool_recipes::net::fetch_url;

use support::arguments::Arguments;
use support::log;

/// How long each of the slow pages takes.
const DELAY: Duration = Duration::from_millis(300);

/// The recipe: two pages at once.
fn fetch_two() -> Result<(), Box<dyn Error>> {
    let (python, rust) = (slow_page("python")?, slow_page("rust")?);
    let start = Instant::now();

    let pool = Executor::new(10)?;
    let a = pool.submit(move || fetch_url(&python));
    let b = pool.submit(move || fetch_url(&rust));
    // Two question marks: the task may have panicked, and the page may not have come.
    let x = a.result()??;
    let y = b.result()??;

    log::print(format!("{} bytes and {} bytes", x.len(), y.len()))?;
    let (each, both) = (DELAY.as_secs_f64(), start.elapsed().as_secs_f64());
    log::print(format!("each page takes {each:.1} s, and both together took {both:.1} s"))?;
    Ok(())
}

/// The same with any number of pages: all are submitted before the first result is asked for.
fn fetch_all(urls: Vec<String>) -> Result<(), Box<dyn Error>> {
    let pool = Executor::new(10)?;
    let submit = |url: String| (url.clone(), pool.submit(move || fetch_url(&url)));
    let handles: Vec<_> = urls.into_iter().map(submit).collect();
    let mut failed = 0;
    for (url, handle) in handles {
        match handle.result()? {
            Ok(body) => log::print(format!("{url}: {} bytes", body.len()))?,
            Err(error) => {
                log::error(error);
                failed += 1;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} could not be fetched").into()) }
}

/// Serves a page to the first client that comes, and returns its URL.
fn slow_page(name: &'static str) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/{name}", listener.local_addr()?);
    let serve = move || -> io::Result<()> {
        let (mut client, _) = listener.accept()?;
        let request = client.read(&mut [0; 4096])?;
        thread::sleep(DELAY);
        write!(client, "HTTP/1.0 200 OK\r\n\r\nThe page {name}, for a request of {request} bytes.\n")
    };
    thread::Builder::new().spawn(serve)?;
    Ok(url)
}

fn main() -> ExitCode {
    let mut arguments = Arguments::new("Fetches pages, all at once, on a pool of ten workers.");
    let urls = arguments.rest("[URL]...");
    arguments.finish();
    log::outcome(if urls.is_empty() { fetch_two() } else { fetch_all(urls) })
}
