//! Patience with a store that is busy, full or away. Owns which refusals pass by themselves, and for how long and how often
//! what was refused is offered again. Knows no clock: who waits asks its own.

use std::time::Duration;

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::StoreError;

/// For how long what was paid for is offered to a store that refuses it: what is put right within minutes loses nothing.
pub(crate) const PAID_FOR: Duration = Duration::from_secs(60);
/// How long that is at most when the process is about to end.
const ENDING: Duration = Duration::from_secs(2);
/// The first pause between two tries; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Whether what the store refused may succeed later as it stands.
pub(crate) const fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Locked(_) | StoreError::Unavailable(_) | StoreError::Full(_))
}

/// Since when something is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    since: Timestamp,
    longest: Duration,
    pause: Duration,
}

impl Patience {
    /// Begins now, with the first try.
    pub(crate) const fn new(now: Timestamp, longest: Duration) -> Self {
        Self { since: now, longest, pause: PAUSE_MIN }
    }

    /// When to try again after a refusal; `None`: no more. There is at least the pause between two tries, or what is left.
    pub(crate) fn next(&mut self, now: Timestamp, is_ending: bool) -> Option<Timestamp> {
        let longest = if is_ending { self.longest.min(ENDING) } else { self.longest };
        let left = longest.saturating_sub(now.since(self.since));
        if left.is_zero() {
            return None;
        }
        let at = now.after(self.pause.min(left));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Some(at)
    }
}
