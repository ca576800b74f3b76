//! The engine at work with a provider that answers at once.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Handle, Orchestrator};
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::{MemoryStore, SqliteStore, Store};
use tokio::task::JoinSet;

use crate::{
    instant::{Instant, draft},
    measure::{Cost, Watch},
};

/// One row of the table.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) agents: u16,
    pub(crate) in_flight: usize,
    pub(crate) workflows: usize,
}

impl Load {
    /// How it is chosen on the command line: `memory/20/100`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}/{}", self.kind.name(), self.agents, self.in_flight)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
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
}

/// Runs the row's workflows.
pub(crate) fn run(load: &Load) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    runtime()?.block_on(async {
        let store = open(load.kind, folder.path()).await?;
        let handle = start(store, load)?;
        let watch = Watch::start();
        let mut running = JoinSet::new();
        for _ in 0..load.workflows {
            while running.len() >= load.in_flight {
                running.join_next().await.transpose()?.transpose()?;
            }
            let (handle, draft) = (handle.clone(), draft(load.agents));
            running.spawn(async move {
                let id = handle.submit(draft).await?;
                let row = handle.settled(&id).await?;
                anyhow::ensure!(row.summary.failure.is_none(), "a workflow failed: {:?}", row.summary.failure);
                Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        let cost = watch.stop();
        handle.shutdown(Duration::from_secs(10)).await?;
        Ok(cost)
    })
}

/// The bytes of each append of one such workflow, in order.
pub(crate) fn appends_of_one(load: &Load) -> anyhow::Result<Vec<usize>> {
    let folder = tempfile::tempdir()?;
    runtime()?.block_on(async {
        let store = open(Kind::Sqlite, folder.path()).await?;
        let handle = start(store, load)?;
        let id: WorkflowId = handle.submit(draft(load.agents)).await?;
        handle.settled(&id).await?;
        handle.shutdown(Duration::from_secs(10)).await?;
        anyhow::Ok(())
    })?;
    let database = rusqlite::Connection::open(folder.path().join("bench.db"))?;
    let mut rows = database.prepare("SELECT length(data) FROM entry ORDER BY position")?;
    let bytes = rows.query_map([], |row| row.get::<_, i64>(0))?;
    let appends = bytes.map(|bytes| Ok(usize::try_from(bytes?)?)).collect::<anyhow::Result<Vec<usize>>>()?;
    anyhow::ensure!(appends.len() > 2, "the log has too few appends");
    Ok(appends)
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn open(kind: Kind, folder: &std::path::Path) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match kind {
        Kind::Memory => Arc::new(MemoryStore::new()),
        Kind::Sqlite => Arc::new(SqliteStore::open(folder.join("bench.db")).await?),
    })
}

fn start(store: Arc<dyn Store>, load: &Load) -> anyhow::Result<Handle> {
    let provider = Instant::new(load.agents)?;
    let builder = Orchestrator::builder_shared(store).with_provider(provider).with_running_max(load.in_flight);
    Ok(builder.build()?.start())
}
