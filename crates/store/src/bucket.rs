//! The arithmetic of a bucket that refills and of the line before it. Pure: adapters keep the three numbers and tell the time.

use std::time::Duration;

use mcp_orchestrator_domain::{Timestamp, millis};

use crate::{BucketAct, BucketAnswer, BucketAsk};

/// The longest wait an answer names.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// A hair of rounding is no reason to wait.
const HAIR: f64 = 1e-6;

/// What a bucket holds and since when. Below zero it is owed for what was taken and is not there yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) amount: f64,
    /// Everything taken so far: whoever took has a place in this count, and what was taken up to there comes before him.
    pub(crate) taken: f64,
    pub(crate) at: Timestamp,
}

impl Level {
    /// The level after time has passed and what was asked for was done or not, and the answer. `None` is a full bucket.
    pub(crate) fn after(before: Option<Self>, ask: &BucketAsk, now: Timestamp) -> (Self, BucketAnswer) {
        let mut level = Self::at(before, ask, now);
        let answer = match ask.act {
            BucketAct::Take { amount, wait_max } => {
                let then = Self { amount: level.amount - real(amount), taken: level.taken + real(amount), ..level };
                let wait = then.wait(amount, then.taken, ask);
                if wait <= wait_max {
                    level = then;
                    BucketAnswer::Taken { place: whole(level.taken), wait }
                } else {
                    BucketAnswer::Wait(wait)
                }
            }
            BucketAct::Look { amount, place } => {
                BucketAnswer::Taken { place, wait: level.wait(amount, real(place), ask) }
            }
            BucketAct::Give { amount } => {
                level.amount = (level.amount + real(amount)).min(real(ask.capacity));
                BucketAnswer::Given(amount)
            }
            // Whoever took since reckons with it, and goes when he was told to.
            BucketAct::Leave { place, .. } if place != whole(level.taken) => BucketAnswer::Given(0),
            BucketAct::Leave { amount, .. } => {
                level.amount = (level.amount + real(amount)).min(real(ask.capacity));
                level.taken = (level.taken - real(amount)).max(0.0);
                BucketAnswer::Given(amount)
            }
        };
        (level, answer)
    }

    /// When it is full again: from then on it is the same as a bucket nobody has used. `None`: never.
    pub(crate) fn full_at(self, ask: &BucketAsk) -> Option<Timestamp> {
        let missing = (real(ask.capacity) - self.amount).max(0.0);
        let wait = Duration::try_from_secs_f64(missing / ask.per_second).ok()?;
        Some(Timestamp::from_millis(self.at.as_millis().saturating_add(millis(wait)).saturating_add(1)))
    }

    fn at(before: Option<Self>, ask: &BucketAsk, now: Timestamp) -> Self {
        let capacity = real(ask.capacity);
        let Some(level) = before else { return Self { amount: capacity, taken: 0.0, at: now } };
        let amount = level.amount + now.since(level.at).as_secs_f64() * flow(ask);
        Self { amount: amount.min(capacity), taken: level.taken, at: now }
    }

    /// How long until what was taken at a place may be used: until the bucket, without what was taken after it, held as much.
    /// What is larger than the bucket may be used when it was full.
    fn wait(&self, amount: u64, place: f64, ask: &BucketAsk) -> Duration {
        wait(self.amount, self.taken, amount, place, ask)
    }
}

/// As [`Level::wait`], for adapters that keep the numbers elsewhere.
pub(crate) fn wait(held: f64, taken: f64, amount: u64, place: f64, ask: &BucketAsk) -> Duration {
    // A place beyond everything taken is of a bucket that was full meanwhile, or lost.
    let later = (taken - place).max(0.0);
    let missing = real(amount.min(ask.capacity)) - real(amount) - (held + later);
    if missing <= HAIR || place > taken {
        return Duration::ZERO;
    }
    let wait = Duration::try_from_secs_f64(missing / flow(ask)).unwrap_or(WAIT_MAX);
    // At least a millisecond, the clock's step: a shorter wait would be asked again at the same moment.
    wait.clamp(Duration::from_millis(1), WAIT_MAX)
}

/// What flows in each second: nothing where the number means nothing.
pub(crate) const fn flow(ask: &BucketAsk) -> f64 {
    if ask.per_second.is_finite() { ask.per_second.max(0.0) } else { 0.0 }
}

/// A place as it is told.
pub(crate) fn whole(taken: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of whole amounts, never negative"
    )]
    let whole = taken as u64;
    whole
}

const fn real(amount: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
    let real = amount as f64;
    real
}
