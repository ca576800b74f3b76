//! A store in memory whose logs can be made unreadable.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_orchestrator::{MemoryStore, WorkflowId, async_trait, store::StoreError};
use mcp_orchestrator_testkit::{StoreCall, Tap, TappedStore};
use tokio::sync::Notify;

/// What stands before the store.
#[derive(Default)]
pub(crate) struct Unreadable {
    /// The log that cannot be read, and how many reads of it fail yet.
    fails: Mutex<Option<(WorkflowId, usize)>>,
    recovered: Notify,
}

pub(crate) type UnreadableStore = TappedStore<Unreadable>;

pub(crate) fn unreadable_store() -> Arc<UnreadableStore> {
    TappedStore::new(Arc::new(MemoryStore::new()), Unreadable::default())
}

impl Unreadable {
    /// Lets so many reads of a log fail.
    pub(crate) fn fail(&self, id: &str, reads: usize) {
        *self.fails.lock().unwrap() = Some((id.parse().unwrap(), reads));
    }

    /// Lets no read fail any more.
    pub(crate) fn heal(&self) {
        *self.fails.lock().unwrap() = None;
    }

    /// Waits until the last read that was to fail has failed.
    pub(crate) async fn recovered(&self) {
        let recovered = tokio::time::timeout(Duration::from_secs(600), self.recovered.notified());
        recovered.await.expect("reads go on until none fails");
    }
}

#[async_trait]
impl Tap for Unreadable {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let StoreCall::Read(id) = call else { return Ok(()) };
        let mut fails = self.fails.lock().unwrap();
        let Some((_, left)) = fails.as_mut().filter(|(sick, _)| sick == id) else { return Ok(()) };
        *left -= 1;
        if *left == 0 {
            *fails = None;
            self.recovered.notify_one();
        }
        Err(StoreError::Unavailable("it is gone".to_owned()))
    }
}
