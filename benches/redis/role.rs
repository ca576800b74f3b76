//! What this program is when it was started by itself: a replica on a Redis, for readers or at work. It does that until its
//! input ends.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use mcp_orchestrator::Orchestrator;
use mcp_orchestrator_store::RedisStore;
use serde::{Deserialize, Serialize};

use crate::{answer::answer, provider::Paced, replicas::AGENTS, site::Site, slow::Slow};

/// Says what a started process is.
pub(crate) const ROLE: &str = "MCP_ORCHESTRATOR_BENCH_ROLE";

/// How long an engine may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// What a process is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The server on this Redis. It runs nothing of what is stored there for its readers.
    Server { url: String },
    /// An engine on this Redis. It begins when it is first asked for its cost, so that all begin at once.
    Engine { url: String, running_max: usize, wait_ms: u64 },
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
    #[expect(clippy::unused_self, reason = "roles of another benchmark differ in it")]
    pub(crate) const fn logs(&self) -> bool {
        false
    }

    /// Does it until the input ends.
    pub(crate) fn play(self) -> anyhow::Result<()> {
        crate::runtime()?.block_on(async {
            match self {
                Self::Server { url } => {
                    let store = Arc::new(RedisStore::open(&url).await?);
                    let site = Site::start(store, Paced::held()?).await?;
                    answer(&site.address.to_string()).await?;
                    site.stop().await
                }
                Self::Engine { url, running_max, wait_ms } => {
                    let store = RedisStore::open(&url).await?;
                    let provider = Slow::new(AGENTS, Duration::from_millis(wait_ms))?;
                    let engine = Orchestrator::builder(store).with_provider(provider).with_running_max(running_max);
                    let engine = engine.build()?;
                    tokio::task::spawn_blocking(asked).await.context("the thread that waits broke")??;
                    let handle = engine.start();
                    // What it cost before it began counts for nothing.
                    answer("0 0").await?;
                    Ok(handle.shutdown(GRACE).await?)
                }
            }
        })
    }
}

/// Says that it is ready, and returns when it is asked for the first time.
fn asked() -> anyhow::Result<()> {
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
