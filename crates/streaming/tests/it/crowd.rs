//! Many readers: what they share, what one costs the others, and what those cost that only wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_streaming::{Bridge, ClientEvents, Cursor, StreamItem, Watch};

use crate::{
    driven::{drive, pass, quiet, settle},
    scripted_store::{IDLE_RECORDS, ScriptedStore, Told},
    story,
};

/// Readers that have seen the first three records, and wait.
async fn current(bridge: &Bridge, count: usize) -> Vec<ClientEvents> {
    let cursor = Cursor::after(Seq::new(3));
    let mut streams: Vec<_> = (0..count).map(|_| bridge.events(&story::id(), cursor)).collect();
    for stream in &mut streams {
        assert!(stream.next().now_or_never().is_none());
        settle().await;
        assert!(stream.next().now_or_never().is_none());
    }
    streams
}

async fn ids(stream: ClientEvents) -> Vec<String> {
    stream.map_ok(|event| event.id.to_string()).try_collect().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn readers_of_one_workflow_share_one_read() {
    let store = ScriptedStore::new(&story::id(), story::long(100), 3);
    let bridge = drive(store.clone());
    let mut streams = current(&bridge, 200).await;
    let reads = store.reads();
    for expected in 4..=40 {
        store.append(1, Told::Precisely);
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().unwrap().id, Cursor::after(Seq::new(expected)));
        }
    }
    assert_eq!(store.reads() - reads, 37);
    assert_eq!((bridge.readers(), bridge.watched()), (200, vec![story::id()]));
}

#[tokio::test(start_paused = true)]
async fn who_begins_where_the_others_are_costs_no_read() {
    let store = ScriptedStore::new(&story::id(), story::long(40), 3);
    let bridge = drive(store.clone());
    let mut streams = current(&bridge, 1).await;
    store.append(9, Told::Precisely);
    let _ = streams[0].next().await;
    let reads = store.reads();
    for seen in 4..=12 {
        let rest = bridge.events(&story::id(), Cursor::after(Seq::new(seen))).take(usize::try_from(12 - seen).unwrap());
        let seqs: Vec<u64> = rest.map_ok(|event| event.id.seq().value()).try_collect().await.unwrap();
        assert_eq!(seqs, (seen + 1..=12).collect::<Vec<_>>());
    }
    assert_eq!(store.reads(), reads);
}

#[tokio::test(start_paused = true)]
async fn a_reader_nobody_polls_holds_up_nobody_and_loses_nothing() {
    let log = story::long(900);
    let store = ScriptedStore::new(&story::id(), log, 3);
    let bridge = drive(store.clone());
    let stuck = current(&bridge, 1).await.pop().unwrap();
    let quick = tokio::spawn(ids(bridge.events(&story::id(), Cursor::after(Seq::new(3)))));
    for _ in 3..900 {
        store.append(1, Told::Precisely);
        settle().await;
    }
    let seen = quick.await.unwrap();
    assert_eq!(seen.len(), 898, "one for each record after the third, and the closing");
    assert_eq!(ids(stuck).await, seen);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_idle_readers_cost_no_read_and_hear_nothing_of_others() {
    const IDLE: usize = 10_000;
    let store = ScriptedStore::new(&story::id(), story::long(400), 3);
    let bridge = drive(store.clone());
    let polls = Arc::new(AtomicUsize::new(0));
    for number in 0..IDLE {
        let id = WorkflowId::new(&format!("idle_{number:012}")).unwrap();
        let mut stream = bridge.events(&id, Cursor::after(Seq::new(IDLE_RECORDS as u64)));
        let polls = Arc::clone(&polls);
        tokio::spawn(std::future::poll_fn(move |context| {
            polls.fetch_add(1, Ordering::SeqCst);
            stream.poll_next_unpin(context).map(drop)
        }));
    }
    let mut active = current(&bridge, 1).await.pop().unwrap();
    quiet().await;
    assert_eq!(bridge.readers(), IDLE + 1);
    assert_eq!(store.reads(), IDLE + 1, "each reads the place it begins at");
    let (reads, polled) = (store.reads(), polls.load(Ordering::SeqCst));

    for expected in 4..=103 {
        store.append(1, Told::Precisely);
        assert_eq!(active.next().await.unwrap().unwrap().id, Cursor::after(Seq::new(expected)));
    }
    assert_eq!(store.reads() - reads, 100, "one for each append, none for those who wait");
    assert_eq!(polls.load(Ordering::SeqCst), polled, "an append woke a reader of another workflow");

    let looks = store.looks();
    pass(Duration::from_secs(20)).await;
    assert_eq!(store.reads() - reads, 100, "the net is no read");
    let looks = store.looks() - looks;
    assert!((9 * 11..=11 * 11).contains(&looks), "{looks} looks at a thousand heads each");
    assert_eq!(polls.load(Ordering::SeqCst), polled, "the net woke a reader for nothing");
}

#[tokio::test(start_paused = true)]
async fn records_are_let_go_of_when_it_is_quiet_and_read_again_by_who_needs_them() {
    let store = ScriptedStore::new(&story::id(), story::long(40), 3);
    let bridge = drive(store.clone());
    let mut streams = current(&bridge, 2).await;
    store.append(9, Told::Precisely);
    assert_eq!(streams[0].next().await.unwrap().unwrap().id.seq().value(), 4);
    pass(Duration::from_secs(10)).await;
    let reads = store.reads();
    for expected in 4..=12 {
        assert_eq!(streams[1].next().await.unwrap().unwrap().id.seq().value(), expected);
    }
    assert_eq!(store.reads() - reads, 1);
    store.append(1, Told::Precisely);
    assert_eq!(streams[1].next().await.unwrap().unwrap().id.seq().value(), 13);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_made_and_rendered_once_for_all() {
    let store = ScriptedStore::new(&story::id(), story::long(40), 3);
    let bridge = drive(store.clone());
    let mut watches = [bridge.watch(&story::id(), Cursor::START), bridge.watch(&story::id(), Cursor::START)];
    for watch in &mut watches {
        while watch.next().now_or_never().is_some() {}
        settle().await;
        while watch.next().now_or_never().is_some() {}
    }
    store.append(1, Told::Precisely);
    let mut sent = Vec::new();
    for watch in &mut watches {
        let Some(Ok(StreamItem::Event(event))) = watch.next().await else { panic!("no event") };
        sent.push(event);
    }
    assert!(Arc::ptr_eq(&sent[0], &sent[1]));
    assert_eq!(sent[0].json().as_ptr(), sent[1].json().as_ptr());
    let json: serde_json::Value = serde_json::from_slice(sent[0].json()).unwrap();
    assert_eq!(json, serde_json::to_value(&sent[0].event).unwrap());
}

#[test]
fn a_reader_is_small() {
    assert!(size_of::<Watch>() <= 384, "{} bytes", size_of::<Watch>());
}
