//! Limits that processes share through a store: one suite over every store, each seen from two processes.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use mcp_orchestrator::{Clock, MemoryStore, Store, layers::StoreLimits};
use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::{RedisOptions, RedisStore, SqliteOptions, SqliteStore};
use mcp_orchestrator_testkit::{RedisServer, shared_limits::SharedSubject, store_suite::Dial};

/// The clock of the machines is that of the store.
struct Turned(Dial);

#[async_trait]
impl Clock for Turned {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, _deadline: Timestamp) {}
}

fn subject(one: impl Store, other: impl Store, dial: &Dial, keep: impl Send + Sync + 'static) -> SharedSubject {
    let limits = |store: Arc<dyn Store>| Arc::new(StoreLimits::new(store).with_clock(Turned(dial.clone())));
    SharedSubject::new(limits(Arc::new(one)), limits(Arc::new(other)), dial.clone(), keep)
}

mod over_memory {
    use super::*;

    async fn subject(dial: Dial) -> SharedSubject {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_now(dial.clock()));
        let limits = || Arc::new(StoreLimits::new(Arc::clone(&store)).with_clock(Turned(dial.clone())));
        SharedSubject::new(limits(), limits(), dial.clone(), ())
    }

    mcp_orchestrator_testkit::shared_limits_suite!(subject);
}

mod over_sqlite {
    use super::*;

    async fn open(path: &Path, dial: &Dial) -> SqliteStore {
        SqliteStore::open_with(path, SqliteOptions::new().with_now(dial.clock())).await.unwrap()
    }

    async fn subject(dial: Dial) -> SharedSubject {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        super::subject(open(&path, &dial).await, open(&path, &dial).await, &dial, folder)
    }

    mcp_orchestrator_testkit::shared_limits_suite!(subject);
}

mod over_redis {
    use super::*;

    async fn open(server: &RedisServer, dial: &Dial) -> RedisStore {
        RedisStore::open_with(RedisOptions::from_url(&server.url()).unwrap().with_now(dial.clock())).await.unwrap()
    }

    async fn subject(dial: Dial) -> SharedSubject {
        let server = RedisServer::start();
        super::subject(open(&server, &dial).await, open(&server, &dial).await, &dial, server)
    }

    mcp_orchestrator_testkit::shared_limits_suite!(subject);
}
