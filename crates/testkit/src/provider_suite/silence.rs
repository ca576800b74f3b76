//! Silence, endlessness and leaving: every wait and every buffer has its end.

use std::time::Duration;

use mcp_orchestrator_domain::{Cost, FailureClass as Class};

use super::{
    LONG, Pieces, Said, SaidCall, Subject, answer_of_everything, ask, begun, piece,
    server::{Act, Server},
    short_answer, stream_head, streamed,
};

const SHORT: Duration = Duration::from_millis(120);

/// No head: it may have cost something all the same.
pub async fn a_silent_server_ends_at_its_time(subject: Subject) {
    let mut server = Server::start(vec![vec![Act::Hang]]).await;
    let error = ask(&*subject.patient(&server, SHORT, LONG), &mut Pieces::default()).await.unwrap_err();
    assert_eq!((error.class(), error.status, error.cost), (Class::Timeout, None, Cost::Unknown));
    server.saw_a_client_leave().await;
}

/// A head, and then nothing.
pub async fn a_body_that_does_not_come_ends_at_its_time(subject: Subject) {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n".to_vec();
    let mut server = Server::start(vec![vec![Act::Send(head), Act::Hang]]).await;
    let error = ask(&*subject.patient(&server, LONG, SHORT), &mut Pieces::default()).await.unwrap_err();
    assert_eq!((error.class(), error.status), (Class::Timeout, Some(200)));
    server.saw_a_client_leave().await;
}

/// Half an answer, and then nothing.
pub async fn a_stalled_stream_ends_at_its_time(subject: Subject) {
    let events = subject.voice.begin(&short_answer()).concat();
    let mut server = Server::start(vec![vec![Act::Send(begun(&events, 64)), Act::Hang]]).await;
    let error = ask(&*subject.patient(&server, LONG, SHORT), &mut Pieces::default()).await.unwrap_err();
    assert_eq!((error.class(), error.status), (Class::Timeout, Some(200)));
    server.saw_a_client_leave().await;
}

/// Before the head and in the middle: the service sees that nobody waits any more.
pub async fn dropping_a_chat_closes_its_connection(subject: Subject) {
    let events = subject.voice.begin(&short_answer()).concat();
    for script in [vec![Act::Hang], vec![Act::Send(begun(&events, 64)), Act::Hang]] {
        let mut server = Server::start(vec![script]).await;
        let provider = subject.at(&server);
        let mut pieces = Pieces::default();
        tokio::select! {
            answer = ask(&*provider, &mut pieces) => panic!("it answered: {answer:?}"),
            () = server.asked() => {}
        }
        server.saw_a_client_leave().await;
    }
}

/// An event without end fills no memory.
pub async fn endless_events_are_refused(subject: Subject) {
    let mut endless = stream_head();
    endless.extend(piece(b"data: "));
    for _ in 0..9 {
        endless.extend(piece(&vec![b'x'; 1024 * 1024]));
    }
    let error = subject.after(vec![Act::Send(endless), Act::Hang]).await.unwrap_err();
    assert_eq!(error.class(), Class::Decode);
}

/// Nor do calls without end.
pub async fn endless_calls_are_refused(subject: Subject) {
    let call = |n: usize| SaidCall { id: format!("c{n}"), name: "t".to_owned(), arguments: vec!["{}".to_owned()] };
    let said = Said { calls: (0..200).map(call).collect(), ..answer_of_everything() };
    let error = subject.refused(streamed(&subject.voice.events(&said), 1 << 20)).await;
    assert_eq!(error.class(), Class::Decode);
    assert!(error.to_string().contains("128 tool calls"), "{error}");
}
