//! Connections that misbehave, and the end of the server.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mcp_orchestrator_testkit::ScriptedProvider;
use mcp_orchestrator_transport_http::{ConnectionLimits, Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower::service_fn;

use crate::{
    client::{Events, PATIENCE, exchange},
    setting::{held_site, site, site_with, start},
};

fn limits(connections: ConnectionLimits) -> Settings {
    Settings { connections, ..Settings::default() }
}

/// Reads until the server closes.
async fn closed(mut stream: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    // A connection that was reset is closed too.
    let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await.expect("closed in time");
    got
}

#[tokio::test]
async fn clients_that_dawdle_over_their_head_are_let_go_and_others_are_served() {
    let head_deadline = Duration::from_millis(100);
    let site = site_with(limits(ConnectionLimits { head_deadline, ..ConnectionLimits::default() })).await;
    let mut slow = Vec::new();
    // Nothing at all, a part of HTTP/2's preface, a part of a head.
    for begin in [&b""[..], b"PRI * HT", b"GET /livez HTTP/1.1\r\nHost: "] {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(site.get("/livez").await.status, 200);
    for stream in slow {
        closed(stream).await;
    }
    assert_eq!(site.get("/livez").await.status, 200);
    site.stop().await;
}

#[tokio::test]
async fn one_address_has_its_share_of_connections() {
    let site = site_with(limits(ConnectionLimits { per_address: 2, ..ConnectionLimits::default() })).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", site.address).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let third = TcpStream::connect(site.address).await.unwrap();
    assert_eq!(closed(third).await, b"", "closed without a word");
    drop(held);
    // The places come back once the server has noticed.
    loop {
        let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", site.address);
        if exchange(site.address, request.as_bytes()).await.starts_with(b"HTTP/1.1 200") {
            break;
        }
        tokio::task::yield_now().await;
    }
    site.stop().await;
}

#[tokio::test]
async fn nonsense_is_refused_and_the_server_goes_on() {
    let site = site().await;
    for sent in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\x00\x00\x00\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let got = closed(stream).await;
        assert!(got.is_empty() || got.starts_with(b"HTTP/1.1 400"), "{:?}", String::from_utf8_lossy(&got));
    }
    assert_eq!(site.get("/livez").await.status, 200);
    site.stop().await;
}

#[tokio::test]
async fn http_2_is_spoken_to_who_speaks_it_and_ends_with_its_last_word() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driving = tokio::spawn(connection);
    let ask = |path: &str| {
        let uri = format!("http://{}{path}", site.address);
        Request::builder().uri(uri).body(Empty::<Bytes>::new()).unwrap()
    };
    let (patterns, missing, events) = tokio::join!(
        sender.clone().send_request(ask("/v1/patterns")),
        sender.clone().send_request(ask("/nowhere")),
        sender.send_request(ask(&format!("/v1/workflows/{id}/events"))),
    );
    assert_eq!(patterns.unwrap().status(), 200);
    assert_eq!(missing.unwrap().headers()["content-type"], "application/problem+json");
    let handle = site.handle.clone();
    let serving = site.stopping();
    let told = events.unwrap().into_body().collect().await.unwrap().to_bytes();
    let told = String::from_utf8(told.to_vec()).unwrap();
    assert!(told.trim_end().lines().last().unwrap().contains("\"reason\":\"shutdown\""), "{told}");
    serving.await.unwrap().unwrap();
    drop(sender);
    driving.await.unwrap().unwrap();
    handle.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn head_has_the_length_of_an_answer_and_no_body_over_http_2_too() {
    let answer = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>("spoken by a protocol of its own") });
    let site = start(Settings::default(), ScriptedProvider::obliging(2), |http| http.with_mcp(answer)).await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driving = tokio::spawn(connection);
    for path in ["/nowhere", "/mcp", "/v1/patterns"] {
        let mut answered = Vec::new();
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(format!("http://{}{path}", site.address));
            // Of one length however often it is asked.
            let request = request.header("X-Request-ID", "of-one-length").body(Empty::<Bytes>::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let length = answer.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            answered.push((length, body.len()));
        }
        let [(told, sent), (told_of_head, sent_of_head)] = answered.try_into().unwrap();
        assert_eq!((told, sent_of_head), (Some(sent.to_string()), 0), "{path}");
        assert_eq!(told_of_head, Some(sent.to_string()), "{path}");
    }
    drop(sender);
    driving.await.unwrap().unwrap();
    site.stop().await;
}

#[tokio::test]
async fn who_stops_reading_is_let_go() {
    let write_deadline = Duration::from_millis(200);
    let site = site_with(limits(ConnectionLimits { write_deadline, ..ConnectionLimits::default() })).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let ask =
        format!("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\n\r\n", site.address);
    // More than all buffers on the way hold, and nothing of it is read.
    stream.write_all(ask.repeat(100).as_bytes()).await.unwrap();
    assert_eq!(site.get("/livez").await.status, 200);
    let open = || async {
        let metrics = site.get("/metrics").await.text();
        let line = metrics.lines().find(|line| line.starts_with("orchestrator_http_connections ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    tokio::time::timeout(PATIENCE, async { while open().await > 1 {} }).await.expect("let go in time");
    drop(stream);
    site.stop().await;
}

#[tokio::test]
async fn the_end_closes_idle_connections_and_streams_say_their_last_word() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let mut events = Events::open(site.address, &format!("/v1/workflows/{id}/events"), &[]).await;
    let mut last = events.next().await.unwrap();
    let idle = TcpStream::connect(site.address).await.unwrap();
    let (handle, address) = (site.handle.clone(), site.address);
    let serving = site.stopping();
    let mut id_before = last.id.clone();
    while let Some(event) = events.next().await {
        id_before = last.id.clone();
        last = event;
    }
    assert_eq!(last.name.as_deref(), Some("stream_closed"));
    assert_eq!(last.data["data"]["reason"], "shutdown");
    assert_eq!(last.id, id_before, "where the stream goes on elsewhere");
    closed(idle).await;
    tokio::time::timeout(PATIENCE, serving).await.expect("drained").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
    handle.shutdown(Duration::ZERO).await.unwrap();
}
