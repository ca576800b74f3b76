//! The Redis store against the suite, always with a second handle on the same server, and what only a server can suffer.
#![cfg(feature = "redis")]

mod failover;
mod layout;
mod outage;
mod shared;
mod start;

use std::time::Duration;

use mcp_orchestrator_store::{RedisOptions, RedisStore};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{Dial, Subject},
};

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

async fn subject(dial: Dial) -> Subject {
    let server = RedisServer::start();
    let (store, peer) = (open(&server, &dial).await, open(&server, &dial).await);
    Subject::new(store, dial, server).with_peer(peer).with_ends_told_by_time()
}

async fn open(server: &RedisServer, dial: &Dial) -> RedisStore {
    RedisStore::open_with(RedisOptions::from_url(&server.url()).unwrap().with_now(dial.clock())).await.unwrap()
}

/// What must come, in time.
async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.expect("it comes in time")
}

mcp_orchestrator_testkit::store_suite!(subject);
