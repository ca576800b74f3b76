//! The contract of a model provider. Owns request, answer and error; knows no vendor and no HTTP.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{
    AssistantMessage, Cost, Failure, FailureClass, Message, ModelName, Money, ProviderName, Reply, RequestId,
    StepInput, Tier, ToolSpec, Usage,
};
use serde_json::Value;

use crate::ModelCard;

/// Answers one request of an agent.
///
/// Implementations are shared by all workflows and called concurrently. They do not retry: retry, fallback and hedging
/// are the engine's, each with its own reservation. They may wait (for a rate limiter) and report it as
/// [`ChatAnswer::parked`].
///
/// Dropping the future of [`chat`](Provider::chat) cancels the request: the connection is closed and nothing goes on
/// in the background.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Provider`",
    note = "implement `name`, `capabilities` and `chat` in an `#[async_trait] impl`",
    note = "a provider in an `Arc` is registered as it is: see `Builder::with_shared_provider`"
)]
pub trait Provider: Send + Sync + 'static {
    /// The name requests choose it by.
    fn name(&self) -> &ProviderName;

    /// What it can do and what it costs. Called before each request; must be cheap.
    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities;

    /// The model for a part of the work when a request names none. `None`: the same as for every other part,
    /// [`Capabilities::default_model`]. Called before each request; must be cheap.
    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        let _ = tier;
        None
    }

    /// The models it is known to have, by name: for lists. It may have others. Nobody is asked over the network. By default
    /// none is known.
    fn models(&self) -> Vec<ModelCard> {
        Vec::new()
    }

    /// Answers one request. Text deltas go to `sink` while they arrive; the answer holds the whole text again.
    ///
    /// # Errors
    /// [`ProviderError`] by class; the engine parks on a rate limit, tries again after a network or server error, and
    /// fails the step otherwise.
    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError>;

    /// Checks that the service answers and accepts the key, without paying for anything.
    ///
    /// # Errors
    /// [`ProviderError`] as for a request.
    async fn check(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

/// What a provider can do with a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct Capabilities {
    /// Whether it takes tools.
    pub tools: bool,
    /// Whether it takes an output schema.
    pub output_schema: bool,
    /// Whether it sees images. What nobody knows is no.
    pub images: bool,
    /// The model used when a request names none.
    pub default_model: Option<String>,
    /// The price; `None` when nobody knows. See [`Price::FREE`].
    pub price: Option<Price>,
    /// Whether answers are written by a model. `false` only for the extractive writer, and then said in reports.
    pub is_model: bool,
}

/// What tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct Price {
    /// One million prompt tokens.
    pub input_per_million: Money,
    /// One million completion tokens.
    pub output_per_million: Money,
}

impl Price {
    /// Nothing is charged.
    pub const FREE: Self = Self { input_per_million: Money::ZERO, output_per_million: Money::ZERO };

    /// What so many tokens cost, rounded up.
    #[must_use]
    pub fn of(&self, input_tokens: u64, output_tokens: u64) -> Money {
        let part = |tokens: u64, per_million: Money| {
            let pico_usd = (u128::from(tokens) * u128::from(per_million.pico_usd())).div_ceil(1_000_000);
            Money::from_pico_usd(u64::try_from(pico_usd).unwrap_or(u64::MAX))
        };
        part(input_tokens, self.input_per_million).plus(part(output_tokens, self.output_per_million))
    }
}

/// One request. Wires send everything but `input`; the extractive writer reads `input` alone.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct ChatRequest<'a> {
    /// The model; `None` is the default.
    pub model: Option<&'a ModelName>,
    /// The conversation so far, a system message first.
    pub messages: &'a [Message],
    /// Tools the model may call.
    pub tools: &'a [ToolSpec],
    /// The tools of the turns before, when it may call none any more; empty otherwise. A service that can be told to call none
    /// is told of them, so that its cache still knows how the prompt begins.
    pub former_tools: &'a [ToolSpec],
    /// JSON Schema the answer must have.
    pub output_schema: Option<&'a Value>,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// Completion tokens at most.
    pub output_tokens_max: u32,
    /// The same for every attempt of the same call.
    pub idempotency_key: &'a str,
    /// The name of the client's request behind it, for the service's log.
    pub request_id: Option<&'a RequestId>,
    /// What the step is, as data.
    pub input: &'a StepInput,
}

/// What came back.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct ChatAnswer {
    /// The answer.
    pub reply: Reply,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    pub cost: Cost,
    /// How long the request waited for permission to run.
    pub parked: Duration,
    /// What the service says is left of its limits.
    pub limits: RateLimits,
}

/// What a service says is left of its limits. Nothing is said by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct RateLimits {
    /// Requests.
    pub requests: Option<Allowance>,
    /// Tokens.
    pub tokens: Option<Allowance>,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "providers build it")]
pub struct Allowance {
    /// So many more.
    pub remaining: u64,
    /// After so long the limit is as if nothing had been used.
    pub reset: Duration,
}

impl ChatAnswer {
    /// An answer that is a text and nothing else: no tokens counted, its cost unknown.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let message = AssistantMessage { text: text.into(), ..AssistantMessage::default() };
        Self { reply: Reply { message, ..Reply::default() }, ..Self::default() }
    }
}

/// Receives text while it arrives. Never blocks; may drop.
pub trait DeltaSink: Send {
    /// The next piece of text.
    fn text(&mut self, delta: &str);

    /// The request waits for permission to run from now on: for a rate limit, for example. By default it is not
    /// interesting. Whoever sets the call a time limit stops its clock here.
    fn waits(&mut self) {}

    /// It waits no longer. Called once after each [`waits`](DeltaSink::waits), unless the call ends before.
    fn runs(&mut self) {}
}

/// A sink for callers who only want the whole answer.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no fields")]
pub struct NoDeltas;

impl DeltaSink for NoDeltas {
    fn text(&mut self, _delta: &str) {}
}

/// Why a request failed. Its text never holds a key.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
#[non_exhaustive]
pub struct ProviderError {
    /// The class to branch on and a message to read.
    pub failure: Failure,
    /// How long the service asked to wait, if it did. At least this long.
    pub retry_after: Option<Duration>,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
    /// The service's id of the request, for its support.
    pub request_id: Option<String>,
    /// What the failed request cost all the same.
    pub cost: Cost,
    /// Tokens the failed request used all the same.
    pub usage: Usage,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ProviderError {
    /// An error of a class that cost nothing.
    #[must_use]
    pub fn new(class: FailureClass, message: impl AsRef<str>) -> Self {
        Self {
            failure: Failure::new(class, message),
            retry_after: None,
            status: None,
            request_id: None,
            cost: Cost::FREE,
            usage: Usage::default(),
            source: None,
        }
    }

    /// The same, with the pause the service asked for.
    #[must_use]
    pub const fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.failure.class
    }
}

impl fmt::Debug for dyn Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(self.name()).finish()
    }
}

fn _object_safe(_: &dyn Provider) {}
