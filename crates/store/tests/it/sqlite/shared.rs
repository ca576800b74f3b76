//! Several handles on one file behave as several processes: what one does, the others see.

use std::time::Duration;

use bytes::Bytes;
use mcp_orchestrator_domain::{Principal, Seq};
use mcp_orchestrator_store::{Change, Claim, SqliteStore, Store, StoreError, Which, WorkflowRow};
use mcp_orchestrator_testkit::store_suite::{
    Dial, TTL, append, append_as, claim, claim_one, created, ids, numbers, records, worker, workflow,
};

use super::open;
use crate::feed;

/// Generous: the promise is 50 ms, the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_commit_is_seen_and_hinted_at_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let dial = Dial::new();
    let (here, there) = (open(&path, &dial).await, open(&path, &dial).await);
    let mut changes = there.changes();
    let id = created(&here, workflow()).await;
    let change = tokio::time::timeout(PATIENCE, changes.recv()).await.unwrap().unwrap();
    assert_eq!(change, Change::Elsewhere);
    assert_eq!(numbers(&there, &id).await, [1]);
    there.append(append(&id, 1, records([2]))).await.unwrap();
    assert_eq!(numbers(&here, &id).await, [1, 2]);
}

#[tokio::test]
async fn own_commits_are_not_taken_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let dial = Dial::new();
    let store = open(&folder.path().join("store.db"), &dial).await;
    let mut changes = store.changes();
    let id = created(&store, workflow()).await;
    for head in 1..40 {
        store.append(append(&id, head, records([head + 1]))).await.unwrap();
    }
    for head in 1..=40 {
        assert_eq!(changes.recv().await.unwrap(), Change::Appended(id.clone(), Seq::new(head)));
    }
}

#[tokio::test]
async fn work_that_comes_elsewhere_wakes_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let dial = Dial::new();
    let (here, there) = (open(&path, &dial).await, open(&path, &dial).await);
    let waiting = there.wait_work(Duration::from_secs(3600));
    let both = async { tokio::join!(waiting, created(&here, workflow())) };
    let ((), id) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(ids(&claim(&there, "w", 1).await), [id]);
}

#[tokio::test]
async fn the_feed_is_one_order_over_all_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let dial = Dial::new();
    let stores = [open(&path, &dial).await, open(&path, &dial).await];
    feed::is_one_order(stores).await;
}

#[tokio::test]
async fn a_closed_store_is_opened_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/store.db");
    let dial = Dial::new();
    let store = open(&path, &dial).await;
    let id = created(&store, workflow()).await;
    let lease = claim_one(&store, "w").await;
    store.append(append_as(&lease, 1, records([2, 3]))).await.unwrap();
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"kept")).await.unwrap();
    let row = store.get(&id).await.unwrap().unwrap();
    assert!(row.owner.is_some());
    store.close().await;
    store.close().await;
    let closed = Err(StoreError::Unavailable("it is closed".to_owned()));
    assert_eq!(store.get(&id).await, closed);
    assert!(
        matches!(store.append(append(&id, 3, records([4]))).await, Err(error) if error.to_string().contains("closed"))
    );

    let store = open(&path, &dial).await;
    // Its worker ended with it, and everything else is as it was.
    assert_eq!(store.get(&id).await.unwrap(), Some(WorkflowRow { owner: None, ..row }));
    assert_eq!(numbers(&store, &id).await, [1, 2, 3]);
    assert_eq!(store.get_blob(&Principal::local(), &blob.sha256).await.unwrap(), Some(Bytes::from_static(b"kept")));
    // Nobody waits for the lease.
    let next = claim_one(&store, "next").await;
    assert!(next.lease.epoch > lease.lease.epoch);
    assert_eq!(next.attempt, 1, "the log grew since the first claim");
}

#[tokio::test]
async fn a_dropped_store_has_written_what_it_was_handed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let dial = Dial::new();
    let store = open(&path, &dial).await;
    let new = workflow();
    let id = new.id.clone();
    let mut creating = Box::pin(store.create(new));
    // Hand it over, then neither wait for the answer nor take it back.
    assert!(poll_once(creating.as_mut()).await.is_none());
    drop(creating);
    drop(store);
    assert_eq!(numbers(&open(&path, &dial).await, &id).await, [1]);
}

async fn poll_once<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_workers_name_is_taken_while_its_process_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let dial = Dial::new();
    let (here, there) = (open(&path, &dial).await, open(&path, &dial).await);
    claim(&here, "same", 1).await;
    let name = worker("same");
    let claim = Claim { worker: &name, which: Which::Own, max: 1, ttl: TTL, cluster_max: None };
    let refused = there.claim(claim.clone()).await;
    assert!(matches!(refused, Err(StoreError::Locked(said)) if said.contains("same")));
    drop(here);
    assert_eq!(there.claim(claim).await, Ok(Vec::new()));
}

#[tokio::test]
async fn lock_files_go_with_their_workers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let locks = folder.path().join("store.db.workers");
    let files = || std::fs::read_dir(&locks).map_or(0, Iterator::count);
    let dial = Dial::new();
    let store = open(&path, &dial).await;
    claim(&store, "plain-name", 1).await;
    claim(&store, "../../a name no file may have", 1).await;
    assert_eq!(files(), 2);
    drop(store);
    assert_eq!(files(), 0);
    // What a killed process leaves behind is a file nobody holds.
    std::fs::write(locks.join("killed.lock"), "").unwrap();
    let store = open(&path, &dial).await;
    assert_eq!(files(), 0);
    drop(store);
}

#[tokio::test]
async fn a_killed_worker_leaves_its_work_to_others_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let locks = folder.path().join("store.db.workers");
    let dial = Dial::new();
    let (store, doomed) = (open(&path, &dial).await, open(&path, &dial).await);
    let id = created(&store, workflow()).await;
    claim_one(&doomed, "doomed").await;
    assert!(claim(&store, "w", 1).await.is_empty());
    drop(doomed);
    // A kill frees the lock and leaves the file.
    std::fs::write(locks.join("doomed.lock"), "").unwrap();
    assert_eq!(ids(&claim(&store, "w", 1).await), [id]);
    assert!(!locks.join("doomed.lock").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/store.db");
    let store = open(&path, &Dial::new()).await;
    created(&store, workflow()).await;
    claim(&store, "w", 1).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("data/store.db-wal")), 0o600);
    assert_eq!(mode(&folder.path().join("data/store.db.workers")), 0o700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_is_opened_by_several_at_once() {
    for round in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let opening: Vec<_> = (0..4).map(|_| tokio::spawn(SqliteStore::open(path.clone()))).collect();
        for opened in opening {
            let opened = opened.await.unwrap();
            assert!(opened.is_ok(), "round {round}: {:?}", opened.err());
        }
    }
}
