//! Taking away what is kept no longer: records whose time is over, and workflows that ended long ago if the operator says so.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::{Retention, Store};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// Workflows taken away at once, so that nobody waits long for the store.
const AT_ONCE: usize = 100;

/// Takes away again and again. Without a retention no workflow goes.
pub(crate) async fn tidy(store: Arc<dyn Store>, retention: Option<Duration>) {
    loop {
        let retention = Retention { finished_before: retention.map(ago), ..Retention::default() };
        loop {
            match store.purge(&retention, AT_ONCE).await {
                Ok(purged) if purged.workflows > 0 => {
                    tracing::info!(workflows = purged.workflows, blobs = purged.blobs, "took away what ended long ago");
                    tokio::task::yield_now().await;
                }
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "what is kept no longer cannot be taken away now");
                    break;
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn ago(kept: Duration) -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let moment = now.saturating_sub(kept).as_millis();
    Timestamp::from_millis(u64::try_from(moment).unwrap_or(0))
}
