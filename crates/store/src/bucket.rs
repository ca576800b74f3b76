//! The arithmetic of a bucket that refills. Pure: adapters keep the two numbers and tell the time.

use std::time::Duration;

use mcp_orchestrator_domain::{Timestamp, millis};

use crate::{BucketAnswer, BucketTake};

/// The longest wait an answer names.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// What a bucket holds and since when. Below zero it pays a debt back first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) amount: f64,
    pub(crate) at: Timestamp,
}

impl Level {
    /// The level after time has passed and `take` was granted or not, and the answer. `None` is a full bucket.
    pub(crate) fn take(before: Option<Self>, take: &BucketTake, now: Timestamp) -> (Self, BucketAnswer) {
        #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
        let (capacity, amount) = (take.capacity as f64, take.amount as f64);
        let flow = flow(take);
        let held =
            before.map_or(capacity, |level| (level.amount + now.since(level.at).as_secs_f64() * flow).min(capacity));
        let needed = amount.min(capacity);
        if held >= needed {
            return (Self { amount: held - amount, at: now }, BucketAnswer::Taken);
        }
        (Self { amount: held, at: now }, BucketAnswer::Wait(wait(held, take)))
    }

    /// When it is full again: from then on it is the same as a bucket nobody has used. `None`: never.
    pub(crate) fn full_at(self, take: &BucketTake) -> Option<Timestamp> {
        #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
        let missing = (take.capacity as f64 - self.amount).max(0.0);
        let wait = Duration::try_from_secs_f64(missing / take.per_second).ok()?;
        Some(Timestamp::from_millis(self.at.as_millis().saturating_add(millis(wait)).saturating_add(1)))
    }
}

/// What flows in each second: nothing where the number means nothing.
pub(crate) const fn flow(take: &BucketTake) -> f64 {
    if take.per_second.is_finite() { take.per_second.max(0.0) } else { 0.0 }
}

/// How long until a bucket that holds too little holds enough.
pub(crate) fn wait(held: f64, take: &BucketTake) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
    let needed = take.amount.min(take.capacity) as f64;
    let wait = Duration::try_from_secs_f64((needed - held) / flow(take)).unwrap_or(WAIT_MAX);
    // At least a millisecond, the clock's step: a shorter wait would be asked again at the same moment.
    wait.clamp(Duration::from_millis(1), WAIT_MAX)
}
