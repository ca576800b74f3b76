//! A clock that moves by hand.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator::Clock;
use mcp_orchestrator_domain::Timestamp;
use tokio::sync::watch;

/// A clock that stands still until it is moved. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    /// A clock that shows one day after the epoch.
    #[must_use]
    pub fn new() -> Self {
        Self { now: Arc::new(watch::Sender::new(Timestamp::from_millis(86_400_000))) }
    }

    /// Moves it forward and wakes who waited for that.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.after(by));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut now = self.now.subscribe();
        // The sender lives as long as any clone of the clock, so waiting ends when the time has come.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}
