//! One rate, held. Pure: it is told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// A minute, which the limits of services are about.
const MINUTE: f64 = 60.0;

/// A bucket that holds what may be taken at once and is refilled evenly, so that in no minute more is taken than allowed.
///
/// The capacity is a share of the limit; the rest flows in. What is larger than the capacity is taken when the bucket is
/// full and paid back before anything else is taken: such a request can exceed the limit of its minute by what it is larger.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    held: f64,
    at: Instant,
}

impl Bucket {
    /// `per_minute` whole things, of which a second's share may be taken at once, one at least.
    pub(super) fn of_things(per_minute: u32, now: Instant) -> Self {
        let (capacity, per_second) = things(per_minute);
        Self { capacity, per_second, held: capacity, at: now }
    }

    /// `per_minute` in amounts of any size, of which a tenth may be taken at once.
    pub(super) fn of_amounts(per_minute: u64, now: Instant) -> Self {
        let (capacity, per_second) = amounts(per_minute);
        Self { capacity, per_second, held: capacity, at: now }
    }

    /// When `amount` may be taken; `now` or earlier: at once.
    pub(super) fn ready_at(&mut self, amount: f64, now: Instant) -> Instant {
        self.refill(now);
        let missing = amount.min(self.capacity) - self.held;
        // A hair of rounding is no reason to wait.
        if missing <= 1e-9 {
            return now;
        }
        now + Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(Duration::from_hours(24))
    }

    /// How long until `amount` may be taken after `before` has been taken, all of it in turn.
    pub(super) fn wait_behind(&mut self, before: f64, amount: f64, now: Instant) -> Duration {
        self.refill(now);
        let missing = before + amount.min(self.capacity) - self.held;
        Duration::try_from_secs_f64(missing.max(0.0) / self.per_second).unwrap_or(Duration::from_hours(24))
    }

    /// Takes it; below zero it is a debt.
    pub(super) fn take(&mut self, amount: f64, now: Instant) {
        self.refill(now);
        self.held -= amount;
    }

    /// Corrects an estimate: `used` instead of `taken`.
    pub(super) fn settle(&mut self, taken: f64, used: f64, now: Instant) {
        self.refill(now);
        self.held = (self.held + taken - used).min(self.capacity);
    }

    /// Whether nothing of it is in use.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.held >= self.capacity
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.held = (self.held + passed * self.per_second).min(self.capacity);
        self.at = self.at.max(now);
    }
}

/// Capacity and flow a second: in a minute the capacity and what flows in before its end are the limit.
pub(super) fn things(per_minute: u32) -> (f64, f64) {
    let per_minute = f64::from(per_minute.max(1));
    let capacity = (per_minute / MINUTE).floor().max(1.0);
    // What flows in within a minute counts as whole things: the last one is there only at its end.
    (capacity, (per_minute - capacity + 1.0) / MINUTE)
}

/// The same for amounts.
pub(super) fn amounts(per_minute: u64) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
    let per_minute = per_minute.max(1) as f64;
    let capacity = (per_minute / 10.0).max(1.0).min(per_minute);
    (capacity, ((per_minute - capacity) / MINUTE).max(1.0 / MINUTE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_minute_has_more_things_than_allowed(per_minute in 1..2_000_u32, pauses in prop::collection::vec(0..3_000_u64, 1..120)) {
            let mut now = Instant::now();
            let mut bucket = Bucket::of_things(per_minute, now);
            let mut taken: Vec<Instant> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                while bucket.ready_at(1.0, now) <= now && taken.len() < 10_000 {
                    bucket.take(1.0, now);
                    taken.push(now);
                }
                let minute = taken.iter().filter(|at| now.duration_since(**at) < Duration::from_secs(60)).count();
                prop_assert!(minute <= per_minute as usize, "{minute} of {per_minute}");
            }
        }

        #[test]
        fn no_minute_has_more_tokens_than_allowed_but_for_one_large_request(
            per_minute in 100..1_000_000_u64,
            asks in prop::collection::vec((0..5_000_u64, 1..20_000_u64), 1..200),
        ) {
            let mut now = Instant::now();
            let mut bucket = Bucket::of_amounts(per_minute, now);
            let mut taken: Vec<(Instant, u64)> = Vec::new();
            let mut largest = 0;
            for (pause, amount) in asks {
                now += Duration::from_millis(pause);
                if bucket.ready_at(amount as f64, now) <= now {
                    bucket.take(amount as f64, now);
                    taken.push((now, amount));
                    largest = largest.max(amount);
                }
                let minute: u64 =
                    taken.iter().filter(|(at, _)| now.duration_since(*at) < Duration::from_secs(60)).map(|(_, n)| n).sum();
                let over = largest.saturating_sub(per_minute / 10);
                prop_assert!(minute <= per_minute + over + 1, "{minute} of {per_minute}, the largest had {largest}");
            }
        }

        #[test]
        fn what_is_ready_later_is_ready_then(per_minute in 1..2_000_u32, amount in 1..50_u32) {
            let now = Instant::now();
            let mut bucket = Bucket::of_things(per_minute, now);
            bucket.take(f64::from(amount), now);
            let at = bucket.ready_at(1.0, now);
            // One more nanosecond for what the conversion to a duration cuts off.
            let at = at + Duration::from_nanos(1);
            prop_assert!(bucket.ready_at(1.0, at) <= at);
        }
    }
}
