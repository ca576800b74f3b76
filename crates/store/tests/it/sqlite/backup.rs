//! Copies of a file while others write to it: whole, of one moment, under a name only when they are done.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use mcp_orchestrator_domain::{Principal, Seq, WorkflowId};
use mcp_orchestrator_store::{SqliteStore, Store, StoreError};
use mcp_orchestrator_testkit::store_suite::{
    Dial, append, claim, created, ids, numbers, record_naming, records, workflow,
};
use tokio::sync::watch;

use super::open;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_others_write_is_whole_and_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let dial = Dial::new();
    let store = Arc::new(open(&path, &dial).await);
    let blob = store.put_blob(&Principal::local(), Bytes::from(vec![7; 9_000_000])).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let mut writers = Vec::new();
    for _ in 0..4 {
        let id = created(&*store, workflow()).await;
        store.append(append(&id, 1, vec![record_naming(blob)])).await.unwrap();
        let (store, stopped) = (Arc::clone(&store), stopped.clone());
        writers.push(tokio::spawn(async move {
            let mut head = 2;
            while !*stopped.borrow() {
                head = store.append(append(&id, head, records([head + 1]))).await.unwrap().seq.value();
            }
            (id, head)
        }));
    }
    // Every writer is at work before the copy is begun, and after it ends.
    grown(&*store, 40).await;
    let before = heads(&*store, &writer_ids(&*store).await).await;
    let bytes = store.backup(&copy).await.unwrap();
    let after = heads(&*store, &writer_ids(&*store).await).await;
    grown(&*store, after.iter().map(|head| head.value()).sum::<u64>() + 40).await;
    stop.send(true).unwrap();
    for writer in writers {
        writer.await.unwrap();
    }

    assert_eq!(bytes, std::fs::metadata(&copy).unwrap().len());
    let copied = open(&copy, &dial).await;
    let checked = copied.check().await.unwrap();
    assert_eq!((checked.findings, checked.workflows, checked.blobs), (Vec::new(), 4, 1));
    let heads = heads(&copied, &writer_ids(&copied).await).await;
    for ((before, head), after) in before.iter().zip(&heads).zip(&after) {
        assert!(before <= head && head <= after, "{before} then {head} then {after}");
    }
    assert_eq!(copied.get_blob(&Principal::local(), &blob.sha256).await.unwrap().unwrap().len(), 9_000_000);
}

async fn writer_ids(store: &dyn Store) -> Vec<WorkflowId> {
    let mut ids: Vec<_> = store.standings(10).await.unwrap().into_iter().map(|standing| standing.id).collect();
    ids.sort();
    ids
}

async fn heads(store: &dyn Store, ids: &[WorkflowId]) -> Vec<Seq> {
    store.heads(ids).await.unwrap().into_iter().map(|head| head.seq).collect()
}

/// Waits until all logs together have so many records.
async fn grown(store: &dyn Store, records: u64) {
    let ids = writer_ids(store).await;
    let mut changes = store.changes();
    while heads(store, &ids).await.iter().map(|head| head.value()).sum::<u64>() < records {
        let _ = changes.recv().await;
    }
}

#[tokio::test]
async fn a_copy_is_a_store_in_which_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let dial = Dial::new();
    let store = open(&path, &dial).await;
    let id = created(&store, workflow()).await;
    assert_eq!(claim(&store, "w", 1).await.len(), 1);
    store.backup(&copy).await.unwrap();
    // Whoever holds the lease in the first file is nobody in the second.
    let copied = open(&copy, &dial).await;
    assert_eq!(ids(&claim(&copied, "other", 1).await), [id]);
}

#[tokio::test]
async fn a_file_that_is_there_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let store = open(&path, &Dial::new()).await;
    std::fs::write(&copy, "mine").unwrap();
    let refused = store.backup(&copy).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Taken(name) if name.ends_with("copy.db")), "{refused}");
    assert_eq!(std::fs::read(&copy).unwrap(), b"mine");
    assert_eq!(store.backup(&path).await, Err(StoreError::Taken(path.display().to_string())));
}

#[tokio::test]
async fn what_cannot_be_copied_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (foreign, copy) = (folder.path().join("foreign.db"), folder.path().join("copy.db"));
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    let refused = SqliteStore::backup_of(&foreign, &copy).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unreadable(said) if said.contains("foreign.db")), "{refused}");
    let missing = SqliteStore::backup_of(folder.path().join("missing.db"), &copy).await.unwrap_err();
    assert!(matches!(&missing, StoreError::Unavailable(said) if said.contains("missing.db")), "{missing}");
    let store = open(&folder.path().join("store.db"), &Dial::new()).await;
    let nowhere = store.backup(folder.path().join("no/such/folder/copy.db")).await.unwrap_err();
    assert!(matches!(&nowhere, StoreError::Unavailable(said) if said.contains("no/such/folder")), "{nowhere}");
    let names = left_in(folder.path());
    assert!(names.iter().all(|name| !name.contains("copy")), "{names:?}");
}

#[tokio::test]
async fn a_copy_nobody_waits_for_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let store = open(&path, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    store.put_blob(&Principal::local(), Bytes::from(vec![7; 60_000_000])).await.unwrap();
    {
        let copying = std::pin::pin!(store.backup(&copy));
        tokio::select! {
            biased;
            _ = copying => panic!("60 MB are copied in no time"),
            () = std::future::ready(()) => {}
        }
    }
    // The thread that copies ends by itself; until then its part is there under another name.
    while left_in(folder.path()).iter().any(|name| name.ends_with(".part")) {
        tokio::task::yield_now().await;
    }
    let names = left_in(folder.path());
    assert!(names.iter().all(|name| !name.contains("copy")), "{names:?}");
    assert_eq!(numbers(&store, &id).await, [1]);
}

fn left_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
