//! Limits that several processes share. Owns the contract of the place they are kept in, and what a lane keeps there.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::ModelName;
use tokio::time::sleep;

use super::{bucket, governor::GovernorLimits};

/// The longest pause between two looks at a bucket others take from.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// A place all processes that use one account can reach: where the rates of a [`Governor`](super::Governor) are kept for
/// all of them together.
///
/// When it cannot be reached, each process keeps to its own count: it answers as if nobody else were there.
#[async_trait]
pub trait SharedLimits: Send + Sync + 'static {
    /// Takes from a bucket: `None` when it was taken, else how long until it is worth asking again. Asked only by the head
    /// of a line. More than `capacity` is granted when the bucket is full, and paid back first.
    async fn take(&self, bucket: &str, amount: u64, capacity: u64, per_second: f64) -> Option<Duration>;

    /// Says that a lane is parked for so long.
    async fn park(&self, lane: &str, pause: Duration);

    /// For how long a lane is parked, if it is.
    async fn parked(&self, lane: &str) -> Option<Duration>;
}

/// What one lane keeps there.
pub(super) struct SharedLane {
    shared: Arc<dyn SharedLimits>,
    name: String,
    requests: Option<(u64, f64)>,
    tokens: Option<(u64, f64)>,
}

impl SharedLane {
    pub(super) fn new(
        shared: Arc<dyn SharedLimits>,
        provider: &str,
        model: Option<&ModelName>,
        limits: &GovernorLimits,
    ) -> Self {
        let name = format!("{provider}/{}", model.map_or("", ModelName::as_str));
        let whole = |(capacity, per_second): (f64, f64)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u64, at least 1")]
            let capacity = capacity as u64;
            (capacity, per_second)
        };
        Self {
            shared,
            name,
            requests: limits.requests_per_minute.map(|limit| whole(bucket::things(limit))),
            tokens: limits.tokens_per_minute.map(|limit| whole(bucket::amounts(limit))),
        }
    }

    /// Waits until all processes together may make a further request with so many tokens.
    pub(super) async fn take(&self, tokens: u64) {
        let asks = [("requests", self.requests, 1), ("tokens", self.tokens, tokens)];
        for (what, limit, amount) in asks {
            let Some((capacity, per_second)) = limit else { continue };
            let bucket = format!("{}/{what}", self.name);
            while let Some(pause) = self.shared.take(&bucket, amount, capacity, per_second).await {
                sleep(pause.min(LOOK_MAX)).await;
            }
        }
    }

    pub(super) async fn park(&self, pause: Duration) {
        self.shared.park(&self.name, pause).await;
    }

    pub(super) async fn parked(&self) -> Option<Duration> {
        self.shared.parked(&self.name).await
    }
}
