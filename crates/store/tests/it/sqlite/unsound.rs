//! What `check` finds: each kind of damage that can be done to a file is told, by the name of what it hurts.

use bytes::Bytes;
use mcp_orchestrator_domain::Principal;
use mcp_orchestrator_store::{FINDINGS_MAX, SqliteOptions, SqliteStore, Store};
use mcp_orchestrator_testkit::store_suite::{Dial, append, created, finish, records, workflow};

use super::open;

#[tokio::test]
async fn every_kind_of_damage_is_found_and_named() {
    let damages = [
        ("UPDATE state SET head = 9 WHERE wid = 1", "is said to be at 9, its log ends at 3"),
        ("DELETE FROM entry WHERE wid = 1 AND seq = 2", "has 1 records up to 3 after record 1"),
        ("UPDATE entry SET data = 'nothing' WHERE wid = 1 AND seq = 2", "record 2 of test_"),
        ("UPDATE entry SET data = data || ' ' WHERE wid = 1 AND seq = 2", "bytes, 234 are counted"),
        ("UPDATE state SET ready_at = 5, owner = 'w', lease_until = 7 WHERE wid = 1", "in more than one of"),
        ("UPDATE state SET ready_at = NULL, owner = 'w' WHERE wid = 1", "without an end"),
        ("UPDATE state SET status = 'completed' WHERE wid = 1", "is completed and not taken for ended"),
        ("UPDATE state SET status = 'odd' WHERE wid = 1", "\"odd\""),
        ("DELETE FROM workflow WHERE wid = 1", "rows of table entry belong to no row of table workflow"),
        ("DELETE FROM state WHERE wid = 1", "rows of table workflow belong to no row of table state"),
        ("UPDATE meta SET value = value + 1 WHERE name = 'finished'", "workflows of"),
        ("UPDATE meta SET value = value + 1 WHERE name = 'finished_bytes'", "workflows of"),
        ("UPDATE blob SET data = x'00'", "a blob of local in row 1 is not what it was"),
    ];
    for (damage, told) in damages {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let dial = Dial::new();
        let store = open(&path, &dial).await;
        let id = created(&store, workflow()).await;
        store.append(append(&id, 1, records([2]))).await.unwrap();
        store.append(append(&id, 2, records([3]))).await.unwrap();
        let ended = created(&store, workflow()).await;
        finish(&store, &ended, 1, dial.now()).await.unwrap();
        store.put_blob(&Principal::local(), Bytes::from_static(b"abc")).await.unwrap();
        assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());

        let done = rusqlite::Connection::open(&path).unwrap().execute(damage, []).unwrap();
        assert!(done > 0, "{damage}");
        let findings = store.check().await.unwrap().findings;
        assert!(findings.iter().any(|finding| finding.contains(told)), "{damage}: {findings:?}");
    }
}

#[tokio::test]
async fn pages_that_cannot_be_read_are_findings() {
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
    let findings = store.check().await.unwrap().findings;
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.contains("damaged")), "{findings:?}");
}

#[tokio::test]
async fn findings_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    for _ in 0..FINDINGS_MAX + 50 {
        created(&store, workflow()).await;
    }
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE state SET head = 9", []).unwrap();
    assert_eq!(store.check().await.unwrap().findings.len(), FINDINGS_MAX);
}

#[tokio::test]
async fn a_full_store_has_room_again_after_a_purge() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = SqliteOptions::new().with_bytes_max(1_000_000);
    let store = SqliteStore::open_with(&path, options).await.unwrap();
    let mut ended = 0_u64;
    while let id = workflow().id
        && let Ok(_) = store.create(mcp_orchestrator_store::NewWorkflow { id: id.clone(), ..workflow() }).await
        && let Ok(_) = store.append(append(&id, 1, records(2..100))).await
        && let Ok(_) = finish(&store, &id, 99, mcp_orchestrator_domain::Timestamp::from_millis(ended)).await
    {
        ended += 1;
        assert!(ended < 10_000, "it never fills");
    }
    let retention = mcp_orchestrator_store::Retention { finished_max: Some(ended / 2), ..Default::default() };
    let purged = store.purge(&retention, 10_000).await.unwrap();
    assert_eq!(purged.workflows as u64, ended - ended / 2);
    let id = created(&store, workflow()).await;
    store.append(append(&id, 1, records(2..100))).await.unwrap();
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
}
