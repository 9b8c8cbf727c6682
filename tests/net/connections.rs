//! `Connections` ends whoever idles, counts everybody, and closes in good order.

use crate::client::{TOO_LONG, background, bytes, connect, exchange, pause, round_trip};
use pool_recipes::Executor;
use pool_recipes::net::{Connection, Connections, Totals, echo};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Short enough to be waited for.
const SOON: Duration = Duration::from_millis(50);

/// Long enough for a client to be quicker, also on a busy machine.
const LATER: Duration = Duration::from_secs(10);

/// The two ends of a connection, of which the server's is added.
fn connection(connections: &Connections) -> (TcpStream, Connection) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = connect(listener.local_addr().unwrap());
    (client, connections.add(listener.accept().unwrap().0))
}

/// What is left for `client` to read.
fn rest(mut client: &TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    rest
}

#[test]
fn a_connection_that_sends_nothing_times_out() {
    let connections = Connections::new(Some(SOON));
    let (client, mut connection) = connection(&connections);
    let begin = Instant::now();
    let error = echo(&mut connection).unwrap_err();
    assert!(begin.elapsed() >= SOON);
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::TimedOut, "sent nothing for 50ms"));
    drop(connection);
    assert_eq!(rest(&client), b"");
    assert_eq!(connections.totals(), Totals { served: 1, timed_out: 1, ..Totals::default() });
}

#[test]
fn a_connection_that_takes_nothing_times_out() {
    let connections = Connections::new(Some(SOON));
    let (_client, mut connection) = connection(&connections);
    // More than the buffers between the two can hold.
    let error = background(move || connection.write_all(&vec![0; 64 << 20]).unwrap_err())();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::TimedOut, "took nothing for 50ms"));
    let totals = connections.totals();
    assert_eq!((totals.served, totals.timed_out), (1, 1));
    assert!(totals.written > 0);
}

#[cfg(unix)]
#[test]
fn a_connection_that_takes_little_goes_on() {
    const LIMIT: Duration = Duration::from_secs(1);
    let connections = Connections::new(Some(LIMIT));
    let (mut client, mut connection) = connection(&connections);
    let full = background(move || {
        let error = connection.write_all(&vec![0; 64 << 20]).unwrap_err();
        (connection, error.kind())
    });
    let (mut connection, full) = full();
    assert_eq!(full, ErrorKind::TimedOut);
    let (sender, written) = mpsc::channel();
    thread::spawn(move || sender.send(connection.write(&[0; 10_000])));
    // It waits for room, and gets some, but on Linux too little to be woken for.
    written.recv_timeout(LIMIT / 10).unwrap_err();
    client.read_exact(&mut vec![0; 128 << 10]).unwrap();
    assert!(written.recv_timeout(TOO_LONG).unwrap().unwrap() > 0);
}

#[test]
fn a_connection_that_waits_to_be_served_does_not_idle() {
    let connections = Connections::new(Some(SOON));
    let (mut client, mut connection) = connection(&connections);
    pause(&client, 2 * SOON);
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(echo(&mut connection).unwrap(), 5);
}

#[test]
fn a_connection_that_sends_now_and_then_goes_on() {
    // Much longer than a pause, so that a busy machine doesn't make one too long.
    const LIMIT: Duration = Duration::from_secs(2);
    let connections = Connections::new(Some(LIMIT));
    let (client, mut connection) = connection(&connections);
    let echoing = background(move || echo(&mut connection));
    let begin = Instant::now();
    let mut sent = 0;
    while begin.elapsed() < LIMIT + SOON {
        round_trip(&client);
        sent += 1;
        pause(&client, SOON);
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(echoing().unwrap(), sent);
    assert_eq!(connections.totals(), Totals { served: 1, written: sent, ..Totals::default() });
}

#[test]
fn a_connection_that_is_dropped_unread_is_shed_and_closed() {
    let connections = Connections::new(None);
    let (client, connection) = connection(&connections);
    drop(connection);
    assert_eq!(rest(&client), b"");
    assert_eq!(connections.totals(), Totals { shed: 1, ..Totals::default() });
}

#[test]
fn every_byte_and_every_connection_is_counted() {
    let connections = Connections::new(None);
    for length in [0, 1, 1 << 20] {
        let (client, mut connection) = connection(&connections);
        let echoing = background(move || echo(&mut connection));
        assert!(exchange(&client, &bytes(length)) == bytes(length));
        echoing().unwrap();
    }
    assert_eq!(connections.totals(), Totals { served: 3, written: 1 + (1 << 20), ..Totals::default() });
}

#[test]
fn bytes_written_before_an_error_are_counted() {
    let connections = Connections::new(Some(SOON));
    let (client, mut connection) = connection(&connections);
    (&client).write_all(b"last words").unwrap();
    echo(&mut connection).unwrap_err();
    drop(connection);
    assert_eq!(connections.totals().written, 10);
}

#[test]
fn a_close_cuts_off_who_waits_at_once_and_none_of_them_is_served() {
    let connections = Arc::new(Connections::new(None));
    let (served, mut connection) = connection(&connections);
    let (waiting, mut queued) = self::connection(&connections);
    let begin = Instant::now();
    let serving = background(move || echo(&mut connection));
    round_trip(&served);
    let closing = background({
        let connections = Arc::clone(&connections);
        move || connections.close(LATER)
    });
    // While the other is served.
    assert_eq!(rest(&waiting), b"");
    round_trip(&served);
    let error = echo(&mut queued).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    drop(queued);
    served.shutdown(Shutdown::Write).unwrap();
    serving().unwrap();
    closing();
    assert!(begin.elapsed() < LATER, "nobody told it that the other was done");
    assert_eq!(connections.totals(), Totals { served: 1, shed: 1, written: 2, ..Totals::default() });
}

#[test]
fn a_close_waits_no_longer_than_until_nobody_is_served() {
    let connections = Connections::new(None);
    let begin = Instant::now();
    connections.close(TOO_LONG);
    let (client, connection) = connection(&connections);
    drop((client, connection));
    connections.close(TOO_LONG);
    assert!(begin.elapsed() < TOO_LONG);
}

#[test]
fn who_is_served_when_the_grace_ends_is_cut_off_also_in_a_write() {
    let connections = Connections::new(None);
    let (silent, mut reading) = connection(&connections);
    let (flooding, mut writing) = self::connection(&connections);
    let reading = background(move || echo(&mut reading).unwrap_err());
    let writing = background(move || echo(&mut writing).unwrap_err());
    round_trip(&silent);
    round_trip(&flooding);
    let sending = background(move || (&flooding).write_all(&vec![0; 64 << 20]).unwrap_err());
    let begin = Instant::now();
    connections.close(SOON);
    assert!(SOON <= begin.elapsed() && begin.elapsed() < LATER, "{:?}", begin.elapsed());
    for error in [reading(), writing()] {
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{error}");
    }
    assert_eq!(rest(&silent), b"");
    sending();
    assert_eq!(connections.totals().served, 2);
}

#[test]
fn nobody_is_served_after_a_close_and_closing_twice_is_fine() {
    let connections = Connections::new(None);
    connections.close(LATER);
    connections.close(LATER);
    let (client, mut connection) = connection(&connections);
    assert_eq!(rest(&client), b"");
    assert_eq!(connection.write(b"hello").unwrap_err().kind(), ErrorKind::ConnectionAborted);
    drop(connection);
    assert_eq!(connections.totals(), Totals { shed: 1, ..Totals::default() });
}

#[test]
fn a_second_close_takes_nothing_of_the_first_back() {
    let connections = Arc::new(Connections::new(None));
    let (client, mut connection) = connection(&connections);
    (&client).write_all(b"?").unwrap();
    connection.read_exact(&mut [0]).unwrap();
    connections.close(Duration::ZERO);
    let again = thread::spawn(move || connections.close(SOON));
    while !again.is_finished() {
        assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
    }
    again.join().unwrap();
}

#[test]
fn a_handler_that_panics_takes_neither_its_worker_nor_its_connection_along() {
    let connections = Connections::new(None);
    let pool = Executor::new(1).unwrap();
    let (client, mut connection) = connection(&connections);
    let panicked = pool.submit(move || {
        connection.read_exact(&mut [0]).unwrap();
        panic!("in the handler");
    });
    (&client).write_all(b"?").unwrap();
    assert!(panicked.result().is_err());
    assert_eq!(rest(&client), b"");

    let (client, mut connection) = self::connection(&connections);
    pool.submit(move || echo(&mut connection));
    assert_eq!(exchange(&client, b"hello"), b"hello");
    // Returns at once: the one that panicked isn't being served any more.
    pool.shutdown();
    connections.close(TOO_LONG);
    assert_eq!(connections.totals(), Totals { served: 2, written: 5, ..Totals::default() });
}

#[test]
fn no_idle_time_at_all_is_an_error_of_each_connection() {
    let connections = Connections::new(Some(Duration::ZERO));
    let (_client, mut connection) = connection(&connections);
    for _ in 0..2 {
        assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn connections_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let connections = Connections::new(None);
    shared(&connections);
    let (sender, receiver) = mpsc::channel();
    let (client, connection) = connection(&connections);
    thread::scope(|scope| {
        scope.spawn(move || sender.send(connection).unwrap());
        shared(&receiver.recv().unwrap());
    });
    assert_eq!(rest(&client), b"");
}
