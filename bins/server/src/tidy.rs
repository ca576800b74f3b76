//! Taking away what is kept no longer: what has expired, and of the workflows that have ended those the operator does not
//! want kept. Owns when it is looked for; what goes is the store's to find.
//!
//! Every process that serves does this. What one has taken away the others find gone.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator_app::KeptSettings;
use mcp_orchestrator_domain::{Timestamp, millis};
use mcp_orchestrator_store::{Change, Store};
use mcp_orchestrator_transport_http::Metrics;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often, whatever happens.
const EVERY: Duration = Duration::from_mins(10);
/// How long after a change, where a number or a size is to be kept: a busy store is asked so often and no more.
const SOON: Duration = Duration::from_secs(1);
/// Workflows taken away at once, so that nobody waits long for the store.
const AT_ONCE: usize = 100;

/// Takes away again and again: by age every ten minutes, by number and size a second after something was stored, by this
/// process or another. Without bounds no workflow goes.
pub(crate) async fn tidy(store: Arc<dyn Store>, kept: KeptSettings, metrics: Metrics) {
    let promptly = kept.ended_max.is_some() || kept.ended_bytes_max.is_some();
    loop {
        // What comes while things are taken away is seen afterwards.
        let mut changes = store.changes();
        take_away(&*store, &kept, &metrics).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stored(&mut changes), if promptly => {}
        }
    }
}

async fn take_away(store: &dyn Store, kept: &KeptSettings, metrics: &Metrics) {
    loop {
        let now = millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let purged = store.purge(&kept.at(Timestamp::from_millis(now)), AT_ONCE).await;
        if let Ok(purged) = &purged {
            metrics.purged(purged.workflows, purged.blobs);
        }
        match purged {
            Ok(purged) if purged.workflows > 0 => {
                tracing::info!(workflows = purged.workflows, blobs = purged.blobs, "took away what is not kept");
                tokio::task::yield_now().await;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "what is kept no longer cannot be taken away now");
                return;
            }
        }
    }
}

/// Ends a while after something was stored. What is only shown is passed over; who was told too much has missed something.
async fn stored(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Ephemeral(..)) => {}
            // A store that tells nothing more is looked at every now and then.
            Err(RecvError::Closed) => std::future::pending().await,
            Ok(_) | Err(RecvError::Lagged(_)) => return tokio::time::sleep(SOON).await,
        }
    }
}
