//! How long to wait between two tries. Pure: knows neither clock nor randomness; who asks brings the luck.

use std::time::Duration;

/// Pauses that double, from the first to the longest, each with up to a quarter of itself on top so that calls that failed
/// together do not come back together. A pause the service asked for is a minimum.
///
/// ```
/// use std::time::Duration;
/// use mcp_orchestrator_providers::Backoff;
///
/// let backoff = Backoff::default();
/// assert_eq!(backoff.pause(1, None, 0), Duration::from_millis(500));
/// assert_eq!(backoff.pause(3, None, 0), Duration::from_secs(2));
/// assert_eq!(backoff.pause(1, Some(Duration::from_secs(7)), 0), Duration::from_secs(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers, built as a literal")]
pub struct Backoff {
    /// The pause after the first failure. Default 500 ms.
    pub first: Duration,
    /// The longest pause nobody asked for. Default 60 s.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The pause after so many failures (from 1), of which the service asked `asked` at least. `luck` is any number: the
    /// same one gives the same pause.
    #[must_use]
    pub fn pause(&self, failures: u32, asked: Option<Duration>, luck: u64) -> Duration {
        let grown = self.first.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(self.longest);
        asked.unwrap_or(grown).saturating_add(jitter(grown, luck))
    }
}

fn jitter(pause: Duration, luck: u64) -> Duration {
    let quarter_ms = u64::try_from(pause.as_millis() / 4).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(mixed(luck) % quarter_ms)
}

/// Spreads numbers that are near each other.
const fn mixed(mut x: u64) -> u64 {
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 27)
}
