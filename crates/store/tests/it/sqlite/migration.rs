//! Files of older versions are brought up to this one when they are opened. `golden/schema-v2.sql` and its like are what
//! those versions wrote, as text: they are never changed, and each version to come adds its own.

use std::{fs, path::Path, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::{Digest, Principal, Status, Timestamp};
use mcp_orchestrator_store::{
    BucketAct, BucketAnswer, BucketAsk, Created, Idempotency, ListFilter, NewWorkflow, Place, Retention, SqliteOptions,
    SqliteStore, Store, StoreError,
};
use mcp_orchestrator_testkit::store_suite::{Dial, append, claim, ids, numbers, records, workflow};
use rusqlite::Connection;

use super::open;

const WRITTEN_BY_VERSION_2: &str = include_str!("../golden/schema-v2.sql");
const WRITTEN_BY_VERSION_3: &str = include_str!("../golden/schema-v3.sql");

/// Makes a file as version 2 left it.
fn file_of_version_2(path: &Path) {
    file_of(path, WRITTEN_BY_VERSION_2);
}

fn file_of(path: &Path, written: &str) {
    let file = Connection::open(path).unwrap();
    file.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    file.execute_batch(written).unwrap();
}

fn version(path: &Path) -> i64 {
    let file = Connection::open(path).unwrap();
    file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_version_2_wrote_is_all_there_and_goes_on() {
    goes_on(WRITTEN_BY_VERSION_2).await;
}

#[tokio::test]
async fn what_version_3_wrote_is_all_there_and_goes_on() {
    goes_on(WRITTEN_BY_VERSION_3).await;
}

/// The same was done under each of the older versions.
async fn goes_on(written: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    file_of(&path, written);
    let dial = Dial::new();
    dial.turn(Duration::from_secs(3));
    let store = open(&path, &dial).await;

    let rows = store.list(&ListFilter::default()).await.unwrap();
    let listed: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.head.value(), row.summary.status)).collect();
    let expected = [
        ("research_000000000005", 1, Status::Queued),
        ("research_000000000004", 2, Status::Running),
        ("research_000000000003", 3, Status::Running),
        ("search_000000000002", 2, Status::Completed),
        ("research_000000000001", 6, Status::Completed),
    ];
    assert_eq!(listed, expected);
    for (row, expected) in rows.iter().zip([&[1][..], &[1, 2], &[1, 2, 3], &[1, 99], &[1, 2, 3, 4, 1, 99]]) {
        assert_eq!(numbers(&store, &row.id).await, expected);
    }
    let evidence = "ee8250fb76e094b34b471f13a73dbbe51d1ae142e9df59d7c0d31ec20f0a0a8e".parse().unwrap();
    let kept = store.get_blob(&Principal::local(), &evidence).await.unwrap();
    assert_eq!(kept, Some(Bytes::from_static(b"evidence")));
    assert_eq!(store.record_get("webhooks", "k").await.unwrap().unwrap().value, "value");
    let act = BucketAct::Take { amount: 10, wait_max: Duration::ZERO };
    let take = BucketAsk { key: "writes".to_owned(), capacity: 10, per_second: 0.5, act };
    assert!(matches!(store.bucket(take).await.unwrap(), BucketAnswer::Wait(_)), "three of ten were taken");
    let idempotency = Some(Idempotency { key: "once".to_owned(), body: Digest::new([1; 32]) });
    let again = store.create(NewWorkflow { idempotency, ..workflow() }).await.unwrap();
    assert_eq!(again, Created::Existing(rows[4].id.clone()));

    let info = store.info().await.unwrap();
    assert_eq!((info.schema, info.workflows, info.finished), (Some(4), 5, 2));
    assert!(info.finished_bytes > 0);
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
    let standings = store.standings(10).await.unwrap();
    assert_eq!(standings[1].place, Place::Waiting);

    store.append(append(&rows[1].id, 2, records([3]))).await.unwrap();
    assert_eq!(ids(&claim(&store, "other", 5).await), [rows[2].id.clone(), rows[0].id.clone()]);
    let until = Retention { bytes_max: Some(info.finished_bytes - 1), ..Retention::default() };
    assert_eq!(store.purge(&until, 10).await.unwrap().workflows, 1);
    assert_eq!(store.get(&rows[4].id).await.unwrap(), None);
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_was_brought_up_is_like_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let [old, later, new] = ["old.db", "later.db", "new.db"].map(|name| folder.path().join(name));
    file_of(&old, WRITTEN_BY_VERSION_2);
    file_of(&later, WRITTEN_BY_VERSION_3);
    for path in [&old, &later, &new] {
        open(path, &Dial::new()).await.close().await;
    }
    for path in [&old, &later] {
        assert_eq!(shape(path), shape(&new));
        assert_eq!(version(path), version(&new));
    }
}

/// Every table with its columns and every index, as SQLite understands them.
fn shape(path: &Path) -> Vec<String> {
    let file = Connection::open(path).unwrap();
    let mut select = file
        .prepare(
            "SELECT m.type, m.name, m.tbl_name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk
             FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ORDER BY m.name, c.cid",
        )
        .unwrap();
    let rows = select.query_map([], |row| {
        let cells = (0..8).map(|column| Ok(format!("{:?}", row.get_ref(column)?)));
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_several_open_at_once_is_brought_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    file_of_version_2(&path);
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStore::open_with(path, SqliteOptions::new()).await.unwrap() })
        })
        .collect();
    for opening in openings {
        let store = opening.await.unwrap();
        assert_eq!(store.info().await.unwrap().finished, 2);
        assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_file_in_use_by_an_older_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    file_of_version_2(&path);
    let workers = folder.path().join("store.db.workers");
    fs::create_dir(&workers).unwrap();
    let lock = fs::File::create(workers.join("server-1.lock")).unwrap();
    lock.lock().unwrap();
    let refused = SqliteStore::open(&path).await.unwrap_err();
    let said = "store.db has schema version 2 and is in use";
    assert!(matches!(&refused, StoreError::Locked(error) if error.contains(said)), "{refused}");
    assert_eq!(version(&path), 2);
    // It may be copied all the same, as it is.
    let copy = folder.path().join("copy.db");
    SqliteStore::backup_of(&path, &copy).await.unwrap();
    assert_eq!(version(&copy), 2);

    drop(lock);
    assert_eq!(SqliteStore::open(&path).await.unwrap().info().await.unwrap().finished, 2);
}

#[tokio::test]
async fn a_file_that_is_to_stay_as_it_is_is_neither_made_nor_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let as_is = || SqliteStore::open_with(&path, SqliteOptions::new().as_is());
    let missing = as_is().await.unwrap_err();
    assert!(matches!(missing, StoreError::Unavailable(_)) && !path.exists(), "{missing}");
    fs::write(&path, "").unwrap();
    let empty = as_is().await.unwrap_err();
    assert!(matches!(&empty, StoreError::Unreadable(error) if error.contains("store.db is empty")), "{empty}");
    assert_eq!(version(&path), 0);

    file_of_version_2(&path);
    let before = shape(&path);
    let older = as_is().await.unwrap_err();
    assert!(matches!(older, StoreError::Outdated { found: 2, expected: 4, .. }), "{older}");
    assert!(older.to_string().contains("store.db has schema version 2"), "{older}");
    assert_eq!((shape(&path), version(&path)), (before, 2));

    SqliteStore::open(&path).await.unwrap().close().await;
    assert_eq!(as_is().await.unwrap().info().await.unwrap().finished, 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_up_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    file_of_version_2(&path);
    // Stands in for whatever may go wrong after the first of several changes.
    Connection::open(&path).unwrap().execute_batch("INSERT INTO meta VALUES ('finished', 1)").unwrap();
    let before = shape(&path);
    assert!(SqliteStore::open(&path).await.is_err());
    assert_eq!((shape(&path), version(&path)), (before, 2));
    Connection::open(&path).unwrap().execute_batch("DELETE FROM meta WHERE name = 'finished'").unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
    let before = Timestamp::from_millis(u64::MAX >> 1);
    assert_eq!(store.purge(&Retention::until(before), 10).await.unwrap().workflows, 2);
}
