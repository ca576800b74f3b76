//! Requests that are refused: the class, the pause, the id and the cost of each, and no key in any of it.

use std::time::Duration;

use mcp_orchestrator_domain::{Cost, FailureClass as Class};
use serde_json::json as value;

use super::{
    KEY, Subject, Trouble, Voice,
    server::{Act, answer, json},
    streamed, troubled,
};

async fn class_of(subject: Subject, trouble: Trouble) -> Class {
    subject.refused(troubled(subject.voice, trouble)).await.class()
}

/// Nobody asks again with the same key.
pub async fn a_wrong_key_is_told(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::Auth).await, Class::Auth);
    assert_eq!(subject.refused(answer(401, &[], "")).await.class(), Class::Auth);
}

/// Milliseconds, seconds, a date, a field of the body, words: whatever way there is to say it.
pub async fn a_rate_limit_has_its_pause_in_every_form(subject: Subject) {
    let (status, body) = subject.voice.trouble(Trouble::RateLimited);
    for (headers, expected) in [
        ("retry-after: 7", Some(7_000)),
        ("retry-after: 0.5", Some(500)),
        ("retry-after-ms: 1500\r\nretry-after: 7", Some(1_500)),
        ("date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:42 GMT", Some(42_000)),
        ("x-none: 1", None),
    ] {
        let error = subject.refused(answer(status, &[headers], &body.to_string())).await;
        assert_eq!(error.class(), Class::RateLimited, "{headers}");
        assert_eq!(error.retry_after, expected.map(Duration::from_millis), "{headers}");
    }
    let mut told = body.clone();
    let info = value!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "9s"});
    told["error"]["details"] = value!([info]);
    let error = subject.refused(json(status, &told.to_string())).await;
    assert_eq!(error.retry_after, Some(Duration::from_secs(9)));
    let mut told = body;
    told["error"]["message"] = "Rate limit reached. Please try again in 1m2.5s.".into();
    let error = subject.refused(json(status, &told.to_string())).await;
    assert_eq!(error.retry_after, Some(Duration::from_millis(62_500)));
}

/// Some services give a number where others give a word.
pub async fn a_number_for_a_code_is_read(subject: Subject) {
    for body in [
        r#"{"error":{"message":"slow down","code":429}}"#,
        r#"{"error":{"message":"slow down","code":"429"}}"#,
        r#"[{"error":{"message":"slow down","code":429}}]"#,
        r#"{"code":429,"error":"slow down"}"#,
    ] {
        let error = subject.refused(json(429, body)).await;
        assert_eq!((error.class(), error.status), (Class::RateLimited, Some(429)), "{body}");
        assert!(error.to_string().contains("slow down"), "{error}");
    }
}

/// 503 and 529, in words or without.
pub async fn an_overload_is_no_failure_of_the_request(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::Overloaded).await, Class::Overloaded);
    let error = subject.refused(answer(529, &["retry-after-ms: 1500"], "")).await;
    assert_eq!((error.class(), error.retry_after), (Class::Overloaded, Some(Duration::from_millis(1500))));
}

/// Waiting a little does not help.
pub async fn an_empty_account_is_no_rate_limit(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::NoMoney).await, Class::QuotaExhausted);
}

/// Too many tokens, and too many bytes.
pub async fn a_prompt_that_does_not_fit_is_told(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::TooLong).await, Class::ContextLength);
    assert_eq!(class_of(subject, Trouble::TooLarge).await, Class::ContextLength);
    // From the edge of the service, in the edge's words.
    let error = subject.refused(answer(413, &["content-type: text/html"], "<h1>Payload Too Large</h1>")).await;
    assert_eq!(error.class(), Class::ContextLength);
}

/// The prompt is at fault, not the service.
pub async fn a_filtered_prompt_is_told(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::Filtered).await, Class::ContentFilter);
}

/// The name is at fault.
pub async fn an_unknown_model_is_told(subject: Subject) {
    assert_eq!(class_of(subject, Trouble::NoModel).await, Class::NotFound);
}

/// Whatever stands in front of a service answers in its own way.
pub async fn html_and_nothing_are_survived(subject: Subject) {
    let error = subject.refused(answer(500, &["content-type: text/html"], "<html>upstream exploded</html>")).await;
    assert_eq!((error.class(), error.status), (Class::Server, Some(500)));
    assert!(error.to_string().contains("upstream exploded"), "{error}");
    assert_eq!(subject.refused(answer(404, &[], "")).await.class(), Class::NotFound);
    // The body of an error that breaks takes nothing from its class.
    let cut = b"HTTP/1.1 503 X\r\ncontent-length: 1000\r\nretry-after: 3\r\n\r\n{\"error\"".to_vec();
    let error = subject.after(vec![Act::Send(cut), Act::Close]).await.unwrap_err();
    assert_eq!((error.class(), error.retry_after), (Class::Overloaded, Some(Duration::from_secs(3))));
}

/// What was refused at the door was not paid for.
pub async fn an_error_has_its_status_its_id_and_no_cost(subject: Subject) {
    let (status, body) = subject.voice.trouble(Trouble::RateLimited);
    let id = if subject.voice == Voice::Messages { "request-id: req_9" } else { "x-request-id: req_9" };
    let error = subject.refused(answer(status, &[id], &body.to_string())).await;
    assert_eq!((error.status, error.request_id.as_deref()), (Some(429), Some("req_9")));
    assert_eq!(error.cost, Cost::FREE);
    assert_eq!(error.usage.total(), 0);
}

/// Services repeat a wrong key, or its beginning.
pub async fn a_key_that_comes_back_is_never_shown(subject: Subject) {
    for text in [KEY.to_owned(), format!("{}****", &KEY[..14]), format!("{} {KEY}", "x".repeat(480))] {
        let (status, mut body) = subject.voice.trouble(Trouble::Auth);
        body["error"]["message"] = format!("bad key {text}").into();
        let error = subject.refused(answer(status, &[&format!("x-request-id: {KEY}")], &body.to_string())).await;
        assert!(error.to_string().contains("bad key"), "{error}");
    }
    subject.refused(answer(500, &[], &format!("<b>{KEY}</b>"))).await;
}

/// A status of 200 says that there is an answer, not that it is a good one.
pub async fn an_error_in_a_success_is_an_error(subject: Subject) {
    let body = r#"{"error":{"message":"Upstream rate limit","code":429}}"#;
    let error = subject.refused(json(200, body)).await;
    assert_eq!((error.class(), error.status, error.cost), (Class::RateLimited, Some(429), Cost::Unknown));
    let error = subject.refused(streamed(&format!("data: {body}\n\n"), 100)).await;
    assert_eq!(error.class(), Class::RateLimited);
    let error = subject.refused(json(200, r#"{"code":"server_error","error":"boom"}"#)).await;
    assert_eq!(error.class(), Class::Server);
}
