//! The fault proxy before a server that echoes.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use mcp_orchestrator_testkit::FaultProxy;

/// A server that sends back what it gets, until its clients are gone.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut chunk = [0; 64];
                while let Ok(bytes @ 1..) = stream.read(&mut chunk) {
                    if stream.write_all(&chunk[..bytes]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn client(proxy: &FaultProxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client
}

/// What comes back for a word; `None` when the connection is gone.
fn said(client: &mut TcpStream, word: &str) -> Option<String> {
    client.write_all(word.as_bytes()).ok()?;
    heard(client, word.len())
}

fn heard(client: &mut TcpStream, bytes: usize) -> Option<String> {
    let mut back = vec![0; bytes];
    client.read_exact(&mut back).ok()?;
    Some(String::from_utf8(back).unwrap())
}

#[test]
fn what_is_sent_comes_through_until_the_connection_is_cut() {
    let proxy = FaultProxy::start(echo());
    let mut first = client(&proxy);
    assert_eq!(said(&mut first, "hello").as_deref(), Some("hello"));
    proxy.cut();
    assert_eq!(said(&mut first, "gone"), None);
    assert_eq!(said(&mut client(&proxy), "again").as_deref(), Some("again"));
}

#[test]
fn a_stalled_connection_stays_and_what_was_held_back_comes_after() {
    let proxy = FaultProxy::start(echo());
    let mut client = client(&proxy);
    assert_eq!(said(&mut client, "before").as_deref(), Some("before"));
    proxy.stall();
    client.write_all(b"held").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silent = client.read(&mut [0; 4]).unwrap_err().kind();
    assert!(matches!(silent, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silent:?}");
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    proxy.mend();
    assert_eq!(heard(&mut client, 4).as_deref(), Some("held"));
}

#[test]
fn who_is_refused_gets_through_after_the_mending() {
    let proxy = FaultProxy::start(echo());
    proxy.refuse();
    assert_eq!(said(&mut client(&proxy), "nobody"), None);
    proxy.mend();
    assert_eq!(said(&mut client(&proxy), "somebody").as_deref(), Some("somebody"));
}

#[test]
fn further_connections_are_led_to_another_server() {
    let proxy = FaultProxy::start("127.0.0.1:9".parse().unwrap());
    assert_eq!(said(&mut client(&proxy), "nobody"), None);
    proxy.lead_to(echo());
    assert_eq!(said(&mut client(&proxy), "somebody").as_deref(), Some("somebody"));
}

#[test]
fn a_proxy_that_is_dropped_leaves_no_connection() {
    let proxy = FaultProxy::start(echo());
    let mut client = client(&proxy);
    assert_eq!(said(&mut client, "hello").as_deref(), Some("hello"));
    let address = proxy.address();
    drop(proxy);
    assert_eq!(said(&mut client, "gone"), None);
    assert!(TcpStream::connect(address).is_err());
}
