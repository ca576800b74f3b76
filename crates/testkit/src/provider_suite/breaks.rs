//! Answers that begin well and come to no good end: none of them may pass for an answer.

use mcp_orchestrator_domain::{Cost, FailureClass as Class};

use super::{
    STREAM_END, Subject, Voice, begun, piece,
    server::{Act, answer},
    short_answer, stream_head, streamed,
};

/// The overload of a moment ends a stream with a status of 200.
pub async fn an_error_in_the_middle_ends_the_answer(subject: Subject) {
    let events = subject.voice.begin(&short_answer()).concat() + &subject.voice.overload_in_the_middle();
    let error = subject.refused(streamed(&events, 64)).await;
    assert_eq!((error.class(), error.cost), (Class::Overloaded, Cost::Unknown), "{error}");
    // Where a service counts the prompt before it answers, the count is not lost.
    if matches!(subject.voice, Voice::Messages | Voice::Gemini) {
        assert_eq!(error.usage.input, 1000);
    }
    let named = "event: error\ndata: {\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}\n\n";
    let error = subject.refused(streamed(&(subject.voice.begin(&short_answer()).concat() + named), 64)).await;
    assert_eq!(error.class(), Class::Overloaded, "{error}");
}

/// The connection ends in order, and still something is missing.
pub async fn a_stream_without_its_end_is_truncated(subject: Subject) {
    let events = subject.voice.begin(&short_answer());
    for count in 0..=events.len() {
        let error = subject.refused(streamed(&(": keep-alive\n\n".to_owned() + &events[..count].concat()), 64)).await;
        assert_eq!((error.class(), error.status), (Class::Truncated, Some(200)), "{count} events: {error}");
        assert_eq!(error.cost, Cost::Unknown);
    }
}

/// Also in the middle of an event.
pub async fn a_stream_cut_inside_an_event_is_truncated(subject: Subject) {
    let all = subject.voice.begin(&short_answer()).concat();
    let end = subject.voice.end(&short_answer()).remove(0);
    let half = end.char_indices().map(|(at, _)| at).find(|at| *at > end.len() / 2).unwrap_or(0);
    let error = subject.refused(streamed(&(all + &end[..half]), 64)).await;
    assert_eq!(error.class(), Class::Truncated, "{error}");
}

/// Before the head, in the middle of a stream, in the middle of a body.
pub async fn a_broken_connection_is_a_network_failure(subject: Subject) {
    let events = subject.voice.begin(&short_answer()).concat();
    let error = subject.after(vec![Act::Send(begun(&events, 64)), Act::Close]).await.unwrap_err();
    assert_eq!(error.class(), Class::Network);
    let body = subject.voice.whole(&short_answer()).to_string();
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", body.len(), &body[..20]);
    let error = subject.after(vec![Act::Send(half.into_bytes()), Act::Close]).await.unwrap_err();
    assert_eq!(error.class(), Class::Network);
    let error = subject.after(vec![Act::Close]).await.unwrap_err();
    assert_eq!((error.class(), error.status, error.cost), (Class::Network, None, Cost::Unknown));
}

/// Half a JSON, somebody else's page, nothing, and JSON that is something else. None of it is repeated.
pub async fn a_body_that_is_no_answer_cannot_be_read(subject: Subject) {
    let whole = subject.voice.whole(&short_answer()).to_string();
    for body in [&whole[..20], &whole[..whole.len() - 1], "<html>welcome to the hotel's wifi</html>", "", "{}", "[]"] {
        let outcome = subject.told(answer(200, &["content-type: application/json"], body)).await;
        let error = outcome.unwrap_err();
        // An empty list of chunks is a stream without its end.
        let expected = if body == "[]" && subject.voice == Voice::Gemini { Class::Truncated } else { Class::Decode };
        assert_eq!(error.class(), expected, "{body}: {error}");
        assert!(!error.to_string().contains("hotel"), "{error}");
    }
    let bytes = [stream_head(), piece(b"data: {\"half\":[\n\n"), STREAM_END.to_vec()].concat();
    assert_eq!(subject.refused(bytes).await.class(), Class::Decode);
}
