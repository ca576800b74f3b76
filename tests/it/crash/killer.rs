//! The tap that ends an engine: from a write on, nothing it asks of the store ever comes back.

use std::{
    future,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use mcp_orchestrator_store::StoreError;
use mcp_orchestrator_testkit::{StoreCall, Tap};
use tokio::sync::Notify;

/// When an engine dies, seen from a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before it reached the store.
    Before,
    /// When it was durable and nobody had been told.
    Unacknowledged,
    /// When it was durable, the engine had been told, and acted on it.
    Acknowledged,
}

impl Moment {
    pub(super) const ALL: [Self; 3] = [Self::Before, Self::Unacknowledged, Self::Acknowledged];
}

/// Counts writes and ends the engine at one of them.
#[derive(Debug, Default)]
pub(super) struct Killer {
    at: Option<(usize, Moment)>,
    begun: AtomicUsize,
    done: AtomicUsize,
    is_dead: AtomicBool,
    died: Notify,
    /// The positions at which writes ended.
    ends: Mutex<Vec<u64>>,
    /// Fires after every write.
    pub(super) wrote: Notify,
}

impl Killer {
    /// One that kills at this write, counted from 0; `None`: never.
    pub(super) fn new(at: Option<(usize, Moment)>) -> Self {
        Self { at, ..Self::default() }
    }

    /// Writes that were done.
    pub(super) fn writes(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    /// The positions at which appends ended, in their order.
    pub(super) fn ends(&self) -> Vec<u64> {
        self.ends.lock().unwrap().clone()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// Returns once the engine can do nothing any more.
    pub(super) async fn death(&self) {
        self.died.notified().await;
    }

    async fn die(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
        future::pending().await
    }
}

#[async_trait]
impl Tap for Killer {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if self.is_dead() {
            self.die().await;
        }
        if call.writes_a_log() && self.at == Some((self.begun.fetch_add(1, Ordering::SeqCst), Moment::Before)) {
            self.die().await;
        }
        Ok(())
    }

    async fn after(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if let StoreCall::Append(append) = call {
            self.ends.lock().unwrap().push(append.expected.value() + append.records.len() as u64);
        }
        if call.writes_a_log() {
            let number = self.done.fetch_add(1, Ordering::SeqCst);
            if self.at == Some((number, Moment::Unacknowledged)) {
                self.die().await;
            }
            if self.at == Some((number, Moment::Acknowledged)) {
                // What it does with the news is seen; what it asks next is not answered.
                self.is_dead.store(true, Ordering::SeqCst);
            }
            self.wrote.notify_one();
        }
        Ok(())
    }
}
