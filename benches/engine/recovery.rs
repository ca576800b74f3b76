//! After a crash: a thousand workflows whose worker has died with calls open, and a fresh engine on the same file that
//! takes them over, reads their logs and goes on.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator::{Handle, Orchestrator};
use mcp_orchestrator_domain::{ModelName, ProviderName, Role, Status};
use mcp_orchestrator_providers::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError};
use mcp_orchestrator_store::{ListFilter, SqliteStore, Store};

use crate::{
    instant::{Instant, draft},
    measure::Watch,
    workload::runtime,
};

/// Agents of each workflow.
const AGENTS: u16 = 4;
/// Between two looks at how far they are.
const LOOK: Duration = Duration::from_millis(1);
/// How long one of the steps of this measurement may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// One line: how long until all are in hand again, and how long until all have completed.
pub(crate) fn row(workflows: usize, running_max: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    crash(&path, workflows)?;

    let runtime = runtime()?;
    let (in_hand, completed) = runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await?);
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = Counted { inner: Instant::new(AGENTS)?, asked: Arc::clone(&asked), hangs: false };
        let watch = Watch::start();
        let handle = start(Arc::clone(&store), provider, running_max)?;
        // Each open call is made once more before anything else happens to its workflow.
        until(|| asked.load(Ordering::Relaxed) >= workflows * usize::from(AGENTS)).await?;
        let in_hand = watch.stop();
        loop {
            let filter =
                ListFilter { statuses: vec![Status::Running, Status::Queued], max: 1, ..ListFilter::default() };
            if store.list(&filter).await?.is_empty() {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let completed = watch.stop();
        handle.shutdown(Duration::from_secs(10)).await?;
        anyhow::Ok((in_hand, completed))
    })?;
    println!(
        "{:<8} {:>10} {:>12} {:>17.0} {:>17.0} {:>14.0}",
        "sqlite",
        workflows,
        running_max,
        in_hand.wall_us / 1e3,
        completed.wall_us / 1e3,
        completed.cpu_us / 1e3,
    );
    Ok(())
}

/// Begins so many workflows, and dies when every agent of every one of them waits for an answer.
fn crash(path: &Path, workflows: usize) -> anyhow::Result<()> {
    let doomed = runtime()?;
    let handle = doomed.block_on(async {
        let store = Arc::new(SqliteStore::open(path).await?);
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = Counted { inner: Instant::new(AGENTS)?, asked: Arc::clone(&asked), hangs: true };
        let handle = start(store, provider, workflows)?;
        for _ in 0..workflows {
            handle.submit(draft(AGENTS)).await?;
        }
        until(|| asked.load(Ordering::Relaxed) >= workflows * usize::from(AGENTS)).await?;
        anyhow::Ok(handle)
    })?;
    // The runtime first: whoever would give the workflows back is gone when the handle goes.
    doomed.shutdown_timeout(Duration::from_secs(10));
    drop(handle);
    Ok(())
}

fn start(store: Arc<dyn Store>, provider: Counted, running_max: usize) -> anyhow::Result<Handle> {
    let builder = Orchestrator::builder_shared(store).with_provider(provider).with_running_max(running_max);
    Ok(builder.build()?.start())
}

async fn until(so: impl Fn() -> bool) -> anyhow::Result<()> {
    let waits = async {
        while !so() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.map_err(|_| anyhow::anyhow!("it did not happen in {PATIENCE:?}"))
}

/// Counts what agents ask, and perhaps never answers them.
struct Counted {
    inner: Instant,
    asked: Arc<AtomicUsize>,
    hangs: bool,
}

#[async_trait]
impl Provider for Counted {
    fn name(&self) -> &ProviderName {
        self.inner.name()
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        self.inner.capabilities(model)
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        if request.input.role == Role::Researcher {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.hangs {
                std::future::pending::<()>().await;
            }
        }
        self.inner.chat(request, sink).await
    }
}
