//! What this program is when it was started by itself: the service. It is that until its input ends.

use serde::{Deserialize, Serialize};

use crate::{answer::answer, service};

/// Says what a started process is.
pub(crate) const ROLE: &str = "MCP_ORCHESTRATOR_BENCH_ROLE";

/// What a process is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// A service that gives ready answers over every wire.
    Service,
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
        let Self::Service = self;
        // One thread: it does next to nothing, and the cores are wanted by who is measured.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (address, serving) = service::start().await?;
            answer(&address.to_string()).await?;
            serving.abort();
            Ok(())
        })
    }
}
