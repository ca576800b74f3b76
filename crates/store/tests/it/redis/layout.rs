//! What lies in Redis: large texts aside, nothing left of what was deleted, broken logs told.

use std::sync::Arc;

use bytes::Bytes;
use mcp_orchestrator_domain::{
    CallCompleted, CallNo, Cost, Event, Payload, Principal, Progress, Record, Seq, Timestamp, Usage,
};
use mcp_orchestrator_store::{Append, AppendError, FeedPosition, RecordPut, RedisStore, Retention, Store, StoreError};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{Dial, append, append_as, claim_one, created, finish, record, record_naming, records, workflow},
};
use tokio::task::JoinSet;

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
    let (a, b, c, d, e) = (
        created(&store, workflow()).await,
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
    let state = server.command(&["HGET", "{mcpo:0}:state", d.as_str()]);
    server.command(&["HSET", "{mcpo:0}:state", d.as_str(), &state.trim().replace(" queued ", " completed ")]);
    server.command(&["HDEL", "{mcpo:0}:state", e.as_str()]);
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
    says(&[e.as_str(), "status \"\" is not valid"]);
    says(&[&blob.sha256.to_string(), "not what it was"]);
    says(&["workflows in the queue"]);
}

async fn purge_all(store: &dyn Store, dial: &Dial) {
    assert_eq!(store.purge(&Retention::until(dial.now()), 1000).await.unwrap().workflows, 40);
}

/// What becomes of appends that are made at once, by their numbers.
async fn at_once(store: &Arc<RedisStore>, appends: Vec<Append>) -> Vec<Result<Seq, AppendError>> {
    let mut tasks = JoinSet::new();
    for (number, append) in appends.into_iter().enumerate() {
        let store = Arc::clone(store);
        tasks.spawn(async move { (number, store.append(append).await.map(|head| head.seq)) });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, done)| done).collect()
}

#[tokio::test]
async fn an_owner_that_names_a_lost_text_is_refused_and_what_goes_along_is_not() {
    let server = RedisServer::start();
    let store = Arc::new(open(&server, &Dial::new()).await);
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"a text")).await.unwrap();
    let mut leases = Vec::new();
    for _ in 0..40 {
        created(&*store, workflow()).await;
        leases.push(claim_one(&*store, "worker").await);
    }
    let naming = |head: u64| {
        let append = |(number, lease)| {
            append_as(lease, head, vec![if number == 7 { record_naming(blob) } else { record(head + 1) }])
        };
        leases.iter().enumerate().map(append).collect()
    };
    assert!(at_once(&store, naming(1)).await.iter().all(|done| *done == Ok(Seq::new(2))));
    server.command(&["DEL", &format!("{{mcpo:0}}:blob:{}:local", blob.sha256)]);
    let mut done = at_once(&store, naming(2)).await;
    assert_eq!(done.remove(7), Err(AppendError::Regressed { head: Seq::new(2) }));
    assert!(done.iter().all(|done| *done == Ok(Seq::new(3))), "{done:?}");
    assert_eq!(store.feed(FeedPosition::default(), 1_000).await.unwrap().len(), 40 + 40 + 39);
}

#[tokio::test]
async fn appends_that_went_together_leave_the_feed_with_the_last_of_their_workflows() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let store = Arc::new(open(&server, &dial).await);
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(created(&*store, workflow()).await);
    }
    for head in 1..5 {
        let appends = ids.iter().map(|id| append(id, head, records([head + 1]))).collect();
        assert!(at_once(&store, appends).await.iter().all(Result::is_ok));
    }
    let entries = || server.command(&["XLEN", "{mcpo:0}:feed"]).parse::<usize>().unwrap();
    assert!(entries() < 40 * 5 - 50, "{} entries: they did not go together", entries());
    let (early, late) = ids.split_at(20);
    for id in early {
        finish(&*store, id, 5, dial.now()).await.unwrap();
    }
    dial.turn(std::time::Duration::from_secs(1));
    assert_eq!(store.purge(&Retention::until(dial.now()), 1000).await.unwrap().workflows, 20);
    let feed = store.feed(FeedPosition::default(), 1_000).await.unwrap();
    assert_eq!(feed.len(), 20 * 5, "{} entries", entries());
    assert!(feed.iter().all(|entry| late.contains(&entry.id)));
    for id in late {
        finish(&*store, id, 5, dial.now()).await.unwrap();
    }
    dial.turn(std::time::Duration::from_secs(1));
    assert_eq!(store.purge(&Retention::until(dial.now()), 1000).await.unwrap().workflows, 20);
    assert_eq!(entries(), 0);
}
