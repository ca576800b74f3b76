//! The end of streams before the end of their workflows: a last event, at once, and nothing lost for whoever goes on.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_streaming::{Bridge, ClientData, ClientEvent, ClientEvents, CloseReason, Cursor};
use proptest::prelude::*;

use crate::{
    driven::{drive, settle},
    scripted_store::{ScriptedStore, Told},
    story,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The last event of a closed stream, and that it is the last.
fn last(stream: &mut ClientEvents) -> ClientEvent {
    let event = stream.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(event.data, ClientData::StreamClosed { status: None, reason: CloseReason::Shutdown });
    assert_eq!(stream.next().now_or_never(), Some(None));
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_id_of_the_closing_event_is_where_another_process_goes_on(
        taken in 0_usize..60,
        visible in 1_usize..40,
        resumed_at in 0_usize..60,
    ) {
        let log = story::eventful(story::completed());
        let length = log.len();
        let (before, after, whole) = runtime().block_on(async {
            let whole: Vec<ClientEvent> =
                drive(ScriptedStore::new(&story::id(), log.clone(), length)).events(&story::id(), Cursor::START)
                    .try_collect().await.unwrap();
            let store = ScriptedStore::new(&story::id(), log, visible.min(length));
            let here = drive(store.clone());
            let from = resumed_at.checked_sub(1).and_then(|n| whole.get(n)).map_or(Cursor::START, |event| event.id);
            let mut stream = here.events(&story::id(), from);
            let mut before: Vec<ClientEvent> = whole.iter().take_while(|event| event.id <= from).cloned().collect();
            for _ in 0..taken {
                settle().await;
                let Some(Some(event)) = stream.next().now_or_never() else { break };
                before.push(event.unwrap());
            }
            here.close();
            before.extend(stream.try_collect::<Vec<_>>().await.unwrap());
            store.append(length, Told::NotAtAll);
            let cursor = before.last().unwrap().id;
            let after: Vec<ClientEvent> = drive(store).events(&story::id(), cursor).try_collect().await.unwrap();
            (before, after, whole)
        });
        let is_closing = |event: &ClientEvent| matches!(event.data, ClientData::StreamClosed { status: None, .. });
        let mut seen: Vec<ClientEvent> = before.into_iter().filter(|event| !is_closing(event)).collect();
        // A position beyond the log as it is here makes the reader begin again.
        if let Some(reset) = seen.iter().position(|event| event.data == ClientData::StreamReset {}) {
            seen.drain(..=reset);
        }
        seen.extend(after.into_iter().filter(|event| event.data != ClientData::StreamReset {}));
        prop_assert_eq!(seen, whole);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_ends_those_who_wait_those_who_replay_and_those_who_come_later() {
    let store = ScriptedStore::new(&story::id(), story::long(400), 300);
    let bridge = drive(store.clone());
    let waiting = tokio::spawn(bridge.events(&story::id(), "0-300-0".parse().unwrap()).try_collect::<Vec<_>>());
    let mut replaying = bridge.events(&story::id(), Cursor::START);
    let seen = replaying.next().await.unwrap().unwrap();
    let mut untouched = bridge.events(&story::id(), "0-200-0".parse().unwrap());
    settle().await;
    assert_eq!(bridge.readers(), 3);

    bridge.close();
    bridge.close();
    let ended = waiting.await.unwrap().unwrap();
    assert_eq!((ended.len(), ended[0].id.to_string()), (1, "0-300-0".to_owned()));
    let closing = last(&mut replaying);
    assert_eq!((closing.id, closing.progress), (seen.id, seen.progress));
    assert_eq!(last(&mut untouched).id.to_string(), "0-200-0");
    assert_eq!(last(&mut bridge.events(&story::id(), Cursor::START)).id, Cursor::START);
    let json = serde_json::to_value(&closing).unwrap();
    assert_eq!(json["data"], serde_json::json!({"status": null, "reason": "shutdown"}));
}

#[tokio::test(start_paused = true)]
async fn closing_waits_neither_for_a_store_that_hangs_nor_for_a_reader_that_does() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let bridge = drive(store.clone());
    let mut current = bridge.events(&story::id(), "0-3-0".parse().unwrap());
    assert!(current.next().now_or_never().is_none());
    settle().await;
    store.hang();
    let opening = tokio::spawn(bridge.events(&story::id(), "0-1-0".parse().unwrap()).try_collect::<Vec<_>>());
    store.append(1, Told::Precisely);
    settle().await;
    bridge.close();
    assert_eq!(opening.await.unwrap().unwrap()[0].id.to_string(), "0-1-0");
    // Nobody looked at this one meanwhile.
    assert_eq!(last(&mut current).id.to_string(), "0-3-0");
}

#[tokio::test(start_paused = true)]
async fn when_the_driving_ends_or_is_dropped_all_streams_are_closed() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let bridge = Bridge::new(store.clone());
    let mut stream = bridge.events(&story::id(), "0-3-0".parse().unwrap());
    bridge.run(async { assert!(stream.next().now_or_never().is_none()) }).await;
    last(&mut stream);

    let bridge = Bridge::new(store);
    let driven = bridge.clone();
    let driving = tokio::spawn(async move { driven.run(std::future::pending()).await });
    let mut stream = bridge.events(&story::id(), "0-3-0".parse().unwrap());
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    driving.abort();
    assert!(driving.await.unwrap_err().is_cancelled());
    last(&mut stream);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_has_begun_to_be_told_is_told_whole() {
    let log = story::eventful(story::failed());
    let length = log.len();
    let bridge = drive(ScriptedStore::new(&story::id(), log, length));
    let mut stream = bridge.events(&story::id(), Cursor::START);
    while stream.next().await.unwrap().unwrap().event_type().as_str() != "workflow_error" {}
    bridge.close();
    let end = stream.next().await.unwrap().unwrap();
    assert!(matches!(end.data, ClientData::StreamClosed { status: Some(_), reason: CloseReason::Ended }));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_bridge_is_let_go_with_its_last_stream() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let bridge = Bridge::new(store.clone());
    let stream = bridge.events(&story::id(), Cursor::START);
    drop(bridge);
    assert_eq!(Arc::strong_count(&store), 2);
    drop(stream);
    assert_eq!(Arc::strong_count(&store), 1);
}
