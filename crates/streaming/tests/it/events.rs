//! Client events: resuming at each of them, and how the stream ends.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_domain::Event;
use mcp_orchestrator_streaming::{ClientEvent, ClientEventType, Cursor};

use crate::{
    driven::{drive, settle},
    scripted_store::{ScriptedStore, Told},
    story,
};

async fn all(store: &Arc<ScriptedStore>, cursor: Cursor) -> Vec<ClientEvent> {
    drive(store.clone()).events(&story::id(), cursor).try_collect().await.unwrap()
}

fn finished(end: Event) -> Arc<ScriptedStore> {
    let log = story::eventful(end);
    let length = log.len();
    ScriptedStore::new(&story::id(), log, length)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_after_any_event_goes_on_with_the_next() {
    let store = finished(story::completed());
    let whole = all(&store, Cursor::START).await;
    for (position, event) in whole.iter().enumerate() {
        let id = event.id.to_string().parse().unwrap();
        assert_eq!(all(&store, id).await, whole[position + 1..], "after {}", event.id);
    }
}

#[tokio::test(start_paused = true)]
async fn each_event_has_an_id_of_its_own_and_ids_grow() {
    let whole = all(&finished(story::failed()), Cursor::START).await;
    assert!(whole.windows(2).all(|pair| pair[0].id < pair[1].id));
}

#[tokio::test(start_paused = true)]
async fn every_ending_is_told_and_then_the_stream_is_closed() {
    for (end, name) in [
        (story::completed(), ClientEventType::WorkflowComplete),
        (story::failed(), ClientEventType::WorkflowError),
        (story::cancelled(), ClientEventType::WorkflowCancelled),
    ] {
        let names: Vec<_> =
            all(&finished(end), Cursor::START).await.iter().map(ClientEvent::event_type).rev().take(2).collect();
        assert_eq!(names, [ClientEventType::StreamClosed, name]);
    }
}

#[tokio::test(start_paused = true)]
async fn live_events_are_the_same_as_replayed_ones() {
    let log = story::eventful(story::completed());
    let length = log.len();
    let replayed = all(&finished(story::completed()), Cursor::START).await;
    let store = ScriptedStore::new(&story::id(), log, 1);
    let bridge = drive(store.clone());
    let mut stream = bridge.events(&story::id(), Cursor::START);
    let mut live = Vec::new();
    for _ in 1..length {
        while let Some(Some(event)) = stream.next().now_or_never() {
            live.push(event.unwrap());
        }
        store.append(1, Told::Precisely);
        settle().await;
    }
    assert!(live.len() > 1, "nothing came before the end");
    live.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(live, replayed);
}

#[tokio::test(start_paused = true)]
async fn a_position_the_log_does_not_have_resets_the_reader_and_tells_everything() {
    let store = finished(story::completed());
    let whole = all(&store, Cursor::START).await;
    for beyond in ["0-4000-0", "0-4000-1", "9-1-0"] {
        let events = all(&store, beyond.parse().unwrap()).await;
        assert_eq!(events[0].event_type(), ClientEventType::StreamReset, "{beyond}");
        assert_eq!(events[0].id, Cursor::START);
        assert_eq!(events[1..], whole);
    }
}
