//! A store in memory that can be told to fail or to hang when workflows are listed or it is asked how it is.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::{MemoryStore, StoreError};
use mcp_orchestrator_testkit::{StoreCall, Tap, TappedStore};

/// What ails it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sickness {
    None,
    Fails,
    Hangs,
}

/// What stands before the store.
pub(crate) struct Sick {
    unreadable: Mutex<Option<WorkflowId>>,
    sickness: AtomicU8,
}

pub(crate) fn sick_store() -> Arc<TappedStore<Sick>> {
    let sick = Sick { unreadable: Mutex::default(), sickness: AtomicU8::new(Sickness::None as u8) };
    TappedStore::new(Arc::new(MemoryStore::new()), sick)
}

impl Sick {
    /// Lets every read of one log fail until it falls into another state.
    pub(crate) fn cannot_read(&self, id: &str) {
        *self.unreadable.lock().unwrap() = Some(id.parse().unwrap());
    }

    pub(crate) fn fall(&self, sickness: Sickness) {
        *self.unreadable.lock().unwrap() = None;
        self.sickness.store(sickness as u8, Ordering::SeqCst);
    }
}

#[async_trait]
impl Tap for Sick {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let gone = || Err(StoreError::Unavailable("it is gone".to_owned()));
        match call {
            StoreCall::Read(id) if self.unreadable.lock().unwrap().as_ref() == Some(id) => gone(),
            StoreCall::List | StoreCall::Info => match self.sickness.load(Ordering::SeqCst) {
                sickness if sickness == Sickness::Fails as u8 => gone(),
                sickness if sickness == Sickness::Hangs as u8 => std::future::pending().await,
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
