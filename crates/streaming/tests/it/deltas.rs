//! Text that is shown while it is written: beside the log, in its place, lost rather than waited for.

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::Store;
use mcp_orchestrator_streaming::{Bridge, ClientEvents, Cursor, StreamItem, Watch};

use crate::{
    driven::{drive, settle},
    scripted_store::{ScriptedStore, Told},
    story,
};

fn at(cursor: &str) -> Cursor {
    cursor.parse().unwrap()
}

/// Everything there is now: events by their ids, deltas by their text.
async fn now(watch: &mut Watch) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        settle().await;
        while let Some(Some(item)) = watch.next().now_or_never() {
            seen.push(match item.unwrap() {
                StreamItem::Event(event) => event.event.id.to_string(),
                StreamItem::Delta(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                other => panic!("{other:?}"),
            });
        }
    }
    seen
}

async fn ids_now(events: &mut ClientEvents) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        settle().await;
        while let Some(Some(event)) = events.next().now_or_never() {
            seen.push(event.unwrap().id.to_string());
        }
    }
    seen
}

async fn publish(store: &ScriptedStore, text: &str) {
    store.publish_ephemeral(&story::id(), Bytes::copy_from_slice(text.as_bytes())).await;
}

async fn watched() -> (std::sync::Arc<ScriptedStore>, Bridge, Watch) {
    let store = ScriptedStore::new(&story::id(), story::long(40), 3);
    let bridge = drive(store.clone());
    let mut watch = bridge.watch(&story::id(), at("0-3-0"));
    assert_eq!(now(&mut watch).await, Vec::<String>::new());
    (store, bridge, watch)
}

#[tokio::test(start_paused = true)]
async fn deltas_come_between_the_records_they_were_written_between() {
    let (store, bridge, mut watch) = watched().await;
    let mut events = bridge.events(&story::id(), at("0-3-0"));
    assert_eq!(ids_now(&mut events).await, Vec::<String>::new());
    let other = WorkflowId::new("research_000000000002").unwrap();
    store.publish_ephemeral(&other, Bytes::from_static(b"other")).await;
    publish(&store, "del").await;
    store.append(1, Told::Precisely);
    publish(&store, "ta").await;
    assert_eq!(now(&mut watch).await, ["del", "0-4-0", "ta"]);
    publish(&store, "s").await;
    assert_eq!(now(&mut watch).await, ["s"]);
    assert_eq!(ids_now(&mut events).await, ["0-4-0"], "who reads events is shown no deltas");
}

#[tokio::test(start_paused = true)]
async fn a_watch_shows_what_is_written_from_now_on() {
    let (store, bridge, mut first) = watched().await;
    publish(&store, "early").await;
    assert_eq!(now(&mut first).await, ["early"]);
    let mut second = bridge.watch(&story::id(), at("0-3-0"));
    publish(&store, "late").await;
    assert_eq!(now(&mut second).await, ["late"]);
    assert_eq!(now(&mut first).await, ["late"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watch_loses_the_oldest_deltas_and_no_event() {
    let (store, _bridge, mut slow) = watched().await;
    for number in 0..300 {
        publish(&store, &number.to_string()).await;
        settle().await;
    }
    store.append(2, Told::Precisely);
    settle().await;
    let seen = now(&mut slow).await;
    assert_eq!(seen[..2], ["44", "45"]);
    assert_eq!(seen[seen.len() - 3..], ["299", "0-4-0", "0-5-0"]);
    assert_eq!(seen.len(), 258);
}

#[tokio::test(start_paused = true)]
async fn deltas_are_bounded_in_bytes_too() {
    let (store, _bridge, mut slow) = watched().await;
    let long = "x".repeat(20 * 1024);
    for _ in 0..10 {
        publish(&store, &long).await;
        settle().await;
    }
    assert_eq!(now(&mut slow).await.len(), 3);
}
