//! Bounds, reuse and silence of the client.

use std::time::Duration;

use mcp_orchestrator_egress::{BaseUrl, ClientSettings, HttpClient, HttpError, Phase, Request};

use super::server::{Server, Then};

const SHORT: Duration = Duration::from_millis(100);

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nx-one: 1\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn silent(error: &HttpError) -> String {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret"), "{shown}");
    shown
}

#[tokio::test]
async fn an_answer_is_read_and_its_connection_used_again() {
    let server = Server::start(ok("hello"), Then::NextRequest).await;
    let client = HttpClient::default();
    for _ in 0..2 {
        let response = client.send(Request::get(&server.base(), "/models")).await.unwrap();
        assert_eq!((response.status(), response.header("x-one"), response.is_success()), (200, Some("1"), true));
        assert_eq!(response.body().await.unwrap(), b"hello");
    }
    client.send(Request::get(&server.base(), "/models")).await.unwrap().drain(Duration::from_secs(20)).await;
    client.send(Request::post_json(&server.base(), "/chat", "{}")).await.unwrap().body().await.unwrap();
    let request = Request::get(&server.base(), "/list").with_query("after", "a b&c=é").with_query("limit", "5");
    client.send(request).await.unwrap().body().await.unwrap();
    assert_eq!((server.heads().len(), server.connections()), (5, 1));
    assert!(server.heads()[4].starts_with("GET /secret-path/list?after=a+b%26c%3D%C3%A9&limit=5 HTTP/1.1\r\n"));
    assert!(server.heads()[0].starts_with("GET /secret-path/models HTTP/1.1\r\n"));
    assert!(server.heads()[3].starts_with("POST /secret-path/chat HTTP/1.1\r\ncontent-type: application/json\r\n"));
}

#[tokio::test]
async fn a_body_above_its_limit_is_refused_before_it_is_kept() {
    let server = Server::start(ok(&"x".repeat(1001)), Then::NextRequest).await;
    let client = HttpClient::default();
    let request = |max| Request::get(&server.base(), "/").with_body_max(max);
    assert_eq!(client.send(request(1001)).await.unwrap().body().await.unwrap().len(), 1001);
    let error = client.send(request(1000)).await.unwrap().body().await.unwrap_err();
    assert!(matches!(error, HttpError::TooLong { bytes_max: 1000 }), "{}", silent(&error));
    assert_eq!(client.send(request(5000)).await.unwrap().body_prefix(10).await, b"xxxxxxxxxx");
}

#[tokio::test]
async fn a_compressed_body_counts_as_what_it_becomes() {
    // 100,000 times `x` in 132 bytes.
    let mut bomb =
        vec![31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 49, 1, 0, 0, 0, 194, 160, 218, 139, 111, 13, 15, 160];
    bomb.extend([0; 96]);
    bomb.extend([128, 87, 3, 113, 17, 7, 254, 160, 134, 1, 0]);
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 132\r\n\r\n".to_vec();
    answer.extend(bomb);
    let server = Server::start(answer, Then::NextRequest).await;
    let client = HttpClient::default();
    let request = |max| Request::get(&server.base(), "/").with_body_max(max);
    assert_eq!(client.send(request(100_000)).await.unwrap().body().await.unwrap().len(), 100_000);
    let error = client.send(request(99_999)).await.unwrap().body().await.unwrap_err();
    assert!(matches!(error, HttpError::TooLong { .. }), "{}", silent(&error));
}

#[tokio::test]
async fn silence_ends_at_the_limit_of_its_phase_and_closes_the_connection() {
    let mut mute = Server::start("", Then::Wait).await;
    let request = Request::get(&mute.base(), "/").with_head_timeout(SHORT);
    let error = HttpClient::default().send(request).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Head, after: SHORT }), "{}", silent(&error));
    mute.saw_the_client_leave().await;

    let mut stalled = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal", Then::Wait).await;
    let request = Request::get(&stalled.base(), "/").with_idle_timeout(SHORT);
    let error = HttpClient::default().send(request).await.unwrap().body().await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Body, after: SHORT }), "{}", silent(&error));
    stalled.saw_the_client_leave().await;

    let mut settings = ClientSettings::default();
    settings.connect_timeout = SHORT;
    let encrypted = BaseUrl::parse(&mute.base().to_string().replace("http:", "https:")).unwrap();
    let error = HttpClient::new(settings).send(Request::get(&encrypted, "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Connect, after: SHORT }), "{}", silent(&error));
}

#[tokio::test]
async fn connections_that_fail_and_break_are_told_apart() {
    let cut = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal", Then::Close).await;
    let client = HttpClient::default();
    let error = client.send(Request::get(&cut.base(), "/")).await.unwrap().body().await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_)), "{}", silent(&error));

    let rude = Server::start("", Then::Close).await;
    let error = client.send(Request::get(&rude.base(), "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_)), "{}", silent(&error));

    let plain = BaseUrl::parse(&cut.base().to_string().replace("http:", "https:")).unwrap();
    let error = client.send(Request::get(&plain, "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)), "{}", silent(&error));

    let gone = cut.base();
    drop(cut);
    tokio::task::yield_now().await;
    let error = client.send(Request::get(&gone, "/")).await.unwrap_err();
    assert!(silent(&error).contains("refused"));
}

#[tokio::test]
async fn redirects_are_answers() {
    let server =
        Server::start("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    let response = HttpClient::default().send(Request::get(&server.base(), "/")).await.unwrap();
    assert_eq!((response.status(), response.header("location")), (302, Some("/elsewhere")));
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_named_proxy_takes_every_request_and_a_broken_one_none() {
    let proxy = Server::start(ok("from the proxy"), Then::Close).await;
    let mut settings = ClientSettings::default();
    settings.proxy = Some(proxy.base().to_string().replace("http://", "http://user:secret@"));
    assert!(!format!("{settings:?}").contains("secret"));
    let client = HttpClient::new(settings);
    let target = BaseUrl::parse("http://service.invalid/v1").unwrap();
    let body = client.send(Request::get(&target, "/models")).await.unwrap().body().await.unwrap();
    assert_eq!(body, b"from the proxy");
    assert!(proxy.heads()[0].starts_with("GET http://service.invalid/v1/models HTTP/1.1\r\n"));

    let mut settings = ClientSettings::default();
    settings.proxy = Some("http://secret secret".to_owned());
    let error = HttpClient::new(settings).send(Request::get(&target, "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Setup(_)), "{}", silent(&error));
}

#[tokio::test]
async fn headers_that_cannot_be_sent_stop_the_request_and_are_not_shown() {
    let server = Server::start(ok(""), Then::Close).await;
    let request = Request::get(&server.base(), "/").with_secret_header("authorization", "Bearer secret\r\nx-evil: 1");
    let shown = format!("{request:?}");
    assert!(shown.contains("authorization") && !shown.contains("Bearer"), "{shown}");
    let error = HttpClient::default().send(request).await.unwrap_err();
    assert!(matches!(&error, HttpError::Header { name } if name == "authorization"), "{}", silent(&error));
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn another_tls_provider_may_be_there_first() {
    // Whoever comes first stays; the client takes what it finds.
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = Server::start(ok("x"), Then::Close).await;
    let encrypted = BaseUrl::parse(&server.base().to_string().replace("http:", "https:")).unwrap();
    let error = HttpClient::default().send(Request::get(&encrypted, "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)), "{}", silent(&error));
}
