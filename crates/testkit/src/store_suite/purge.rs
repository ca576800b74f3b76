//! Properties of deletion: what goes, and what must not.

use std::time::Duration;

use bytes::Bytes;
use mcp_orchestrator_domain::{Digest, Principal, Seq, Timestamp};
use mcp_orchestrator_store::{Created, FeedPosition, Idempotency, NewWorkflow, Purged, Retention};

use super::{Subject, append, claim, created, finish, numbers, record, record_naming, records, workflow};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Oldest first, as many as allowed; nothing that has not ended, nothing that ended later.
pub async fn purge_deletes_what_ended_and_keeps_what_runs(subject: Subject) {
    let store = &*subject.store;
    let mut old = Vec::new();
    for _ in 0..40 {
        let id = created(store, workflow()).await;
        finish(store, &id, 1, subject.dial.now()).await.unwrap();
        old.push(id);
    }
    let running = created(store, workflow()).await;
    subject.dial.turn(DAY);
    let young = created(store, workflow()).await;
    finish(store, &young, 1, subject.dial.now()).await.unwrap();
    let before = subject.dial.now();

    assert_eq!(store.purge(&Retention::until(before), 3).await.unwrap().workflows, 3);
    assert_eq!(store.purge(&Retention::until(before), 1000).await.unwrap().workflows, 37);
    assert_eq!(store.purge(&Retention::until(before), 1000).await.unwrap(), Purged::default());
    for id in old {
        assert_eq!(store.get(&id).await.unwrap(), None);
        assert_eq!(store.read(&id, Seq::ZERO, 10).await.unwrap().head, Seq::ZERO);
    }
    assert_eq!(numbers(store, &running).await, [1]);
    assert_eq!(numbers(store, &young).await, [1, 99]);
    assert_eq!(claim(store, "w", 5).await.len(), 1);
}

/// The 101st that ends lets the first go, whichever was created first.
pub async fn purge_by_number_keeps_those_that_ended_last(subject: Subject) {
    let store = &*subject.store;
    let retention = Retention { finished_max: Some(100), ..Retention::default() };
    let mut made = Vec::new();
    for _ in 0..101 {
        made.push(created(store, workflow()).await);
    }
    // The last created ends first.
    made.reverse();
    for id in &made[..100] {
        finish(store, id, 1, subject.dial.now()).await.unwrap();
        subject.dial.turn(Duration::from_millis(1));
        assert_eq!(store.purge(&retention, 10).await.unwrap().workflows, 0);
    }
    finish(store, &made[100], 1, subject.dial.now()).await.unwrap();
    assert_eq!(store.purge(&retention, 10).await.unwrap().workflows, 1);
    assert_eq!(store.get(&made[0]).await.unwrap(), None);
    assert_eq!(numbers(store, &made[1]).await, [1, 99]);
    assert_eq!(store.info().await.unwrap().finished, 100);

    let fewer = Retention { finished_max: Some(10), ..Retention::default() };
    assert_eq!(store.purge(&fewer, 50).await.unwrap().workflows, 50);
    assert_eq!(store.purge(&fewer, 50).await.unwrap().workflows, 40);
    assert_eq!(store.purge(&fewer, 50).await.unwrap().workflows, 0);
    assert!(store.get(&made[91]).await.unwrap().is_some());
    assert_eq!(store.info().await.unwrap().workflows, 10);
}

/// The first that ended go until the rest is small enough.
pub async fn purge_by_size_keeps_those_that_ended_last(subject: Subject) {
    let store = &*subject.store;
    let mut sizes = vec![0];
    let mut made = Vec::new();
    for count in [3, 1, 2] {
        let id = created(store, workflow()).await;
        for position in 1..=count {
            store.append(append(&id, position, records([position]))).await.unwrap();
        }
        assert_eq!(store.info().await.unwrap().finished_bytes, sizes[made.len()], "only what has ended counts");
        finish(store, &id, count + 1, subject.dial.now()).await.unwrap();
        subject.dial.turn(Duration::from_millis(1));
        sizes.push(store.info().await.unwrap().finished_bytes);
        made.push(id);
    }
    let [_, first, two, all] = sizes[..] else { unreachable!("three were added to one") };
    assert!(0 < first && first < two && two - first < first && all - two < first, "{sizes:?}");

    let at_most = |bytes| Retention { bytes_max: Some(bytes), ..Retention::default() };
    assert_eq!(store.purge(&at_most(all), 10).await.unwrap().workflows, 0);
    assert_eq!(store.purge(&at_most(all - 1), 10).await.unwrap().workflows, 1);
    assert_eq!(store.get(&made[0]).await.unwrap(), None);
    assert_eq!(store.info().await.unwrap().finished_bytes, all - first);
    assert_eq!(store.purge(&at_most(all - two), 10).await.unwrap().workflows, 1);
    assert_eq!(store.info().await.unwrap().finished_bytes, all - two);
    assert_eq!(numbers(store, &made[2]).await, [1, 1, 2, 99]);
}

/// However little is to be kept: what has not ended stays, and can go on.
pub async fn purge_takes_nothing_that_has_not_ended(subject: Subject) {
    let store = &*subject.store;
    let queued = created(store, workflow()).await;
    let ended = created(store, workflow()).await;
    finish(store, &ended, 1, subject.dial.now()).await.unwrap();
    subject.dial.turn(DAY);
    let nothing = Retention { finished_before: Some(subject.dial.now()), finished_max: Some(0), bytes_max: Some(0) };
    assert_eq!(store.purge(&nothing, 10).await.unwrap().workflows, 1);
    assert_eq!(store.purge(&nothing, 10).await.unwrap().workflows, 0);
    assert_eq!(numbers(store, &queued).await, [1]);
    finish(store, &queued, 1, subject.dial.now()).await.unwrap();
    let everything = Retention::default();
    assert_eq!(store.purge(&everything, 10).await.unwrap().workflows, 0, "nothing set keeps all");
    assert_eq!(store.purge(&nothing, 10).await.unwrap().workflows, 1);
    let info = store.info().await.unwrap();
    assert_eq!((info.workflows, info.finished, info.finished_bytes), (0, 0, 0));
}

/// Whatever process they are in.
pub async fn purges_at_once_take_each_workflow_once(subject: Subject) {
    let store = &*subject.store;
    for _ in 0..60 {
        let id = created(store, workflow()).await;
        finish(store, &id, 1, subject.dial.now()).await.unwrap();
    }
    let peer = subject.peer.as_deref().unwrap_or(store);
    let retention = Retention { finished_max: Some(10), ..Retention::default() };
    let (one, two, three) =
        tokio::join!(store.purge(&retention, 100), peer.purge(&retention, 100), store.purge(&retention, 100));
    let taken = [one, two, three].map(|purged| purged.unwrap().workflows);
    assert_eq!(taken.iter().sum::<usize>(), 50, "{taken:?}");
    let info = peer.info().await.unwrap();
    assert_eq!((info.workflows, info.finished), (10, 10));
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
}

/// By a workflow that is left, however old the blob is; what only purged ones needed goes.
pub async fn purge_keeps_blobs_that_are_needed(subject: Subject) {
    let store = &*subject.store;
    let tenant = Principal::local();
    let shared = store.put_blob(&tenant, Bytes::from_static(b"shared")).await.unwrap();
    let old = created(store, workflow()).await;
    let alone = store.put_blob(&tenant, Bytes::from_static(b"alone")).await.unwrap();
    store.append(append(&old, 1, vec![record_naming(shared), record_naming(alone)])).await.unwrap();
    finish(store, &old, 3, subject.dial.now()).await.unwrap();
    let strangers = store.put_blob(&Principal::named("stranger"), Bytes::from_static(b"alone")).await.unwrap();

    subject.dial.turn(DAY);
    let left = created(store, workflow()).await;
    subject.dial.turn(DAY);
    store.put_blob(&tenant, Bytes::from_static(b"shared")).await.unwrap();
    subject.dial.turn(Duration::from_secs(50 * 60));
    store.append(append(&left, 1, vec![record_naming(shared)])).await.unwrap();
    subject.dial.turn(DAY);
    let fresh = store.put_blob(&tenant, Bytes::from_static(b"fresh")).await.unwrap();
    subject.dial.turn(Duration::from_secs(59 * 60));

    let purged = store.purge(&Retention::until(subject.dial.now()), 10).await.unwrap();
    assert_eq!((purged.workflows, purged.blobs), (1, 2));
    assert_eq!(store.get_blob(&tenant, &alone.sha256).await.unwrap(), None);
    assert_eq!(store.get_blob(&Principal::named("stranger"), &strangers.sha256).await.unwrap(), None);
    assert!(store.get_blob(&tenant, &shared.sha256).await.unwrap().is_some(), "a record that is left names it");
    assert!(store.get_blob(&tenant, &fresh.sha256).await.unwrap().is_some(), "a record may still name it");
    let again = store.put_blob(&tenant, Bytes::from_static(b"alone")).await.unwrap();
    assert_eq!(store.get_blob(&tenant, &again.sha256).await.unwrap(), Some(Bytes::from_static(b"alone")));
}

/// At once, however lately there was another purge.
pub async fn purge_takes_blobs_with_the_workflow_that_needed_them(subject: Subject) {
    let store = &*subject.store;
    let tenant = Principal::local();
    let blob = store.put_blob(&tenant, Bytes::from_static(b"needed")).await.unwrap();
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, vec![record_naming(blob)])).await.unwrap();
    finish(store, &id, 2, subject.dial.now()).await.unwrap();
    subject.dial.turn(DAY);
    assert_eq!(store.purge(&Retention::default(), 10).await.unwrap(), Purged::default());
    let purged = store.purge(&Retention { finished_max: Some(0), ..Retention::default() }, 10).await.unwrap();
    assert_eq!((purged.workflows, purged.blobs), (1, 1));
    assert_eq!(store.get_blob(&tenant, &blob.sha256).await.unwrap(), None);
}

/// A workflow created with another's records needs the other's blobs.
pub async fn purge_keeps_blobs_a_fork_took_over(subject: Subject) {
    let store = &*subject.store;
    let tenant = Principal::local();
    let origin = created(store, workflow()).await;
    let blob = store.put_blob(&tenant, Bytes::from_static(b"inherited")).await.unwrap();
    store.append(append(&origin, 1, vec![record_naming(blob)])).await.unwrap();
    finish(store, &origin, 2, subject.dial.now()).await.unwrap();
    subject.dial.turn(DAY);
    created(store, NewWorkflow { records: vec![record(1), record_naming(blob)], ..workflow() }).await;
    subject.dial.turn(DAY);
    let purged = store.purge(&Retention::until(subject.dial.now()), 10).await.unwrap();
    assert_eq!((purged.workflows, purged.blobs), (1, 0));
    assert!(store.get_blob(&tenant, &blob.sha256).await.unwrap().is_some());
}

/// A position is never used twice, and readers who stood on a deleted record go on.
pub async fn purge_frees_ids_and_keys_and_keeps_the_feed_in_order(subject: Subject) {
    let store = &*subject.store;
    let idempotency = Some(Idempotency { key: "k".to_owned(), body: Digest::new([1; 32]) });
    let first = NewWorkflow { idempotency: idempotency.clone(), ..workflow() };
    let id = created(store, first.clone()).await;
    finish(store, &id, 1, Timestamp::from_millis(1)).await.unwrap();
    let last = store.feed(FeedPosition::default(), 10).await.unwrap().last().expect("there are records").position;
    assert_eq!(store.purge(&Retention::until(subject.dial.now()), 10).await.unwrap().workflows, 1);
    assert_eq!(store.feed(FeedPosition::default(), 10).await.unwrap(), []);

    let again = NewWorkflow { idempotency, records: records([5]), ..first };
    assert_eq!(store.create(again).await, Ok(Created::New(Seq::new(1))));
    let after = store.feed(last, 10).await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(numbers(store, &id).await, [5]);
}

/// Kind, promise, place and size.
pub async fn the_store_says_what_it_is(subject: Subject) {
    let store = &*subject.store;
    let before = store.info().await.unwrap();
    assert!(!before.kind.is_empty() && !before.version.is_empty() && !before.durability.is_empty());
    assert!(!before.location.is_empty());
    created(store, workflow()).await;
    store.put_blob(&Principal::local(), Bytes::from(vec![7; 300_000])).await.unwrap();
    let after = store.info().await.unwrap();
    assert_eq!((before.workflows, after.workflows), (0, 1));
    assert!(after.bytes >= before.bytes + 290_000, "{} then {} bytes", before.bytes, after.bytes);
}
