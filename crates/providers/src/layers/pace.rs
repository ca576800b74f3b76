//! A rate nobody has told, learned from refusals. Pure: it is told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// No rate is believed that was measured over less.
const MEASURED_MIN: Duration = Duration::from_secs(1);

/// What is longer ago than this counts for little: seconds.
const MEMORY: f64 = 5.0;

/// No rate is believed of fewer requests than these in the memory: then demand was low, which says nothing of the service.
const TAKEN_MIN: f64 = 5.0;

/// What is kept of a rate when a refusal shows that it was too much.
const KEPT: f64 = 0.95;

/// By how much a learned rate grows in the first second after a refusal.
const GROWTH: f64 = 0.01;

/// After so many seconds without a refusal it grows twice as fast, after twice as many three times.
const GROWTH_SECONDS: f64 = 30.0;

/// How fast a service that refuses takes requests: as fast as it took them until it refused, a little less. Then the rate
/// grows slowly, because limits change and because the measure may be of a bad moment.
///
/// Without a refusal there is no rate: it holds nobody up. A service that takes less than about one a second has none
/// either: it is asked once after each pause.
#[derive(Debug)]
pub(super) struct Pace {
    /// Requests a second.
    rate: Option<f64>,
    /// What it was after the last refusal.
    learned: f64,
    /// When the next one may go.
    next: Instant,
    /// Since when requests are counted.
    since: Instant,
    /// How many were let through and not refused, each one worth less the longer ago it was.
    taken: f64,
    at: Instant,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { rate: None, learned: 0.0, next: now, since: now, taken: 0.0, at: now }
    }

    /// Whether a rate was learned.
    pub(super) const fn is_known(&self) -> bool {
        self.rate.is_some()
    }

    /// When the next request may go; `now` or earlier: at once.
    pub(super) fn ready_at(&self) -> Option<Instant> {
        self.rate.map(|_| self.next)
    }

    /// How long until one may go that has so many before it.
    pub(super) fn wait_behind(&self, ahead: f64, now: Instant) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let before = Duration::try_from_secs_f64(ahead / rate).unwrap_or(Duration::from_hours(24));
        self.next.saturating_duration_since(now).saturating_add(before)
    }

    /// One goes.
    pub(super) fn take(&mut self, now: Instant) {
        self.forget(now);
        self.taken += 1.0;
        let Some(rate) = &mut self.rate else { return };
        let seconds = now.saturating_duration_since(self.since).as_secs_f64().min(600.0);
        *rate = self.learned * (GROWTH * seconds * (1.0 + seconds / (2.0 * GROWTH_SECONDS))).exp();
        // What nobody wanted in the last second is made up for, not more.
        let from = self.next.max(now.checked_sub(Duration::from_secs(1)).unwrap_or(now));
        self.next = from + Duration::from_secs_f64(1.0 / *rate);
    }

    /// One that went was refused; the first of those that were under way together counts. Nobody goes until `resumes`: what a
    /// pause has held up is not made up for, or the service would refuse again at once.
    pub(super) fn refused(&mut self, is_first: bool, resumes: Instant, now: Instant) {
        self.forget(now);
        self.taken = (self.taken - 1.0).max(0.0);
        if !is_first {
            return;
        }
        let passed = now.saturating_duration_since(self.since);
        let weight = MEMORY * (1.0 - (-passed.as_secs_f64() / MEMORY).exp());
        let measured = (passed >= MEASURED_MIN && self.taken >= TAKEN_MIN).then(|| self.taken / weight);
        let Some(rate) = measured.map(|of| self.rate.map_or(of, |rate| rate.min(of))).or(self.rate) else { return };
        self.learned = rate * KEPT;
        self.rate = Some(self.learned);
        (self.since, self.taken, self.next) = (now, 0.0, resumes);
    }

    fn forget(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.taken *= (-passed / MEMORY).exp();
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One each so many milliseconds, and where that leads to.
    fn steady(pace: &mut Pace, mut now: Instant, count: u32, every_ms: u64) -> Instant {
        for _ in 0..count {
            now += Duration::from_millis(every_ms);
            pace.take(now);
        }
        now
    }

    #[test]
    fn what_a_service_took_until_it_refused_is_the_rate() {
        for busy in [30, 500] {
            let start = Instant::now();
            let mut pace = Pace::new(start);
            let now = steady(&mut pace, start, busy, 100);
            assert_eq!(pace.ready_at(), None, "nothing holds it up");
            pace.take(now);
            pace.refused(true, now, now);
            assert!(pace.rate.is_some_and(|rate| (rate - 9.5).abs() < 0.3), "{pace:?}");
            pace.take(now);
            assert!((pace.ready_at().unwrap() - now).as_millis() <= 108);
        }
    }

    #[test]
    fn nothing_is_learned_from_a_moment_or_from_low_demand() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let now = steady(&mut pace, start, 50, 1);
        pace.refused(true, now, now);
        assert!(!pace.is_known(), "a moment");
        let now = steady(&mut pace, now + Duration::from_secs(3_600), 20, 3_000);
        pace.refused(true, now, now);
        assert!(!pace.is_known(), "low demand: {pace:?}");
    }

    #[test]
    fn a_rate_that_was_learned_grows_ever_faster_without_refusals() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let now = steady(&mut pace, start, 40, 200);
        pace.refused(true, now, now);
        let mut rates = Vec::new();
        for seconds in [10, 60, 120] {
            pace.take(now + Duration::from_secs(seconds));
            rates.push(pace.rate.unwrap());
        }
        assert!(rates[0] < 5.6 && rates[1] > 12.0 && rates[2] > 100.0, "{rates:?}");
    }
}
