//! `Connections` ends idle connections, counts them all, and closes in good order.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pool_recipes::net::{Connection, Connections, Totals, echo};

use crate::support::client::{pause, peek, rest, round_trip};
use crate::support::time::{TOO_LONG, background};

/// Short enough to be waited for.
const SOON: Duration = Duration::from_millis(50);

/// Long enough for a client to be quicker, also on a busy machine.
const LATER: Duration = Duration::from_secs(10);

/// The two ends of a connection, of which the server's is added.
fn connection(connections: &Connections) -> (TcpStream, Connection) {
    let (client, stream) = crate::connection();
    (client, connections.add(stream))
}

/// How many were served, shed and timed out, and the bytes that were written.
fn totals(connections: &Connections) -> [u64; 4] {
    let Totals { served, shed, timed_out, written, .. } = connections.totals();
    [served, shed, timed_out, written]
}

#[test]
fn a_connection_that_sends_nothing_times_out() {
    let connections = Connections::new(Some(SOON));
    let (client, mut connection) = connection(&connections);
    (&client).write_all(b"last words").unwrap();
    let begin = Instant::now();
    // Which drops the connection.
    let error = background(move || echo(&mut connection).unwrap_err())();
    assert!(begin.elapsed() >= SOON);
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::TimedOut, "sent nothing for 50ms"));
    assert_eq!(rest(&client), b"last words");
    let totals = format!("{:?}", connections.totals());
    assert_eq!(totals, "Totals { served: 1, shed: 0, timed_out: 1, written: 10 }");
}

#[test]
fn a_connection_that_takes_nothing_times_out() {
    let connections = Connections::new(Some(SOON));
    let (_client, mut connection) = connection(&connections);
    // More than the buffers between the two can hold.
    let error = background(move || connection.write_all(&vec![0; 64 << 20]).unwrap_err())();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::TimedOut, "took nothing for 50ms"));
    assert_eq!(connections.totals().timed_out, 1);
    assert!(connections.totals().written > 0);
}

#[cfg(unix)]
#[test]
fn a_connection_that_takes_little_goes_on() {
    const LIMIT: Duration = Duration::from_secs(1);
    let (mut client, mut stream) = crate::connection();
    stream.set_write_timeout(Some(SOON)).unwrap();
    // Until the buffers between the two are full.
    stream.write_all(&vec![0; 64 << 20]).unwrap_err();
    let mut connection = Connections::new(Some(LIMIT)).add(stream);
    let (sender, done) = std::sync::mpsc::channel();
    thread::spawn(move || {
        sender.send(connection.write(&[0; 10_000])).unwrap();
        sender.send(connection.read(&mut [0]))
    });
    // It waits for room, and gets some, but on Linux too little to be woken for.
    done.recv_timeout(SOON).unwrap_err();
    client.read_exact(&mut vec![0; 128 << 10]).unwrap();
    assert!(done.recv_timeout(TOO_LONG).unwrap().unwrap() > 0);
    // And a read waits as before.
    done.recv_timeout(SOON).unwrap_err();
}

#[test]
fn a_reset_is_not_a_timeout() {
    let connections = Connections::new(Some(LATER));
    let (client, mut connection) = connection(&connections);
    connection.write_all(b"unread").unwrap();
    // To close a socket with something unread resets the connection.
    peek(&client);
    drop(client);
    assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(connection);
    assert_eq!(totals(&connections), [1, 0, 0, 6]);
}

#[test]
fn time_in_a_queue_is_not_idle_time() {
    let connections = Connections::new(Some(SOON));
    let (mut client, mut connection) = connection(&connections);
    pause(&client, 2 * SOON);
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(echo(&mut connection).unwrap(), 5);
}

#[test]
fn sending_now_and_then_keeps_a_connection() {
    // Much longer than a pause, so that a busy machine doesn't make one too long.
    const LIMIT: Duration = Duration::from_secs(1);
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
    assert_eq!(totals(&connections), [1, 0, 0, sent]);
}

#[test]
fn a_close_ends_waiting_connections_at_once() {
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
    assert_eq!(totals(&connections), [1, 1, 0, 2]);
}

#[test]
fn reads_and_writes_end_with_the_grace() {
    let connections = Arc::new(Connections::new(None));
    let (silent, mut reading) = connection(&connections);
    let (flooding, mut writing) = self::connection(&connections);
    let reading = background(move || (echo(&mut reading).unwrap_err(), reading));
    // It is dropped at its end, as its client would otherwise wait for room.
    let writing = background(move || echo(&mut writing).unwrap_err());
    round_trip(&silent);
    round_trip(&flooding);
    let sending = background(move || (&flooding).write_all(&vec![0; 64 << 20]).unwrap_err());
    let begin = Instant::now();
    connections.close(SOON);
    assert!(SOON <= begin.elapsed() && begin.elapsed() < LATER, "{:?}", begin.elapsed());
    let ((read, mut connection), written) = (reading(), writing());
    assert_eq!([read.kind(), written.kind()], [ErrorKind::ConnectionAborted; 2], "{read}, {written}");
    assert_eq!(rest(&silent), b"");
    sending();
    assert_eq!(connections.totals().served, 2);
    // Nor does a second close give another grace.
    let again = thread::spawn(move || connections.close(SOON));
    while !again.is_finished() {
        assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
    }
    again.join().unwrap();
}

#[test]
fn no_connection_is_served_after_a_close() {
    let connections = Connections::new(None);
    connections.close(LATER);
    let (client, mut connection) = connection(&connections);
    assert_eq!(rest(&client), b"");
    assert_eq!(connection.write(b"hello").unwrap_err().kind(), ErrorKind::ConnectionAborted);
    drop(connection);
    assert_eq!(totals(&connections), [0, 1, 0, 0]);
}

#[test]
fn a_handlers_panic_ends_its_connection() {
    let connections = Connections::new(None);
    let (client, mut connection) = connection(&connections);
    let handler = thread::spawn(move || {
        connection.write_all(b"!").unwrap();
        panic!("in the handler");
    });
    assert!(handler.join().is_err());
    assert_eq!(rest(&client), b"!");
    assert_eq!(totals(&connections), [1, 0, 0, 1]);
    // Returns at once: it isn't being served any more.
    let begin = Instant::now();
    connections.close(LATER);
    assert!(begin.elapsed() < LATER);
}

#[test]
fn an_idle_timeout_of_zero_is_an_error() {
    let connections = Connections::new(Some(Duration::ZERO));
    let (mut client, mut connection) = connection(&connections);
    client.write_all(b"??").unwrap();
    for _ in 0..2 {
        assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
