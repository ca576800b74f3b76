//! Who delivers: one of the processes that share a store. Owns taking, keeping and giving back that right.

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::StoreError;

use crate::{keys::STATE, shared::Shared};

const KEY: &str = "leader";

/// The right to deliver, until it is lost. The record behind it ends by itself when nobody prolongs it.
pub(crate) struct Lease {
    version: u64,
    pub(crate) renew_at: Timestamp,
}

impl Lease {
    /// Takes it if nobody has it.
    pub(crate) async fn take(shared: &Shared) -> Result<Option<Self>, StoreError> {
        // Those that wait ask often; asking is to be cheaper than writing.
        if shared.db.store.record_get(STATE, KEY).await?.is_some() {
            return Ok(None);
        }
        let renew_at = renewal(shared);
        Ok(put(shared, 0).await?.map(|version| Self { version, renew_at }))
    }

    /// Whether it is to be prolonged now; also when the clock was set back, and nobody knows how old it is.
    pub(crate) fn is_due(&self, shared: &Shared) -> bool {
        self.renew_at <= shared.now() || self.renew_at > renewal(shared)
    }

    /// Prolongs it; whether it is still there.
    pub(crate) async fn renew(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let renew_at = renewal(shared);
        let version = match put(shared, self.version).await? {
            Some(version) => Some(version),
            // It may have ended without anybody taking it.
            None => put(shared, 0).await?,
        };
        let Some(version) = version else { return Ok(false) };
        *self = Self { version, renew_at };
        Ok(true)
    }

    /// Gives it back, so that another process need not wait for its end.
    pub(crate) async fn release(self, shared: &Shared) {
        if let Err(error) = shared.db.delete(STATE, KEY, self.version).await {
            tracing::debug!(%error, "the lease of webhooks is left to end by itself");
        }
    }
}

async fn put(shared: &Shared, expected: u64) -> Result<Option<u64>, StoreError> {
    // Who has it is of interest to people only: the version is what proves it.
    shared.db.put(STATE, KEY, expected, &std::process::id(), Some(shared.settings.lease)).await
}

fn renewal(shared: &Shared) -> Timestamp {
    shared.now().after(shared.settings.lease / 3)
}
