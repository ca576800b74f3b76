//! The SQLite store against the suite, always with a second handle on the same file, and what only a file can suffer.
#![cfg(feature = "sqlite")]

mod backup;
mod faults;
mod golden;
mod migration;
mod shared;
mod torture;
mod unsound;

use std::path::Path;

use mcp_orchestrator_store::{SqliteOptions, SqliteStore};
use mcp_orchestrator_testkit::store_suite::{Dial, Subject};

async fn subject(dial: Dial) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (store, peer) = (open(&path, &dial).await, open(&path, &dial).await);
    Subject::new(store, dial, folder).with_peer(peer)
}

async fn open(path: &Path, dial: &Dial) -> SqliteStore {
    SqliteStore::open_with(path, SqliteOptions::new().with_now(dial.clock())).await.unwrap()
}

mcp_orchestrator_testkit::store_suite!(subject);
