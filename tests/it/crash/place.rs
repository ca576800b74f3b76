//! Stores that survive the engine. Owns how each is opened again and how the end of a worker is known in it.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_store::{MemoryStore, RedisOptions, RedisStore, SqliteOptions, SqliteStore, Store};
use mcp_orchestrator_testkit::{RedisServer, store_suite::Dial};

/// Where workflows outlive the engine that ran them.
pub(super) trait Place {
    /// Whether a run costs so little that every moment of every place is tried each time.
    const IS_QUICK: bool;

    /// An empty one.
    fn fresh() -> Self;

    /// The store, as a process opens it.
    async fn open(&self) -> Arc<dyn Store>;

    /// Called when a process that had it open is gone.
    fn owner_died(&self);
}

/// Memory that more than one engine knows.
pub(super) struct Memory {
    store: Arc<MemoryStore>,
    dial: Dial,
}

impl Place for Memory {
    const IS_QUICK: bool = true;

    fn fresh() -> Self {
        let dial = Dial::new();
        Self { store: Arc::new(MemoryStore::with_now(dial.clock())), dial }
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::<MemoryStore>::clone(&self.store)
    }

    fn owner_died(&self) {
        // Nothing but time tells the end of a worker here.
        self.dial.turn(Duration::from_secs(16));
    }
}

/// A file. The lock file of a process that is gone is free, and its leases with it.
pub(super) struct Sqlite {
    folder: tempfile::TempDir,
}

impl Place for Sqlite {
    const IS_QUICK: bool = false;

    fn fresh() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let path = self.folder.path().join("store.db");
        Arc::new(SqliteStore::open_with(path, SqliteOptions::new()).await.unwrap())
    }

    fn owner_died(&self) {}
}

/// A server of its own. It knows nothing of processes but the time they were last heard of.
pub(super) struct Redis {
    server: RedisServer,
    dial: Dial,
}

impl Place for Redis {
    const IS_QUICK: bool = false;

    fn fresh() -> Self {
        Self { server: RedisServer::start(), dial: Dial::new() }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let options = RedisOptions::from_url(&self.server.url()).unwrap().with_now(self.dial.clock());
        Arc::new(RedisStore::open_with(options).await.unwrap())
    }

    fn owner_died(&self) {
        self.dial.turn(Duration::from_secs(16));
    }
}
