//! The SQLite store against the suite, always with a second handle on the same file.
#![cfg(feature = "sqlite")]

use mcp_orchestrator_store::{SqliteOptions, SqliteStore};
use mcp_orchestrator_testkit::store_suite::{Dial, Subject};

async fn subject(dial: Dial) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let open = || SqliteStore::open_with(&path, SqliteOptions::new().with_now(dial.clock()));
    let (store, peer) = (open().await.unwrap(), open().await.unwrap());
    Subject::new(store, dial, folder).with_peer(peer)
}

mcp_orchestrator_testkit::store_suite!(subject);
