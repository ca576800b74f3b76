//! What lies in Redis: large texts aside, nothing left of what was deleted, broken logs told.

use std::sync::Arc;

use bytes::Bytes;
use mcp_orchestrator_domain::{
    CallCompleted, CallNo, Cost, Event, Payload, Principal, Progress, Record, Seq, Timestamp, Usage,
};
use mcp_orchestrator_store::{FeedPosition, RecordPut, Retention, Store, StoreError};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{Dial, append, created, finish, records, workflow},
};

use super::open;

fn long(bytes: usize) -> Arc<Record> {
    let event = Event::CallCompleted(Box::new(CallCompleted {
        call: CallNo::new(0),
        step: "belter_0".parse().unwrap(),
        output: Payload::Inline("x".repeat(bytes).into()),
        is_error: false,
        usage: Usage::default(),
        cost: Cost::FREE,
        evidence: Vec::new(),
        parked_ms: 0,
        run_ms: 0,
    }));
    Arc::new(Record { at: Timestamp::from_millis(1), progress: Progress::default(), event })
}

#[tokio::test]
async fn a_large_text_is_kept_beside_its_log_and_read_with_it() {
    let server = RedisServer::start();
    let store = open(&server, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    for (head, bytes) in [(1, 30_000), (2, 40_000), (3, 5_000_000), (4, 10)] {
        store.append(append(&id, head, vec![long(bytes)])).await.unwrap();
    }
    let page = store.read(&id, Seq::ZERO, 100).await.unwrap();
    let lengths: Vec<usize> = page
        .records
        .iter()
        .filter_map(|recorded| match &recorded.record.event {
            Event::CallCompleted(completed) => match &completed.output {
                Payload::Inline(text) => Some(text.len()),
                Payload::Blob(_) => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [30_000, 40_000, 5_000_000, 10]);
    let feed = store.feed(FeedPosition::default(), 100).await.unwrap();
    assert_eq!(feed.len(), 5);
    assert_eq!(feed[3].recorded, page.records[3]);
    assert_eq!(server.command(&["KEYS", "{mcpo:0}:large:*"]).lines().count(), 2);
    let in_stream: u64 = server.command(&["MEMORY", "USAGE", &format!("{{mcpo:0}}:log:{id}")]).parse().unwrap();
    assert!(in_stream < 100_000, "{in_stream} bytes");
}

#[tokio::test]
async fn of_what_was_deleted_nothing_is_left() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let store = open(&server, &dial).await;
    let before = server.command(&["DBSIZE"]);
    for _ in 0..40 {
        let id = created(&store, workflow()).await;
        store.append(append(&id, 1, records([2, 3]))).await.unwrap();
        store.append(append(&id, 3, vec![long(50_000)])).await.unwrap();
        for head in 4..12 {
            store.append(append(&id, head, records([head]))).await.unwrap();
        }
        finish(&store, &id, 12, dial.now()).await.unwrap();
    }
    store.put_blob(&Principal::local(), Bytes::from_static(b"nobody's")).await.unwrap();
    let ttl = Some(std::time::Duration::from_secs(1));
    let put = RecordPut { space: "s".into(), key: "k".into(), expected: 0, value: Some(Bytes::new()), ttl };
    store.record_put(put).await.unwrap();
    dial.turn(std::time::Duration::from_secs(24 * 3600));
    purge_all(&store, &dial).await;
    let info = store.info().await.unwrap();
    assert_eq!((info.workflows, info.bytes), (0, 0));
    let left = server.command(&["KEYS", "*"]);
    // The feed keeps the last position it gave, empty as it is.
    assert_eq!(left.lines().filter(|key| *key != "{mcpo:0}:feed").count().to_string(), before, "{left}");
    assert_eq!(server.command(&["XLEN", "{mcpo:0}:feed"]), "0");
}

#[tokio::test]
async fn a_log_with_a_gap_is_unreadable_and_says_where() {
    let server = RedisServer::start();
    let store = open(&server, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    for head in 1..4 {
        store.append(append(&id, head, records([head + 1]))).await.unwrap();
    }
    let log = format!("{{mcpo:0}}:log:{id}");
    let entries = server.command(&["XRANGE", &log, "2", "2"]);
    server.command(&["XDEL", &log, entries.lines().next().unwrap()]);
    let read = store.read(&id, Seq::ZERO, 10).await;
    assert!(matches!(&read, Err(StoreError::Unreadable(said)) if said.contains(id.as_str())), "{read:?}");
    let rest = store.read(&id, Seq::new(2), 10).await.unwrap();
    assert_eq!(rest.records.len(), 2, "what follows the gap is read by whoever is past it");
}

#[tokio::test]
async fn check_tells_what_somebody_broke() {
    let server = RedisServer::start();
    let store = open(&server, &Dial::new()).await;
    let (a, b, c, d) = (
        created(&store, workflow()).await,
        created(&store, workflow()).await,
        created(&store, workflow()).await,
        created(&store, workflow()).await,
    );
    store.append(append(&a, 1, records([2]))).await.unwrap();
    store.append(append(&b, 1, vec![long(40_000)])).await.unwrap();
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"kept")).await.unwrap();
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
    let entries = server.command(&["XRANGE", &format!("{{mcpo:0}}:log:{a}"), "1", "1"]);
    server.command(&["XDEL", &format!("{{mcpo:0}}:log:{a}"), entries.lines().next().unwrap()]);
    server.command(&["DEL", server.command(&["KEYS", "{mcpo:0}:large:*"]).trim()]);
    server.command(&["ZADD", "{mcpo:0}:leases", "1", &format!("{:016}{c}", 3)]);
    server.command(&["HSET", &format!("{{mcpo:0}}:wf:{d}"), "st", "completed"]);
    server.command(&["SET", &format!("{{mcpo:0}}:blob:{}:local", blob.sha256), "other"]);
    server.command(&["HINCRBY", "{mcpo:0}:meta", "queued", "1"]);
    let checked = store.check().await.unwrap();
    let says = |parts: &[&str]| {
        let said = checked.findings.iter().any(|finding| parts.iter().all(|part| finding.contains(part)));
        assert!(said, "{parts:?} is not in {:?}", checked.findings);
    };
    says(&[a.as_str(), "after record 0"]);
    says(&[b.as_str(), "is not there"]);
    says(&[c.as_str(), "leases"]);
    says(&[d.as_str(), "completed"]);
    says(&[&blob.sha256.to_string(), "not what it was"]);
    says(&["workflows in the queue"]);
}

async fn purge_all(store: &dyn Store, dial: &Dial) {
    assert_eq!(store.purge(&Retention::until(dial.now()), 1000).await.unwrap().workflows, 40);
}
