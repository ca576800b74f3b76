//! Who answers, as clients see it: providers, their models, whether they are there. No keys and no addresses.

use std::time::Duration;

use mcp_orchestrator::{
    Provider,
    provider::{ModelCard, ModelPrice, TokenRate},
};
use mcp_orchestrator_domain::{FailureClass, Money, Tier, millis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ProvidersView {
    /// The default one first.
    pub providers: Vec<ProviderView>,
    /// How many.
    pub count: usize,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ProviderView {
    /// The name requests choose it by.
    pub name: String,
    /// Whether it answers requests that name none.
    pub is_default: bool,
    /// The model used when a request names none, for every part of the work without one of its own.
    pub default_model: Option<String>,
    /// The model of agents then; null: the default model.
    #[serde(default)]
    pub worker_model: Option<String>,
    /// The model that merges and writes then; null: the default model.
    #[serde(default)]
    pub synthesis_model: Option<String>,
    /// Whether a language model answers; false for the extractive writer, whose sentences are quotes.
    pub is_model: bool,
    /// Whether it takes tools.
    pub tools: bool,
    /// Whether it takes an output schema.
    #[serde(default)]
    pub output_schema: bool,
    /// US dollars for a million prompt tokens of the default model, at most; null when nobody knows.
    pub input_usd_per_million_tokens: Option<f64>,
    /// US dollars for a million completion tokens of the default model, at most; null when nobody knows.
    pub output_usd_per_million_tokens: Option<f64>,
    /// Whether it is there, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthView>,
    /// Models it is known to have, when one provider was asked for. It may have others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelView>>,
}

/// Whether a provider is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum HealthView {
    /// It answered and takes its key.
    Up {
        /// After so many milliseconds.
        latency_ms: u64,
    },
    /// It did not.
    Down {
        /// The class of the failure, for example `auth` or `timeout`. More is in the log of the process that asked.
        class: String,
    },
}

/// A model. What nobody knows is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ModelView {
    /// The name requests choose it by.
    pub name: String,
    /// Tokens a request may have.
    pub context_tokens: Option<u64>,
    /// Tokens an answer may have.
    pub answer_tokens_max: Option<u64>,
    /// Whether it takes tools.
    pub tools: Option<bool>,
    /// Whether it takes an output schema.
    pub output_schema: Option<bool>,
    /// Whether it sees images.
    pub images: Option<bool>,
    /// Whether it thinks before it answers.
    pub reasoning: Option<bool>,
    /// What it costs.
    pub price: Option<PriceView>,
}

/// What a model costs, and who says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct PriceView {
    /// In requests that are not long.
    #[serde(flatten)]
    pub rate: RateView,
    /// In requests whose prompt has more tokens than `above_tokens`: of all their tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongView>,
    /// Who says so.
    pub source: String,
    /// Of when that is.
    pub date: Option<String>,
}

/// The price of long prompts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct LongView {
    /// Prompts of more tokens than these.
    pub above_tokens: u64,
    /// What tokens cost then.
    #[serde(flatten)]
    pub rate: RateView,
}

/// US dollars for a million tokens of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct RateView {
    /// Of the prompt.
    pub input_usd_per_million_tokens: f64,
    /// Of the answer.
    pub output_usd_per_million_tokens: f64,
    /// Of the prompt, read from a cache; null: as others.
    pub cached_usd_per_million_tokens: Option<f64>,
    /// Of the prompt, written to a cache; null: as others.
    pub cache_write_usd_per_million_tokens: Option<f64>,
}

impl ProviderView {
    /// A provider as clients see it, without its models and whether it is there.
    #[must_use]
    pub fn of(provider: &dyn Provider, is_default: bool) -> Self {
        let can = provider.capabilities(None);
        let tier = |tier| provider.tier_model(tier).map(|model| model.to_string());
        Self {
            name: provider.name().to_string(),
            is_default,
            default_model: can.default_model,
            worker_model: tier(Tier::Worker),
            synthesis_model: tier(Tier::Synthesis),
            is_model: can.is_model,
            tools: can.tools,
            output_schema: can.output_schema,
            input_usd_per_million_tokens: can.price.map(|price| price.input_per_million.usd()),
            output_usd_per_million_tokens: can.price.map(|price| price.output_per_million.usd()),
            health: None,
            models: None,
        }
    }

    /// The same with the models it is known to have.
    #[must_use]
    pub fn with_models(mut self, models: Vec<ModelCard>) -> Self {
        self.models = Some(models.into_iter().map(ModelView::from).collect());
        self
    }
}

impl HealthView {
    /// It answered after so long.
    #[must_use]
    pub fn up(latency: Duration) -> Self {
        Self::Up { latency_ms: millis(latency) }
    }

    /// It failed so.
    #[must_use]
    pub fn down(class: FailureClass) -> Self {
        Self::Down { class: class.to_string() }
    }
}

impl From<ModelCard> for ModelView {
    fn from(card: ModelCard) -> Self {
        Self {
            name: card.name,
            context_tokens: card.context_tokens,
            answer_tokens_max: card.answer_tokens_max,
            tools: card.tools,
            output_schema: card.output_schema,
            images: card.images,
            reasoning: card.reasoning,
            price: card.price.map(PriceView::from),
        }
    }
}

impl From<ModelPrice> for PriceView {
    fn from(price: ModelPrice) -> Self {
        let long = price.long.map(|long| LongView { above_tokens: long.above_tokens, rate: long.rate.into() });
        Self { rate: price.rate.into(), long, source: price.source, date: price.date }
    }
}

impl From<TokenRate> for RateView {
    fn from(rate: TokenRate) -> Self {
        Self {
            input_usd_per_million_tokens: rate.input.usd(),
            output_usd_per_million_tokens: rate.output.usd(),
            cached_usd_per_million_tokens: rate.cached.map(Money::usd),
            cache_write_usd_per_million_tokens: rate.cache_write.map(Money::usd),
        }
    }
}
