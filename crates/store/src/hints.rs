//! Telling those who watch and those who look for work. Owns the two channels; what they mean is the contract's.

use std::time::Duration;

use tokio::sync::{Notify, broadcast};

use crate::Change;

/// Hints kept for a slow receiver; one that falls further behind reads the log instead.
const HINTS_MAX: usize = 4096;

/// Both channels of one store.
#[derive(Debug)]
pub(crate) struct Hints {
    changes: broadcast::Sender<Change>,
    work: Notify,
}

impl Hints {
    pub(crate) fn new() -> Self {
        Self { changes: broadcast::Sender::new(HINTS_MAX), work: Notify::new() }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Whether anybody would hear a hint: building one costs something.
    pub(crate) fn watched(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Tells all receivers there are. Nobody listening is no failure.
    pub(crate) fn tell(&self, change: Change) {
        let _ = self.changes.send(change);
    }

    /// Says that there may be work: to all who wait, and to the next who will, so that nobody goes to sleep between
    /// looking and waiting.
    pub(crate) fn wake(&self) {
        self.work.notify_waiters();
        self.work.notify_one();
    }

    pub(crate) async fn wait_work(&self, max_wait: Duration) {
        let _ = tokio::time::timeout(max_wait, self.work.notified()).await;
    }
}
