//! The engine on a file: a full or busy disk is a clear error, and what was stored is safe.

use std::{path::Path, sync::Arc, time::Duration};

use mcp_orchestrator::{Builder, Error};
use mcp_orchestrator_domain::Status;
use mcp_orchestrator_store::{SqliteOptions, SqliteStore, StoreError};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, SkipsPauses, research};

async fn open(path: &Path, options: SqliteOptions) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open_with(path, options).await.unwrap())
}

fn talkative(agents: usize) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| Act::Say(format!("{}\n{}", obliging(asked, agents), "word ".repeat(3000))))
}

#[tokio::test]
async fn workflows_on_one_file_complete_and_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orchestrator.db");
    let store = open(&path, SqliteOptions::new()).await;
    let engine = Engine::start_on(store.clone(), ScriptedProvider::obliging(5), |builder| builder);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(engine.submit(research(5)).await);
    }
    for id in &ids {
        assert_eq!(engine.handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
    engine.handle.shutdown(Duration::from_secs(5)).await.unwrap();
    store.close().await;

    let again =
        Engine::start_on(open(&path, SqliteOptions::new()).await, ScriptedProvider::obliging(5), |builder| builder);
    for id in &ids {
        assert!(again.handle.results(id).await.unwrap().report().is_ok());
    }
    assert!(again.provider.asked().is_empty());
}

#[tokio::test]
async fn a_full_disk_is_told_to_who_waits_and_the_workflow_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orchestrator.db");
    let store = open(&path, SqliteOptions::new().with_bytes_max(160 * 1024)).await;
    let skips = |builder: Builder| builder.with_clock(SkipsPauses::default());
    let engine = Engine::start_on(store.clone(), talkative(12), skips);
    let id = engine.submit(research(12)).await;
    let told = engine.handle.settled(&id).await;
    assert!(matches!(told, Err(Error::Store(StoreError::Full(_)))), "{told:?}");
    assert!(!engine.handle.status(&id).await.unwrap().summary.status.is_terminal());
    engine.handle.shutdown(Duration::ZERO).await.unwrap();
    store.close().await;

    let store = open(&path, SqliteOptions::new()).await;
    let engine = Engine::start_on(store, talkative(12), |builder| builder);
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}
