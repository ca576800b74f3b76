//! A store that stops at a chosen write, as a process does that dies there, and counts what is read.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use mcp_orchestrator_store::{RecordPut, Store, StoreError};
use mcp_orchestrator_testkit::{StoreCall, Tap, TappedStore};
use tokio::sync::Notify;

/// Passes everything on, but a write that `stops` names: that one is never made and never answered.
pub(crate) struct Breaking {
    stops: fn(&RecordPut) -> bool,
    /// How many such writes are made all the same, first.
    spared: AtomicU64,
    pub(crate) stopped: Notify,
    /// How often the feed was read.
    pub(crate) feeds: AtomicU64,
    /// How often it was looked for any endpoint.
    pub(crate) looks: AtomicU64,
}

pub(crate) fn breaking_store(
    inner: Arc<dyn Store>,
    stops: fn(&RecordPut) -> bool,
    spared: u64,
) -> Arc<TappedStore<Breaking>> {
    let (feeds, looks) = (AtomicU64::default(), AtomicU64::default());
    TappedStore::new(inner, Breaking { stops, spared: AtomicU64::new(spared), stopped: Notify::new(), feeds, looks })
}

#[async_trait]
impl Tap for Breaking {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        match call {
            StoreCall::RecordPut(put) if (self.stops)(put) => {
                let spared = self.spared.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if spared.is_err() {
                    self.stopped.notify_one();
                    return future::pending().await;
                }
            }
            StoreCall::Feed => drop(self.feeds.fetch_add(1, Ordering::SeqCst)),
            StoreCall::RecordScan("webhooks.endpoint") => drop(self.looks.fetch_add(1, Ordering::SeqCst)),
            _ => {}
        }
        Ok(())
    }
}
