//! What a seed decides. Every decision has a name, so that one more of a kind changes no other: a run stays the same whatever
//! order things of one moment happen in.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    time::Duration,
};

/// The luck of one run.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Luck(pub u64);

impl Luck {
    /// A number for a decision, the same each time.
    #[must_use]
    pub fn number(self, decision: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, decision).hash(&mut hasher);
        hasher.finish()
    }

    /// A number below a bound, which is at least 1.
    #[must_use]
    pub fn below(self, bound: u64, decision: impl Hash) -> u64 {
        self.number(decision) % bound
    }

    /// Whether something of this probability happens.
    #[must_use]
    pub fn happens(self, percent: u64, decision: impl Hash) -> bool {
        self.below(100, decision) < percent
    }

    /// A time between two, in milliseconds.
    #[must_use]
    pub fn millis(self, from: u64, to: u64, decision: impl Hash) -> Duration {
        Duration::from_millis(from + self.below(to - from, decision))
    }
}
