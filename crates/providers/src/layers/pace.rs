//! A rate nobody has told, learned from refusals. Pure: it is told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// No rate is believed that was measured over less.
const MEASURED_MIN: Duration = Duration::from_secs(2);

/// What is kept of a measured rate when a refusal shows that it was too much.
const KEPT: f64 = 0.95;

/// By how much a learned rate grows in the first second after a refusal.
const GROWTH: f64 = 0.01;

/// After so many seconds without a refusal it grows twice as fast, after twice as many three times.
const GROWTH_SECONDS: f64 = 30.0;

/// The slowest rate learned: one request in so many seconds.
const SLOWEST: f64 = 1.0 / 60.0;

/// How fast a service that refuses takes requests: as fast as it took them until it refused, a little less. Then the rate
/// grows slowly, because limits change and because the measure may be of a bad moment.
///
/// Without a refusal there is no rate: it holds nobody up.
#[derive(Debug)]
pub(super) struct Pace {
    /// Requests a second.
    rate: Option<f64>,
    /// When the next one may go.
    next: Instant,
    /// What it was after the last refusal.
    learned: f64,
    /// Since when requests are counted, and how many were let through and not refused.
    since: Instant,
    taken: f64,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { rate: None, next: now, learned: 0.0, since: now, taken: 0.0 }
    }

    /// Whether a rate was learned.
    pub(super) const fn is_known(&self) -> bool {
        self.rate.is_some()
    }

    /// When the next request may go; `now` or earlier: at once.
    pub(super) fn ready_at(&self) -> Option<Instant> {
        self.rate.map(|_| self.next)
    }

    /// One goes.
    pub(super) fn take(&mut self, now: Instant) {
        self.taken += 1.0;
        let Some(rate) = &mut self.rate else { return };
        let seconds = now.saturating_duration_since(self.since).as_secs_f64().min(600.0);
        *rate = self.learned * (GROWTH * seconds * (1.0 + seconds / (2.0 * GROWTH_SECONDS))).exp();
        // What nobody wanted in the last second is made up for, not more.
        let from = self.next.max(now.checked_sub(Duration::from_secs(1)).unwrap_or(now));
        self.next = from + Duration::from_secs_f64(1.0 / *rate);
    }

    /// One that went was refused.
    pub(super) fn refused(&mut self, is_first: bool, now: Instant) {
        self.taken = (self.taken - 1.0).max(0.0);
        let took = now.saturating_duration_since(self.since);
        if !is_first || took < MEASURED_MIN {
            return;
        }
        let measured = self.taken / took.as_secs_f64();
        self.learned = (self.rate.map_or(measured, |rate| rate.min(measured)) * KEPT).max(SLOWEST);
        self.rate = Some(self.learned);
        (self.since, self.taken, self.next) = (now, 0.0, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_took_until_it_refused_is_the_rate() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..50 {
            now += Duration::from_millis(100);
            assert_eq!(pace.ready_at(), None, "nothing holds it up");
            pace.take(now);
        }
        pace.take(now);
        pace.refused(true, now);
        assert!(pace.rate.is_some_and(|rate| (rate - 9.5).abs() < 0.1), "{pace:?}");
        pace.take(now);
        let next = pace.ready_at().unwrap();
        assert!((next - now).as_millis() <= 106);
    }

    #[test]
    fn nothing_is_learned_from_a_moment_and_the_rate_recovers() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.take(now);
        pace.refused(true, now + Duration::from_secs(1));
        assert!(!pace.is_known());
        pace.refused(true, now + Duration::from_secs(4));
        assert_eq!(pace.rate, Some(SLOWEST));
        let mut later = now;
        for _ in 0..20 {
            later = pace.ready_at().unwrap().max(later);
            pace.take(later);
        }
        assert!(pace.rate.is_some_and(|rate| rate > 0.5), "after {:?}: {pace:?}", later - now);
    }
}
