//! What tokens of known models cost. Owns the table, a dated copy, and the arithmetic of caches and long prompts; an unknown
//! model has no price, never a price of zero.

use std::{collections::HashMap, sync::LazyLock};

use mcp_orchestrator_domain::{Money, Usage};
use serde::Deserialize;

use crate::Price;

/// The table: see its own first lines for where it is from and of when it is.
const TABLE: &str = include_str!("prices.json");

/// The prices of one service.
#[derive(Clone, Copy)]
pub(crate) struct Prices(&'static HashMap<String, Row>);

/// The price of one model, in US dollars for a million tokens.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    #[serde(flatten)]
    rate: Rate,
    long: Option<Long>,
}

/// What requests cost whose prompt is longer than so many tokens: all of their tokens.
#[derive(Clone, Debug, Deserialize)]
struct Long {
    above: u64,
    #[serde(flatten)]
    rate: Rate,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Rate {
    input: f64,
    output: f64,
    /// Tokens that a cache had; without it they cost as others.
    cached: Option<f64>,
    /// Tokens that are written to a cache; without it they cost as others.
    cache_write: Option<f64>,
}

impl Prices {
    /// The prices of a service; `None` when none is known.
    pub(super) fn of(vendor: &str) -> Option<Self> {
        static ALL: LazyLock<HashMap<String, HashMap<String, Row>>> = LazyLock::new(|| {
            #[derive(Deserialize)]
            struct Table {
                vendors: HashMap<String, HashMap<String, Row>>,
            }
            // A test reads it; a table that cannot be read is one without prices.
            serde_json::from_str::<Table>(TABLE).map(|table| table.vendors).unwrap_or_default()
        });
        ALL.get(vendor).map(Self)
    }

    /// The most a token can cost, for reservations: of a long prompt, all of it written to a cache.
    pub(super) fn at_most(self, model: &str) -> Option<Price> {
        let row = self.row(model)?;
        let rates = [Some(row.rate), row.long.as_ref().map(|long| long.rate)];
        let largest = |of: fn(&Rate) -> f64| rates.iter().flatten().map(of).fold(0.0, f64::max);
        Some(Price {
            input_per_million: Money::from_usd(largest(|rate| rate.input.max(rate.cache_write.unwrap_or(0.0))))?,
            output_per_million: Money::from_usd(largest(|rate| rate.output))?,
        })
    }

    /// What so many tokens cost.
    pub(super) fn cost(self, model: &str, usage: Usage) -> Option<Money> {
        let row = self.row(model)?;
        let long = row.long.as_ref().filter(|long| usage.input > long.above);
        let rate = long.map_or(row.rate, |long| long.rate);
        let fresh = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write);
        let part = |tokens: u64, usd_per_million: f64| {
            let input_per_million = Money::from_usd(usd_per_million)?;
            Some(Price { input_per_million, output_per_million: Money::ZERO }.of(tokens, 0))
        };
        let parts = [
            part(fresh, rate.input)?,
            part(usage.cached, rate.cached.unwrap_or(rate.input))?,
            part(usage.cache_write, rate.cache_write.unwrap_or(rate.input))?,
            part(usage.output, rate.output)?,
        ];
        Some(parts.into_iter().fold(Money::ZERO, Money::plus))
    }

    /// A model by its name, or by its name without the date at its end.
    fn row(self, model: &str) -> Option<&'static Row> {
        let name = model.strip_prefix("models/").unwrap_or(model);
        self.0.get(name).or_else(|| self.0.get(undated(name)?))
    }
}

/// `gpt-5.4` of `gpt-5.4-2026-03-05` and of `gpt-5.4-20260305`.
fn undated(name: &str) -> Option<&str> {
    const FORMS: [&str; 2] = ["-0000-00-00", "-00000000"];
    FORMS.iter().find_map(|form| {
        let (head, tail) = name.split_at_checked(name.len().checked_sub(form.len())?)?;
        let is_date = tail.bytes().zip(form.bytes()).all(|(byte, as_in)| match as_in {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
        is_date.then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::{Money, Usage};

    use super::{Prices, undated};
    use crate::http::{catalogue, vendor};

    fn usd(amount: f64) -> Option<Money> {
        Money::from_usd(amount)
    }

    #[test]
    fn every_price_can_be_reckoned_with() {
        let usage = Usage { input: 1_000_000, cached: 300_000, cache_write: 200_000, output: 1_000_000, reasoning: 0 };
        let mut models = 0;
        for vendor in catalogue() {
            let Some(prices) = Prices::of(vendor.name) else { continue };
            for model in prices.0.keys() {
                let most = prices.at_most(model).unwrap();
                let cost = prices.cost(model, usage).unwrap();
                assert!(Money::ZERO < cost && cost <= most.of(usage.input, usage.output), "{model}");
                models += 1;
            }
        }
        assert!(models > 300, "{models}");
    }

    #[test]
    fn the_default_models_have_their_price_where_tokens_are_all_that_is_paid_for() {
        for name in ["xai", "openai", "anthropic", "gemini", "mistral", "cohere", "groq", "deepseek", "together"] {
            let model = vendor(name).unwrap().default_model.unwrap();
            assert!(Prices::of(name).unwrap().at_most(model).is_some(), "{name} {model}");
        }
        // These also take a fee for the request, or ask others whose prices differ.
        for name in ["perplexity", "openrouter", "huggingface", "ollama"] {
            assert!(Prices::of(name).is_none(), "{name}");
        }
    }

    #[test]
    fn caches_and_long_prompts_have_their_own_prices() {
        let anthropic = Prices::of("anthropic").unwrap();
        let usage = Usage { input: 1_000_000, cached: 500_000, cache_write: 100_000, output: 100_000, reasoning: 0 };
        assert_eq!(anthropic.cost("claude-sonnet-5", usage), usd(0.4 * 2.0 + 0.5 * 0.2 + 0.1 * 2.5 + 0.1 * 10.0));
        let xai = Prices::of("xai").unwrap();
        let of = |input| xai.cost("grok-4.5", Usage { input, ..Usage::default() });
        assert_eq!(of(200_000), usd(0.4));
        assert_eq!(of(300_000), usd(1.2));
        assert_eq!(xai.at_most("grok-4.5").unwrap().input_per_million, usd(4.0).unwrap());
    }

    #[test]
    fn a_dated_name_is_the_models_and_an_unknown_one_has_no_price() {
        let openai = Prices::of("openai").unwrap();
        assert_eq!(openai.at_most("gpt-5.4-2031-01-01"), openai.at_most("gpt-5.4"));
        assert_eq!(openai.at_most("gpt-999"), None);
        assert_eq!(openai.cost("gpt-999", Usage { input: 1, ..Usage::default() }), None);
        assert_eq!(undated("claude-opus-4-1"), None);
        assert_eq!(undated("claude-opus-4-1-20250805"), Some("claude-opus-4-1"));
    }
}
