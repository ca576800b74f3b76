//! What this program is when it was started by itself: a server, or clients that only hold connections open. It does that
//! until its input ends.

use std::{net::SocketAddr, path::Path, sync::Arc};

use mcp_orchestrator::{MemoryStore, Store};
use mcp_orchestrator_store::SqliteStore;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::{answer::answer, bare, client::IdleReader, idle, provider::Paced, site::Site};

/// Says what a started process is.
pub(crate) const ROLE: &str = "MCP_ORCHESTRATOR_BENCH_ROLE";

/// What a process is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The server, with workflows that nobody runs, and with log lines as it writes them by default.
    Server { store: Kind, idle: usize, logs: bool },
    /// The server's MCP service without its HTTP server.
    Mounted,
    /// A server of rmcp and nothing else, with one tool that gives this answer.
    Bare { answer: String },
    /// Clients that read the events of workflows nobody runs, each of its own.
    Readers { address: SocketAddr, count: usize },
}

/// Where workflows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }

    /// A store in a folder.
    pub(crate) async fn open(self, folder: &Path) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Sqlite => Arc::new(SqliteStore::open(folder.join("bench.db")).await?),
        })
    }
}

impl Role {
    /// The role this process was started in.
    pub(crate) fn of_this_process() -> anyhow::Result<Option<Self>> {
        match std::env::var(ROLE) {
            Ok(role) => Ok(Some(serde_json::from_str(&role)?)),
            Err(_) => Ok(None),
        }
    }

    /// Whether it writes log lines, which nobody reads.
    pub(crate) const fn logs(&self) -> bool {
        match self {
            Self::Server { logs, .. } => *logs,
            Self::Mounted | Self::Bare { .. } | Self::Readers { .. } => false,
        }
    }

    /// Does it until the input ends.
    pub(crate) fn play(self) -> anyhow::Result<()> {
        raise_open_files()?;
        crate::runtime()?.block_on(async {
            match self {
                Self::Server { store, idle: count, logs } => {
                    log(logs);
                    let folder = tempfile::tempdir()?;
                    let store = store.open(folder.path()).await?;
                    let site = Site::start(Arc::clone(&store), Paced::held()?).await?;
                    idle::create(&site, store.as_ref(), count).await?;
                    answer(&site.address.to_string()).await?;
                    site.stop().await
                }
                Self::Mounted => {
                    let site = Site::start(Kind::Memory.open(Path::new("")).await?, Paced::held()?).await?;
                    let (address, serving) = bare::serve(site.mcp.http_service()).await?;
                    answer(&address.to_string()).await?;
                    serving.abort();
                    site.stop().await
                }
                Self::Bare { answer: given } => {
                    let (address, serving) = bare::start(&given).await?;
                    answer(&address.to_string()).await?;
                    serving.abort();
                    Ok(())
                }
                Self::Readers { address, count } => {
                    let mut open = Vec::with_capacity(count);
                    for number in 0..count {
                        open.push(IdleReader::open(address, &idle::id(number)?).await?);
                    }
                    answer("open").await?;
                    drop(open);
                    Ok(())
                }
            }
        })
    }
}

/// As many open files as the system lets this process have; how many that are.
pub(crate) fn raise_open_files() -> anyhow::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}

/// Log lines as the server's binary writes them, to an error output that leads nowhere.
fn log(wanted: bool) {
    if wanted {
        let filter = tracing_subscriber::EnvFilter::new(LOGGED);
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    }
}

/// What the server logs when nothing else is set.
const LOGGED: &str = "info,rmcp=warn";
