//! Money, tokens and what a call cost. Owns the arithmetic; does not know any price.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A non-negative amount in pico-USD (10⁻¹² US dollars), enough for 18 million dollars. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount in pico-USD.
    #[must_use]
    pub const fn from_pico_usd(pico_usd: u64) -> Self {
        Self(pico_usd)
    }

    /// An amount in US dollars, rounded to the nearest pico-USD; `None` when negative, not finite or above 18 million.
    #[must_use]
    pub fn from_usd(usd: f64) -> Option<Self> {
        let pico_usd = (usd * 1e12).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked on this line"
        )]
        (usd.is_finite() && (0.0..1.8e19).contains(&pico_usd)).then_some(Self(pico_usd as u64))
    }

    /// The amount in pico-USD.
    #[must_use]
    pub const fn pico_usd(self) -> u64 {
        self.0
    }

    /// The amount in US dollars, for display only.
    #[must_use]
    pub fn usd(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for display; the integer is the truth")]
        let pico_usd = self.0 as f64;
        pico_usd / 1e12
    }

    /// The sum, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, zero when `other` is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.4}", self.usd())
    }
}

/// What a call cost. Unknown is unknown: it is shown as null, never as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cost {
    /// Nobody said and no price is known.
    #[default]
    Unknown,
    /// Tokens times a known price.
    Estimated(Money),
    /// Stated by the provider, or free by nature.
    Reported(Money),
}

impl Cost {
    /// Certainly nothing: a call that reaches no paid service.
    pub const FREE: Self = Self::Reported(Money::ZERO);

    /// The amount, if one is known.
    #[must_use]
    pub const fn known(self) -> Option<Money> {
        match self {
            Self::Unknown => None,
            Self::Estimated(money) | Self::Reported(money) => Some(money),
        }
    }

    /// Whether an amount is known and is an estimate.
    #[must_use]
    pub const fn is_estimate(self) -> bool {
        matches!(self, Self::Estimated(_))
    }

    /// The sum: unknown when either is, estimated when either is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Reported(a), Self::Reported(b)) => Self::Reported(a.plus(b)),
            (Self::Estimated(a) | Self::Reported(a), Self::Estimated(b) | Self::Reported(b)) => {
                Self::Estimated(a.plus(b))
            }
        }
    }
}

/// Tokens of one call, in the provider's own counting. `input` holds all prompt tokens, `output` includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "adapters fill it; a new counter must make them look")]
pub struct Usage {
    /// All prompt tokens, cached ones included.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Prompt tokens read from a cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Prompt tokens written to a cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// All completion tokens, reasoning included.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
    /// Completion tokens spent on reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
}

impl Usage {
    /// Prompt and completion tokens together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// The sum, counter by counter, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

/// What a workflow has spent so far, every call included: planning, agents, synthesis, repairs, failed attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain sum")]
pub struct Spent {
    /// Known cost.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost: Money,
    /// Calls that ended with a cost nobody knows.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown_cost_calls: u32,
    /// Calls that ended with a cost that is an estimate: so is then the sum.
    #[serde(skip_serializing_if = "is_zero")]
    pub estimated_cost_calls: u32,
    /// Tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub usage: Usage,
    /// Calls started, models and tools.
    #[serde(skip_serializing_if = "is_zero")]
    pub calls: u32,
    /// Model calls started.
    #[serde(skip_serializing_if = "is_zero")]
    pub model_calls: u32,
}

impl Spent {
    /// The total cost; `None` as soon as one call's cost is unknown.
    #[must_use]
    pub const fn total_cost(&self) -> Option<Money> {
        if self.unknown_cost_calls == 0 { Some(self.cost) } else { None }
    }

    /// Whether the total cost is known and rests on estimates.
    #[must_use]
    pub const fn is_estimate(&self) -> bool {
        self.unknown_cost_calls == 0 && self.estimated_cost_calls > 0
    }

    /// Adds what one ended call cost and used.
    pub const fn settle(&mut self, cost: Cost, usage: Usage) {
        match cost {
            Cost::Reported(money) => self.cost = self.cost.plus(money),
            Cost::Estimated(money) => {
                self.cost = self.cost.plus(money);
                self.estimated_cost_calls = self.estimated_cost_calls.saturating_add(1);
            }
            Cost::Unknown => self.unknown_cost_calls = self.unknown_cost_calls.saturating_add(1),
        }
        self.usage = self.usage.plus(usage);
    }
}

/// Whether a number, or a sum of numbers, need not be written.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
