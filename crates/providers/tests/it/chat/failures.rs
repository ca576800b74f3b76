//! Answers that are not good: the class, the pause, the id and the cost of each, and no key in any of it.

use std::time::Duration;

use mcp_orchestrator_domain::{Cost, FailureClass as Class, Usage};
use mcp_orchestrator_providers::{ProviderError, http::Dialect};

use super::{
    KEY, ask, provider, run,
    server::{Act, STREAM_END, Server, answer, json, piece, stream, stream_head},
};

const BEGUN: [&str; 2] = [
    r#"{"choices":[{"delta":{"role":"assistant","content":"Hel"}}],"usage":{"prompt_tokens":12,"completion_tokens":1}}"#,
    r#"{"choices":[{"delta":{"content":"lo"}}]}"#,
];

const COMPLETE: &str = r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;

fn failed(script: Vec<Act>) -> ProviderError {
    run(async {
        let server = Server::start(vec![script]).await;
        let error = ask(&provider(&server).build().unwrap()).await.unwrap_err();
        let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(!shown.contains(&KEY[..12]), "{shown}");
        error
    })
}

fn refused(answer: Vec<u8>) -> ProviderError {
    failed(vec![Act::Send(answer)])
}

fn begun() -> Vec<u8> {
    let events = BEGUN.iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    [stream_head(), piece(events.as_bytes())].concat()
}

#[test]
fn a_refusal_has_its_class_status_id_and_text_and_costs_nothing() {
    let error = refused(json(
        401,
        r#"{"error":{"message":"Incorrect API key provided","type":"authentication_error","code":"invalid_api_key"}}"#,
    ));
    assert_eq!(error.class(), Class::Auth);
    assert_eq!(error.status, Some(401));
    assert_eq!(error.request_id.as_deref(), Some("req_1"));
    assert_eq!(error.cost, Cost::FREE);
    assert_eq!(error.to_string(), "auth: lab refused (401): Incorrect API key provided [invalid_api_key]");
}

#[test]
fn pauses_are_read_from_headers_and_body() {
    let body = r#"{"error":{"message":"Rate limit reached","code":429}}"#;
    for (header, expected) in [
        ("retry-after: 7", Some(7_000)),
        ("retry-after-ms: 1500", Some(1_500)),
        ("date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:42 GMT", Some(42_000)),
        ("x-none: 1", None),
    ] {
        let error = refused(answer(429, &[header], body));
        assert_eq!(error.class(), Class::RateLimited);
        assert_eq!(error.retry_after, expected.map(Duration::from_millis), "{header}");
    }
    let error = refused(json(529, r#"{"error":{"message":"Overloaded, try again in 20ms"}}"#));
    assert_eq!((error.class(), error.retry_after), (Class::Overloaded, Some(Duration::from_millis(20))));
    let error = refused(json(429, r#"{"error":{"message":"Insufficient balance","code":"insufficient_quota"}}"#));
    assert_eq!(error.class(), Class::QuotaExhausted);
}

#[test]
fn html_and_empty_bodies_of_errors_are_survived() {
    let error = refused(answer(500, &["content-type: text/html"], "<html>upstream exploded</html>"));
    assert_eq!((error.class(), error.status), (Class::Server, Some(500)));
    assert!(error.to_string().contains("upstream exploded"));
    assert_eq!(refused(answer(404, &[], "")).class(), Class::NotFound);
    // The body of an error that never ends, or breaks, takes nothing from its class.
    let cut = b"HTTP/1.1 503 X\r\ncontent-length: 1000\r\nretry-after: 3\r\n\r\n{\"error\"".to_vec();
    let error = failed(vec![Act::Send(cut), Act::Close]);
    assert_eq!((error.class(), error.retry_after), (Class::Overloaded, Some(Duration::from_secs(3))));
}

#[test]
fn redirects_are_not_followed() {
    let error = refused(answer(307, &["location: http://127.0.0.1:1/"], ""));
    assert_eq!((error.class(), error.status), (Class::BadRequest, Some(307)));
}

#[test]
fn an_error_in_a_success_is_an_error() {
    let error = refused(json(200, r#"{"error":{"message":"Upstream rate limit","code":429}}"#));
    assert_eq!((error.class(), error.status, error.cost), (Class::RateLimited, Some(429), Cost::Unknown));
    let error = refused(json(
        200,
        r#"{"choices":[{"error":{"message":"Overloaded","code":502},"message":{"content":""},"finish_reason":"error"}]}"#,
    ));
    assert_eq!(error.class(), Class::Overloaded);
    let error = refused(stream(&[r#"{"error":"model 'x' not found, code: model_not_found"}"#]));
    assert_ne!(error.class(), Class::Decode);
    let error = refused(stream(&[r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#, "[DONE]"]));
    assert_eq!(error.class(), Class::Server);
    // Nulls and empties are no errors.
    let ok = r#"{"error":null,"choices":[{"error":{},"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    run(async {
        let server = Server::saying(json(200, ok)).await;
        ask(&provider(&server).build().unwrap()).await.unwrap();
    });
}

#[test]
fn an_error_in_the_middle_keeps_the_tokens_used() {
    for event in [
        "data: {\"error\":{\"message\":\"Overloaded mid-stream\",\"type\":\"overloaded_error\"}}\n\n",
        "event: error\ndata: {\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}\n\n",
        "error: {\"code\":503,\"message\":\"Loading\",\"type\":\"unavailable_error\"}\n\n",
    ] {
        let error = refused([begun(), piece(event.as_bytes()), STREAM_END.to_vec()].concat());
        assert_eq!(error.class(), Class::Overloaded, "{event}");
        assert_eq!(error.usage, Usage { input: 12, output: 1, ..Usage::default() });
        assert_eq!(error.cost, Cost::Unknown);
    }
}

#[test]
fn a_stream_without_its_end_is_truncated_not_an_answer() {
    let error = refused([begun(), STREAM_END.to_vec()].concat());
    assert_eq!((error.class(), error.status), (Class::Truncated, Some(200)));
    assert_eq!((error.usage.input, error.cost), (12, Cost::Unknown));
    // Also in the middle of an event, and before the first one.
    let error = refused([begun(), piece(b"data: {\"choices\":[{\"delta\":{\"con"), STREAM_END.to_vec()].concat());
    assert_eq!(error.class(), Class::Truncated);
    let error = refused([stream_head(), piece(b": keep-alive\n\n"), STREAM_END.to_vec()].concat());
    assert_eq!(error.class(), Class::Truncated);
}

#[test]
fn a_broken_connection_is_a_network_failure() {
    assert_eq!(failed(vec![Act::Send(begun()), Act::Close]).class(), Class::Network);
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", COMPLETE.len(), &COMPLETE[..40]);
    assert_eq!(failed(vec![Act::Send(half.into_bytes()), Act::Close]).class(), Class::Network);
    let error = failed(vec![Act::Close]);
    assert_eq!((error.class(), error.status, error.cost), (Class::Network, None, Cost::Unknown));
}

#[test]
fn what_cannot_be_read_is_said_without_repeating_it() {
    for body in [
        &COMPLETE[..40],
        "<html>welcome to the hotel's wifi</html>",
        "",
        "[]",
        "{}",
        "{\"choices\":\"sk-test-0123456789abcdefghij\"}",
    ] {
        let error = refused(answer(200, &["content-type: application/json"], body));
        assert_eq!(error.class(), Class::Decode, "{body}");
        assert!(!error.to_string().contains("hotel"), "{error}");
    }
    assert_eq!(refused(stream(&["{\"choices\":[", "[DONE]"])).class(), Class::Decode);
    assert_eq!(refused(stream(&["[DONE]"])).class(), Class::Decode);
}

#[test]
fn a_key_that_comes_back_is_never_shown() {
    let long = "x".repeat(480);
    for text in [KEY.to_owned(), format!("{}****", &KEY[..14]), format!("{long} {KEY}")] {
        let body = serde_json::json!({"error":{"message":format!("bad key {text}"),"code":KEY}}).to_string();
        let error = refused(answer(401, &[&format!("x-request-id: {KEY}")], &body));
        assert_eq!(error.class(), Class::Auth);
        assert!(error.to_string().contains("bad key"));
    }
    refused(answer(500, &[], &format!("<b>{KEY}</b>")));
}

#[test]
fn nobody_listening_is_a_free_network_failure() {
    run(async {
        let gone = Server::saying(Vec::new()).await;
        let provider = provider(&gone).build().unwrap();
        drop(gone);
        tokio::task::yield_now().await;
        let error = ask(&provider).await.unwrap_err();
        assert_eq!((error.class(), error.cost), (Class::Network, Cost::FREE));
        assert!(error.to_string().contains("refused"), "{error}");
    });
}

#[test]
fn a_local_servers_failure_is_free() {
    run(async {
        let server = Server::saying([begun(), STREAM_END.to_vec()].concat()).await;
        let provider = provider(&server).with_dialect(Dialect::LOCAL).build().unwrap();
        let error = ask(&provider).await.unwrap_err();
        assert_eq!((error.class(), error.cost), (Class::Truncated, Cost::FREE));
    });
}
