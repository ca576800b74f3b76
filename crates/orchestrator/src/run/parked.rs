//! How long a call has waited for permission to run. Told by its provider, read by whoever limits its time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_domain::Timestamp;

use crate::Clock;

/// The waits of one call so far.
#[derive(Debug)]
pub(super) struct Parked {
    clock: Arc<dyn Clock>,
    time: Mutex<(Duration, Option<Timestamp>)>,
}

impl Parked {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, time: Mutex::new((Duration::ZERO, None)) }
    }

    /// It waits from now on, unless it does already.
    pub(super) fn begin(&self) {
        let now = self.clock.now();
        self.time.lock().unwrap_or_else(PoisonError::into_inner).1.get_or_insert(now);
    }

    /// It runs from now on.
    pub(super) fn end(&self) {
        let now = self.clock.now();
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = time.1.take() {
            time.0 += now.since(since);
        }
    }

    /// Whether it waits now.
    pub(super) fn is_parked(&self) -> bool {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).1.is_some()
    }

    /// So long until now, the present wait included.
    pub(super) fn so_far(&self) -> Duration {
        let now = self.clock.now();
        let time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        time.0 + time.1.map_or(Duration::ZERO, |since| now.since(since))
    }
}
