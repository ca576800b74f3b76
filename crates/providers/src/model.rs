//! What is known of a model before it is asked: its sizes, what it can do, what it costs. Owns the shapes; knows no model.

use mcp_orchestrator_domain::{Money, Usage};

use crate::Price;

/// A model as lists show it. What nobody knows is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct ModelCard {
    /// The name requests choose it by.
    pub name: String,
    /// Tokens a request may have, in the service's own counting.
    pub context_tokens: Option<u64>,
    /// Tokens an answer may have.
    pub answer_tokens_max: Option<u64>,
    /// Whether it takes tools, over the wire it is asked on.
    pub tools: Option<bool>,
    /// Whether it takes an output schema, over the wire it is asked on.
    pub output_schema: Option<bool>,
    /// Whether it sees images.
    pub images: Option<bool>,
    /// Whether it thinks before it answers.
    pub reasoning: Option<bool>,
    /// What it costs.
    pub price: Option<ModelPrice>,
}

/// What a model costs, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever knows a price builds it")]
pub struct ModelPrice {
    /// What tokens cost.
    pub rate: TokenRate,
    /// What they cost in requests with a long prompt, where that is another price.
    pub long: Option<LongPrompts>,
    /// Who says so: a page, a table, a contract.
    pub source: String,
    /// Of when that is, for example `2026-10-21`.
    pub date: Option<String>,
}

/// What a million tokens of each kind cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever knows a price builds it")]
pub struct TokenRate {
    /// Of the prompt.
    pub input: Money,
    /// Of the answer, thoughts included.
    pub output: Money,
    /// Of the prompt, read from a cache; `None`: as others.
    pub cached: Option<Money>,
    /// Of the prompt, written to a cache; `None`: as others.
    pub cache_write: Option<Money>,
}

/// The price of requests whose prompt is long: of all their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever knows a price builds it")]
pub struct LongPrompts {
    /// Prompts of more tokens than these.
    pub above_tokens: u64,
    /// What tokens cost then.
    pub rate: TokenRate,
}

impl ModelPrice {
    /// The most a token can cost, for reservations: of a long prompt, all of it written to a cache.
    #[must_use]
    pub fn at_most(&self) -> Price {
        let rates = [Some(self.rate), self.long.map(|long| long.rate)];
        let largest = |of: fn(&TokenRate) -> Money| rates.iter().flatten().map(of).max().unwrap_or_default();
        Price {
            input_per_million: largest(|rate| rate.input.max(rate.cache_write.unwrap_or_default())),
            output_per_million: largest(|rate| rate.output),
        }
    }

    /// What so many tokens cost.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> Money {
        let long = self.long.filter(|long| usage.input > long.above_tokens);
        let rate = long.map_or(self.rate, |long| long.rate);
        let fresh = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write);
        let part =
            |tokens, input_per_million| Price { input_per_million, output_per_million: Money::ZERO }.of(tokens, 0);
        [
            part(fresh, rate.input),
            part(usage.cached, rate.cached.unwrap_or(rate.input)),
            part(usage.cache_write, rate.cache_write.unwrap_or(rate.input)),
            part(usage.output, rate.output),
        ]
        .into_iter()
        .fold(Money::ZERO, Money::plus)
    }
}
