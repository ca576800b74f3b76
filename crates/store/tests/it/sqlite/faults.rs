//! Full, locked, foreign, unreadable, unwritable: each is a clear error, and nothing acknowledged is lost.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::{Principal, Seq};
use mcp_orchestrator_store::{AppendError, SqliteOptions, SqliteStore, Store, StoreError};
use mcp_orchestrator_testkit::store_suite::{Dial, append, appended, created, numbers, records, workflow};

use super::open;

#[tokio::test]
async fn a_full_store_refuses_and_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::new().with_bytes_max(400_000)).await.unwrap();
    let id = created(&store, workflow()).await;
    let mut head = 1;
    let error = loop {
        match store.append(append(&id, head, records(head + 1..head + 51))).await {
            Ok(at) => head = at.seq.value(),
            Err(error) => break error,
        }
        assert!(head < 100_000, "it never fills");
    };
    assert!(matches!(&error, AppendError::Store(StoreError::Full(said)) if said.contains("store.db")), "{error}");
    assert!(matches!(store.put_blob(&Principal::local(), vec![1; 500_000].into()).await, Err(StoreError::Full(_))));
    let expected: Vec<u64> = (1..=head).collect();
    let mut kept = Vec::new();
    while let page = store.read(&id, Seq::new(kept.len() as u64), 1000).await.unwrap()
        && !page.records.is_empty()
    {
        kept.extend(page.records.iter().map(|recorded| recorded.record.at.as_millis()));
    }
    assert_eq!(kept, expected);
    drop(store);

    // With more room it goes on where it was.
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(appended(&store, append(&id, head, records([head + 1]))).await, Ok(Seq::new(head + 1)));
}

#[tokio::test]
async fn what_does_not_fit_leaves_its_neighbours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::new().with_bytes_max(2_000_000)).await.unwrap();
    let store = Arc::new(store);
    let mut tasks = Vec::new();
    for number in 0..24 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            if number == 12 {
                let too_much = store.put_blob(&Principal::local(), vec![1; 3_000_000].into()).await;
                assert!(matches!(too_much, Err(StoreError::Full(_))), "{too_much:?}");
                return;
            }
            let id = created(&*store, workflow()).await;
            store.append(append(&id, 1, records([2]))).await.unwrap();
            assert_eq!(numbers(&*store, &id).await, [1, 2]);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.info().await.unwrap().workflows, 23);
}

#[tokio::test]
async fn a_locked_store_says_so_and_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = SqliteOptions::new().with_busy_timeout(Duration::from_millis(50));
    let store = SqliteStore::open_with(&path, options.clone()).await.unwrap();
    let id = created(&store, workflow()).await;

    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = store.append(append(&id, 1, records([2]))).await;
    assert!(matches!(&locked, Err(AppendError::Store(StoreError::Locked(said))) if said.contains("store.db")));
    assert!(matches!(store.create(workflow()).await, Err(StoreError::Locked(_))));
    assert_eq!(numbers(&store, &id).await, [1], "reading goes on");
    assert!(SqliteStore::open_with(&path, options).await.is_ok(), "so does opening");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(appended(&store, append(&id, 1, records([2]))).await, Ok(Seq::new(2)));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "These are notes, not a database. ".repeat(100);
    std::fs::write(&path, &notes).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(said) if said.contains("notes.txt")), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[tokio::test]
async fn another_programs_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs(x)").unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unreadable(said) if said.contains("other.db")), "{error}");
    let tables: i64 = other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    let mode: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!((tables, mode.as_str()), (1, "delete"));
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path, &Dial::new()).await);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 77).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unreadable(said) if said.contains("77") && said.contains("store.db")),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for path in [file.join("store.db"), file.join("deeper/store.db"), folder.path().to_owned()] {
        let error = SqliteStore::open(&path).await.unwrap_err();
        let named = path.display().to_string();
        assert!(matches!(&error, StoreError::Unavailable(said) if said.contains(&named)), "{error}");
    }
    assert!(SqliteStore::open(Path::new("/proc/no/store.db")).await.is_err());
}

#[tokio::test]
async fn a_damaged_page_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    store.append(append(&id, 1, records(2..=500))).await.unwrap();
    store.close().await;
    // The first page stays as it is: the file still looks like a store.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();

    let store = open(&path, &Dial::new()).await;
    let error = store.read(&id, Seq::ZERO, 10).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(said) if said.contains("store.db")), "{error}");
    assert!(store.append(append(&id, 500, records([501]))).await.is_err());
}

#[tokio::test]
async fn a_blob_that_is_not_what_it_was_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"what it was")).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE blob SET data = x'00'", []).unwrap();
    let error = store.get_blob(&Principal::local(), &blob.sha256).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unreadable(said) if said.contains(&blob.sha256.to_string())), "{error}");
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    for (data, said) in [
        (r#"{"v":9,"at":1,"progress":{},"event":{"unheard_of":{}}}"#, "version 9"),
        (r#"{"v":9,"at":1,"progress":{},"event":{"cancelled":{}}}"#, "version 9"),
        (r#"{"v":1,"at":1,"progress":{},"event":{"unheard_of":{}}}"#, "unheard_of"),
        ("{", "EOF"),
    ] {
        other.execute("UPDATE entry SET data = ?1", [data]).unwrap();
        let error = store.read(&id, Seq::ZERO, 10).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable(text) if text.contains(said)), "{error}");
        assert!(error.to_string().contains(id.as_str()), "{error}");
    }
}
