//! A place of shared limits in memory, on any clock. Owns a simple and slow count of what every place must answer.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_providers::layers::{SharedBucket, SharedLimits, SharedTurn};
use mcp_orchestrator_store::Now;

/// Buckets and pauses in memory. Every take is remembered, so it is for tests only.
pub struct SharedPlace {
    now: Now,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buckets: HashMap<String, Bucket>,
    parked: HashMap<String, Timestamp>,
}

struct Bucket {
    held: f64,
    at: Timestamp,
    /// Place and amount of every take that stands.
    takes: Vec<(u64, u64)>,
}

impl SharedPlace {
    /// An empty place on a clock.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self { now, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, bucket: SharedBucket<'_>, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let (mut state, now, full) = (self.state(), (self.now)(), real(bucket.capacity));
        let kept =
            state.buckets.entry(bucket.name.to_owned()).or_insert(Bucket { held: full, at: now, takes: Vec::new() });
        kept.held = (kept.held + now.since(kept.at).as_secs_f64() * bucket.per_second).min(full);
        kept.at = now;
        let outcome = act(kept);
        kept.held = kept.held.min(full);
        outcome
    }
}

#[async_trait]
impl SharedLimits for SharedPlace {
    async fn take(&self, bucket: SharedBucket<'_>, amount: u64, wait_max: Duration) -> SharedTurn {
        self.with(bucket, |kept| {
            let place = kept.takes.last().map_or(0, |(place, _)| *place) + amount;
            kept.held -= real(amount);
            kept.takes.push((place, amount));
            let wait = kept.wait(bucket, place, amount);
            if wait <= wait_max {
                return SharedTurn::Taken { place, wait };
            }
            kept.takes.pop();
            kept.held += real(amount);
            SharedTurn::Later(wait)
        })
    }

    async fn look(&self, bucket: SharedBucket<'_>, amount: u64, place: u64) -> Duration {
        self.with(bucket, |kept| kept.wait(bucket, place, amount))
    }

    async fn give(&self, bucket: SharedBucket<'_>, amount: u64) {
        self.with(bucket, |kept| kept.held += real(amount));
    }

    async fn leave(&self, bucket: SharedBucket<'_>, amount: u64, place: u64) {
        self.with(bucket, |kept| {
            if kept.takes.last() == Some(&(place, amount)) {
                kept.takes.pop();
                kept.held += real(amount);
            }
        });
    }

    async fn park(&self, lane: &str, pause: Duration) {
        let until = (self.now)().after(pause);
        let mut state = self.state();
        let parked = state.parked.entry(lane.to_owned()).or_insert(until);
        *parked = until.max(*parked);
    }

    async fn parked(&self, lane: &str) -> Option<Duration> {
        let until = self.state().parked.get(lane).copied()?;
        Some(until.since((self.now)())).filter(|pause| !pause.is_zero())
    }
}

impl Bucket {
    /// Until the bucket, without what was taken later, has had as much; what is larger than it is there when it is full.
    fn wait(&self, bucket: SharedBucket<'_>, place: u64, amount: u64) -> Duration {
        let later = self.takes.iter().filter(|(other, _)| *other > place).map(|(_, amount)| real(*amount)).sum::<f64>();
        let missing = real(amount.min(bucket.capacity)) - (self.held + later + real(amount));
        match missing <= 1e-6 {
            true => Duration::ZERO,
            false => Duration::from_secs_f64(missing / bucket.per_second).max(Duration::from_millis(1)),
        }
    }
}

fn real(amount: u64) -> f64 {
    amount as f64
}

impl fmt::Debug for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPlace").finish_non_exhaustive()
    }
}
