//! The time, as deliveries are told it. Owns the only way this crate learns what time it is.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::Timestamp;

/// Tells the time and waits for it. Tests bring one that moves by hand.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The time now. Never goes back.
    fn now(&self) -> Timestamp;

    /// Returns at `deadline` or soon after. Dropping the future stops waiting.
    async fn sleep_until(&self, deadline: Timestamp);
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().as_millis())
    }
}

/// The machine's clock: the wall time at start, carried on by the monotonic clock so that it never jumps.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Timestamp,
    at: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts with the wall time now.
    #[must_use]
    pub fn new() -> Self {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Timestamp::default().after(since_epoch), at: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.started.after(self.at.elapsed())
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        tokio::time::sleep_until(self.at + deadline.since(self.started)).await;
    }
}
