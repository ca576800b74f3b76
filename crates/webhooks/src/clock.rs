//! The time, as deliveries are told it. Owns the only way this crate learns what time it is.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use mcp_orchestrator_domain::Timestamp;

/// How long the machine's clock is not looked at while something waits for it: it may jump, as after a machine's sleep.
const UNSEEN_MAX: Duration = Duration::from_secs(1);

/// Tells the time and waits for it. Tests bring one that moves by hand.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The wall time now: receivers compare it with theirs. It may jump, in either direction.
    fn now(&self) -> Timestamp;

    /// Returns at `deadline` or soon after; sooner where the clock was set back meanwhile. Dropping the future stops
    /// waiting.
    async fn sleep_until(&self, deadline: Timestamp);
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().as_millis())
    }
}

/// The machine's clock, as it stands at the moment it is asked.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock {}

impl SystemClock {
    /// The machine's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::default().after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        sleep(|| self.now(), deadline).await;
    }
}

/// Waits until `now` shows the deadline, and at most as long as it was away in the beginning.
async fn sleep(now: impl Fn() -> Timestamp + Send, deadline: Timestamp) {
    let mut left = deadline.since(now());
    while !left.is_zero() {
        let nap = left.min(UNSEEN_MAX);
        tokio::time::sleep(nap).await;
        left = left.saturating_sub(nap).min(deadline.since(now()));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::{Duration, SystemTime, UNIX_EPOCH},
    };

    use mcp_orchestrator_domain::Timestamp;
    use tokio::time::Instant;

    use super::{Clock as _, SystemClock, UNSEEN_MAX, sleep};

    fn wall() -> Timestamp {
        Timestamp::default().after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_machines_clock_follows_wall_time_whatever_the_monotonic_one_says() {
        let clock = SystemClock::new();
        tokio::time::advance(Duration::from_hours(1)).await;
        let before = wall();
        let now = clock.now();
        assert!(before <= now && now <= wall(), "{now:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_notices_that_the_clock_jumped() {
        let hour = Duration::from_hours(1);
        // (what the clock shows when it is looked at the second time, how long is waited then)
        for (then, waited) in [(hour, UNSEEN_MAX), (hour * 2, UNSEEN_MAX), (Duration::ZERO, hour)] {
            let (looks, began) = (AtomicU64::new(0), Instant::now());
            let now = || match looks.fetch_add(1, Ordering::SeqCst) {
                0 => Timestamp::from_millis(0),
                _ => Timestamp::default().after(then),
            };
            sleep(now, Timestamp::default().after(hour)).await;
            // A timer has a grain of a millisecond.
            assert_eq!(began.elapsed().as_secs(), waited.as_secs());
        }
    }
}
