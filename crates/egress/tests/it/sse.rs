//! Server-sent events from bytes however they were split, and from an answer.

use mcp_orchestrator_egress::{
    HttpClient, HttpError, Request,
    sse::{SseDecoder, SseError, SseEvent, SseStream},
};
use proptest::prelude::*;

use super::server::{Server, Then};

fn decode(parts: &[&[u8]]) -> Vec<SseEvent> {
    let mut decoder = SseDecoder::default();
    let mut events = Vec::new();
    for part in parts {
        decoder.push(part, &mut events).unwrap();
    }
    events.extend(decoder.finish());
    events
}

fn data(events: &[SseEvent]) -> Vec<&str> {
    events.iter().map(|event| event.data.as_str()).collect()
}

#[test]
fn fields_comments_and_line_ends_follow_the_standard() {
    let text =
        "\u{feff}: hello\ndata: one\n\ndata:two\r\rid: 7\r\ndata: a\r\ndata: b\r\nretry: 5\r\n\r\ndata\n\nnonsense\n\n";
    assert_eq!(data(&decode(&[text.as_bytes()])), ["one", "two", "a\nb", ""]);
}

#[test]
fn an_event_without_its_blank_line_is_not_lost() {
    assert_eq!(data(&decode(&[b"data: 1\n\ndata: [DONE]"])), ["1", "[DONE]"]);
    assert_eq!(data(&decode(&[b"data: 1\n\ndata: [DONE]\n"])), ["1", "[DONE]"]);
    assert!(decode(&[b"data: 1\n\n"]).len() == 1);
}

#[test]
fn errors_are_told_apart_by_event_name_and_by_field() {
    let events = decode(&[b"event: error\ndata: {}\n\nerror: {\"code\":500}\n\nevent: delta\ndata: x\n\n"]);
    assert_eq!(events.iter().map(|event| event.is_error).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn endless_lines_and_events_are_refused() {
    let mut decoder = SseDecoder::default();
    let block = vec![b'x'; 1024 * 1024];
    let mut outcome = Ok(());
    for _ in 0..9 {
        outcome = outcome.and_then(|()| decoder.push(&block, &mut Vec::new()));
    }
    assert_eq!(outcome.unwrap_err().to_string(), "an event is longer than 8388608 bytes");

    let mut decoder = SseDecoder::default();
    let line = [b"data: ".as_slice(), &block, b"\n"].concat();
    let mut outcome = Ok(());
    for _ in 0..9 {
        outcome = outcome.and_then(|()| decoder.push(&line, &mut Vec::new()));
    }
    assert_eq!(outcome.unwrap_err().to_string(), "an event is longer than 8388608 bytes");
}

proptest! {
    #[test]
    fn the_same_events_come_of_every_split(
        lines in prop::collection::vec("(data: ?|: |event: |id|error:)?[a-zä漢😀 :]{0,12}", 0..20),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\n\r\n"]), 20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let text = lines.iter().zip(&ends).fold(String::new(), |text, (line, end)| text + line + end);
        let bytes = text.as_bytes();
        let whole = decode(&[bytes]);

        let mut cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect::<Vec<_>>();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        let mut parts = Vec::new();
        let mut from = 0;
        for cut in cuts {
            parts.push(&bytes[from..cut]);
            from = cut;
        }
        prop_assert_eq!(&decode(&parts), &whole);

        let single = bytes.chunks(1).collect::<Vec<_>>();
        prop_assert_eq!(&decode(&single), &whole);
    }

    #[test]
    fn line_ends_do_not_matter(lines in prop::collection::vec("(data: |: )[a-z]{0,8}|", 0..20)) {
        let with = |end: &str| decode(&[(lines.join(end) + end).as_bytes()]);
        prop_assert_eq!(with("\n"), with("\r\n"));
        prop_assert_eq!(with("\n"), with("\r"));
    }
}

#[test]
fn names_are_an_events_own_and_ids_last_until_the_next() {
    let events =
        decode(&[b"data: a\n\nid: 1\nevent: start\ndata: b\n\ndata: c\n\nid\ndata: d\n\nid: 2\n\ndata: e\n\n"]);
    let told: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.id.as_str())).collect();
    assert_eq!(told, [("", ""), ("start", "1"), ("", "1"), ("", ""), ("", "2")]);
}

#[tokio::test]
async fn the_events_of_an_answer_come_one_by_one_and_a_broken_connection_is_told() {
    let body = "id: 1\ndata: one\n\n: alive\n\nid: 2\ndata: two";
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Server::start(whole, Then::NextRequest).await;
    let response = HttpClient::default().send(Request::get(&server.base(), "/events")).await.unwrap();
    let mut stream = SseStream::new(response);
    assert_eq!(stream.next().await.unwrap().unwrap().id, "1");
    assert_eq!(stream.next().await.unwrap().unwrap().data, "two");
    assert_eq!(stream.next().await.unwrap(), None);
    assert_eq!(stream.next().await.unwrap(), None);

    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{body}");
    let server = Server::start(cut, Then::Close).await;
    let response = HttpClient::default().send(Request::get(&server.base(), "/events")).await.unwrap();
    let mut stream = SseStream::new(response);
    assert_eq!(stream.next().await.unwrap().unwrap().data, "one");
    assert!(matches!(stream.next().await, Err(SseError::Http(HttpError::Broken(_)))));
    assert_eq!(stream.next().await.unwrap(), None);
}
