//! What the servers of a run share, and what is done to it: a file, or Redis servers behind a proxy. Owns the Redis processes;
//! they end when this is dropped.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::{FaultProxy, Luck, RedisServer};

/// On which store the servers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers build it")]
pub enum ChaosStore {
    /// One SQLite file.
    Sqlite,
    /// One Redis server that syncs every write; it is killed, and cut off from the servers.
    Redis,
    /// Two of them, the second copying the first, late at times: the first is killed and the second takes its place. What was
    /// acknowledged meanwhile may be gone, and readers must be told.
    RedisFailover,
}

/// The store of a run.
pub(super) enum Backing {
    Sqlite,
    Redis(Box<Pair>),
}

/// One Redis server or two.
pub(super) struct Pair {
    /// What the servers under test connect to.
    proxy: FaultProxy,
    /// What the copy connects to.
    copying: FaultProxy,
    servers: Mutex<(RedisServer, Option<RedisServer>)>,
}

impl Backing {
    pub(super) fn start(store: ChaosStore) -> Self {
        if store == ChaosStore::Sqlite {
            return Self::Sqlite;
        }
        let server = || RedisServer::with(&["--appendfsync", "always", "--repl-diskless-sync-delay", "0"]);
        let first = server();
        let address = address(&first);
        let (proxy, copying) = (FaultProxy::start(address), FaultProxy::start(address));
        let second = (store == ChaosStore::RedisFailover).then(server);
        let pair = Pair { proxy, copying, servers: Mutex::new((first, None)) };
        if let Some(second) = second {
            pair.copy(&second);
            pair.servers().1 = Some(second);
        }
        Self::Redis(Box::new(pair))
    }

    /// Its address, as the servers are told.
    pub(super) fn url(&self, home: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite:{}", home.join("store.db").display()),
            Self::Redis(pair) => format!("redis://{}/0", pair.proxy.address()),
        }
    }

    /// Whether it may lose what it had acknowledged.
    pub(super) fn may_lose(&self) -> bool {
        matches!(self, Self::Redis(pair) if pair.servers().1.is_some())
    }

    /// Does something to it and undoes it; says what. Blocks.
    pub(super) fn trouble(&self, luck: Luck, event: u64) -> Option<&'static str> {
        let Self::Redis(pair) = self else { return None };
        Some(match luck.below(10, ("of the store", event)) {
            0..3 => {
                pair.proxy.cut();
                "redis connections cut"
            }
            3..6 => {
                pair.proxy.stall();
                thread::sleep(luck.millis(200, 6_000, ("store stalls", event)));
                pair.proxy.mend();
                "redis connections stalled"
            }
            _ if pair.servers().1.is_some() => {
                pair.fail_over(luck.millis(100, 1_500, ("late", event)));
                "redis failovers"
            }
            _ => {
                let mut servers = pair.servers();
                servers.0.kill();
                thread::sleep(luck.millis(0, 2_000, ("store away", event)));
                servers.0.restart();
                "redis kill -9"
            }
        })
    }
}

impl Pair {
    fn servers(&self) -> MutexGuard<'_, (RedisServer, Option<RedisServer>)> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a server a copy of the first, and waits until it has everything.
    fn copy(&self, second: &RedisServer) {
        let port = self.copying.address().port().to_string();
        second.command(&["REPLICAOF", "127.0.0.1", &port]);
        while !second.command(&["ROLE"]).contains("connected") {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The copy falls behind, the first dies, and the copy takes its place.
    fn fail_over(&self, late: Duration) {
        let mut servers = self.servers();
        let (first, second) = &mut *servers;
        let Some(second) = second else { return };
        self.copying.stall();
        thread::sleep(late);
        first.kill();
        second.command(&["REPLICAOF", "NO", "ONE"]);
        self.proxy.lead_to(address(second));
        self.proxy.cut();
        self.copying.lead_to(address(second));
        self.copying.cut();
        self.copying.mend();
        std::mem::swap(first, second);
        second.restart();
        self.copy(second);
    }
}

fn address(server: &RedisServer) -> std::net::SocketAddr {
    ([127, 0, 0, 1], server.port()).into()
}
