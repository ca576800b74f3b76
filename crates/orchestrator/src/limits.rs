//! Rate limits that all processes on one store keep to together. Owns how they are kept there; the limits are the governor's.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{Timestamp, millis};
use mcp_orchestrator_providers::layers::{SharedBucket, SharedLimits, SharedTurn};
use mcp_orchestrator_store::{BucketAct, BucketAnswer, BucketAsk, RecordPut, Store, StoreError};

use crate::{Clock, SystemClock};

/// The kind of record a parked lane has.
const PARKED: &str = "parked";

/// Keeps the limits of a [`Governor`](crate::layers::Governor) in a store, so that all processes that share the store share
/// an account's rates and pauses.
///
/// Rates are buckets of the store, counted by its clock. A pause is a small record that ends by itself; how long is left is
/// told by the clock of the machine, so the clocks of machines should agree to a second or so. When the store does not
/// answer, each process keeps to its own count.
pub struct StoreLimits {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl StoreLimits {
    /// Keeps them in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, clock: Arc::new(SystemClock::new()) }
    }

    /// Replaces the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl StoreLimits {
    async fn bucket(&self, bucket: SharedBucket<'_>, act: BucketAct) -> Result<BucketAnswer, StoreError> {
        let SharedBucket { name, capacity, per_second } = bucket;
        self.store.bucket(BucketAsk { key: format!("governor/{name}"), capacity, per_second, act }).await
    }
}

#[async_trait]
impl SharedLimits for StoreLimits {
    async fn take(&self, bucket: SharedBucket<'_>, amount: u64, wait_max: Duration) -> SharedTurn {
        match self.bucket(bucket, BucketAct::Take { amount, wait_max }).await {
            Ok(BucketAnswer::Taken { place, wait }) => SharedTurn::Taken { place, wait },
            Ok(BucketAnswer::Wait(pause)) => SharedTurn::Later(pause),
            // Without the store each process keeps to its own count.
            Ok(BucketAnswer::Given(_)) | Err(_) => SharedTurn::Alone,
        }
    }

    async fn look(&self, bucket: SharedBucket<'_>, amount: u64, place: u64) -> Duration {
        match self.bucket(bucket, BucketAct::Look { amount, place }).await {
            Ok(BucketAnswer::Taken { wait, .. }) => wait,
            _ => Duration::ZERO,
        }
    }

    async fn give(&self, bucket: SharedBucket<'_>, amount: u64) {
        // What cannot be given back is taken for used.
        let _ = self.bucket(bucket, BucketAct::Give { amount }).await;
    }

    async fn leave(&self, bucket: SharedBucket<'_>, amount: u64, place: u64) {
        let _ = self.bucket(bucket, BucketAct::Leave { amount, place }).await;
    }

    async fn park(&self, lane: &str, pause: Duration) {
        let until = self.clock.now().after(pause);
        let known = self.store.record_get(PARKED, lane).await.ok().flatten();
        if known.as_ref().and_then(|record| read(&record.value)).is_some_and(|other| other >= until) {
            return;
        }
        let put = RecordPut {
            space: PARKED.to_owned(),
            key: lane.to_owned(),
            expected: known.map_or(0, |record| record.version),
            value: Some(Bytes::from(until.as_millis().to_string())),
            ttl: Some(pause),
        };
        // Whoever was faster has parked it too.
        let _ = self.store.record_put(put).await;
    }

    async fn parked(&self, lane: &str) -> Option<Duration> {
        let record = self.store.record_get(PARKED, lane).await.ok().flatten()?;
        let left = read(&record.value)?.since(self.clock.now());
        (millis(left) > 0).then_some(left)
    }
}

/// The same for services that are searched.
#[cfg(feature = "search")]
#[async_trait]
impl mcp_orchestrator_tools::SharedPace for StoreLimits {
    async fn take(&self, service: &str, per_minute: u32) -> Option<Duration> {
        let name = format!("source/{service}");
        let bucket = SharedBucket { name: &name, capacity: 1, per_second: f64::from(per_minute) / 60.0 };
        match SharedLimits::take(self, bucket, 1, Duration::ZERO).await {
            SharedTurn::Later(pause) => Some(pause),
            SharedTurn::Taken { .. } | SharedTurn::Alone => None,
        }
    }

    async fn park(&self, service: &str, pause: Duration) {
        SharedLimits::park(self, &format!("source/{service}"), pause).await;
    }

    async fn parked(&self, service: &str) -> Option<Duration> {
        SharedLimits::parked(self, &format!("source/{service}")).await
    }
}

impl fmt::Debug for StoreLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreLimits").field("store", &self.store).finish_non_exhaustive()
    }
}

fn read(value: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(value).ok()?.parse().ok().map(Timestamp::from_millis)
}
