//! Good answers, in all the shapes in which they come.

use mcp_orchestrator_domain::FinishReason;
use mcp_orchestrator_providers::ChatAnswer;

use super::{
    End, KEY, Pieces, Said, SaidCall, Subject, answer_of_everything, ask,
    server::{Server, json},
    short_answer, streamed, usage,
};

/// Large enough that every event comes in one piece.
const WHOLE: usize = 1 << 20;

fn expect(subject: Subject, said: &Said, answer: &ChatAnswer, how: &str) {
    let message = &answer.reply.message;
    assert_eq!(message.text, said.text.concat(), "{how}");
    let calls: Vec<_> = message.tool_calls.iter().map(|c| (c.id.as_str(), c.name.as_str())).collect();
    let expected: Vec<_> = said.calls.iter().map(|c| (c.id.as_str(), c.name.as_str())).collect();
    assert_eq!(calls, expected, "{how}");
    for (call, said) in message.tool_calls.iter().zip(&said.calls) {
        let (got, sent) = (call.arguments.as_str(), said.arguments.concat());
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parsed(got), parsed(&sent), "{how}");
    }
    assert_eq!(answer.usage, usage(subject.voice.tells(said.counts)), "{how}");
    assert_eq!(answer.reply.model.as_deref(), Some("model-1"), "{how}");
    assert_eq!(answer.reply.request_id.as_deref(), Some("req_1"), "{how}");
}

/// The request goes to the wire's place; the key is in the wire's header, and nowhere else.
pub async fn a_request_goes_where_it_should_with_the_key_in_its_header_alone(subject: Subject) {
    let server = Server::saying(json(200, &subject.voice.whole(&short_answer()).to_string())).await;
    ask(&*subject.at(&server), &mut Pieces::default()).await.unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.line, subject.voice.request_line());
    let (header, lead) = subject.voice.key_header();
    assert_eq!(request.header(header), Some(format!("{lead}{KEY}").as_str()));
    let others = request.headers.iter().filter(|(name, _)| name != header);
    assert!(!format!("{} {:?} {}", request.line, others.collect::<Vec<_>>(), request.body).contains(KEY));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

/// Text is heard while it comes; the answer holds it again.
pub async fn a_stream_gives_its_pieces_at_once_and_the_whole_at_the_end(subject: Subject) {
    let said = answer_of_everything();
    let server = Server::saying(streamed(&subject.voice.events(&said), WHOLE)).await;
    let mut pieces = Pieces::default();
    let answer = ask(&*subject.at(&server), &mut pieces).await.unwrap();
    assert_eq!(pieces.0, said.text);
    assert_eq!(answer.reply.finish, FinishReason::ToolCalls);
    expect(subject, &said, &answer, "streamed");
}

/// A server that is asked for a stream may answer in one piece; text is then heard once.
pub async fn a_whole_body_is_the_same_answer(subject: Subject) {
    let said = answer_of_everything();
    let server = Server::saying(json(200, &subject.voice.whole(&said).to_string())).await;
    let mut pieces = Pieces::default();
    let answer = ask(&*subject.at(&server), &mut pieces).await.unwrap();
    assert_eq!(pieces.0.concat(), said.text.concat());
    assert_eq!(answer.reply.finish, FinishReason::ToolCalls);
    expect(subject, &said, &answer, "whole");
    let streamed = subject.told(streamed(&subject.voice.events(&said), WHOLE)).await.unwrap();
    assert_eq!((streamed.reply, streamed.usage, streamed.cost), (answer.reply, answer.usage, answer.cost));
}

/// Pieces of one byte, of seven, of any number: also inside characters and between line ends.
pub async fn events_cut_anywhere_change_nothing(subject: Subject) {
    let said = answer_of_everything();
    let events = subject.voice.events(&said);
    for piece_bytes in [1, 2, 3, 5, 7, 11, 64, 1000] {
        let answer = subject.told(streamed(&events, piece_bytes)).await.unwrap();
        expect(subject, &said, &answer, &format!("{piece_bytes} bytes"));
    }
}

/// `\r\n` and `\r` end lines too, comments are nothing, and the last blank line may be missing.
pub async fn lines_may_end_in_every_way(subject: Subject) {
    let said = answer_of_everything();
    let events = format!(": hello\n\n{}", subject.voice.events(&said));
    for events in [events.replace('\n', "\r\n"), events.replace('\n', "\r"), events.trim_end().to_owned()] {
        let answer = subject.told(streamed(&events, 7)).await.unwrap();
        expect(subject, &said, &answer, "line ends");
    }
}

/// Pieces of several calls come in turns.
pub async fn calls_that_come_interleaved_are_told_apart(subject: Subject) {
    let call = |n: usize| SaidCall {
        id: format!("c{n}"),
        name: format!("tool_{n}"),
        arguments: format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n)).chars().map(String::from).collect(),
    };
    let said = Said { calls: (0..9).map(call).collect(), ..answer_of_everything() };
    let answer = subject.told(streamed(&subject.voice.events(&said), WHOLE)).await.unwrap();
    expect(subject, &said, &answer, "interleaved");
}

/// A service that names no call leaves nobody unable to answer it.
pub async fn calls_without_ids_get_their_own(subject: Subject) {
    let mut said = answer_of_everything();
    for call in &mut said.calls {
        call.id.clear();
    }
    // An item of the Responses wire has an id besides the call's; that one will do.
    for bytes in [streamed(&subject.voice.events(&said), WHOLE), json(200, &subject.voice.whole(&said).to_string())] {
        let answer = subject.told(bytes).await.unwrap();
        let calls = answer.reply.message.tool_calls;
        assert_eq!(calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>(), ["corpus_search", "corpus_read"]);
        assert!(!calls[0].id.is_empty() && !calls[1].id.is_empty() && calls[0].id != calls[1].id, "{calls:?}");
    }
}

/// An answer that reached the limit is one, and is known to be cut.
pub async fn an_answer_cut_by_the_token_limit_says_so(subject: Subject) {
    let said = Said { end: End::Length, ..short_answer() };
    for bytes in [streamed(&subject.voice.events(&said), WHOLE), json(200, &subject.voice.whole(&said).to_string())] {
        let answer = subject.told(bytes).await.unwrap();
        assert_eq!(answer.reply.finish, FinishReason::Length);
        expect(subject, &said, &answer, "length");
    }
}

/// As for the limit.
pub async fn an_answer_cut_by_a_filter_says_so(subject: Subject) {
    let said = Said { end: End::Filter, ..short_answer() };
    for bytes in [streamed(&subject.voice.events(&said), WHOLE), json(200, &subject.voice.whole(&said).to_string())] {
        assert_eq!(subject.told(bytes).await.unwrap().reply.finish, FinishReason::ContentFilter);
    }
}

/// A whole answer is whole whatever word stands for its end.
pub async fn reasons_nobody_knows_and_empty_ones_are_survived(subject: Subject) {
    let whole = subject.voice.whole(&short_answer());
    for word in ["", "weather"] {
        let body = subject.voice.with_reason(&whole, word).to_string();
        let answer = subject.told(json(200, &body)).await.unwrap();
        assert_eq!(answer.reply.message.text, short_answer().text.concat(), "{word:?}");
    }
}

/// An answer read to its end leaves its connection to the next.
pub async fn two_chats_share_one_connection(subject: Subject) {
    let server = Server::saying(streamed(&subject.voice.events(&short_answer()), WHOLE)).await;
    let provider = subject.at(&server);
    ask(&*provider, &mut Pieces::default()).await.unwrap();
    ask(&*provider, &mut Pieces::default()).await.unwrap();
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}
