//! Asks another provider when one cannot answer. Owns the order and which failures another one may do better at.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use mcp_orchestrator_domain::{FailureClass, ModelName, ProviderName, Tier};

use super::{retry::Paid, sink::Shown};
use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Price, Provider, ProviderError};

/// Asks the first provider, and the next one when it fails in a way another one need not: it cannot be reached, is
/// overloaded, out of quota, refuses its key, or does not know the model.
///
/// For those who call a provider themselves. In an orchestrator name the order with `Builder::with_fallback`: there each
/// attempt has a record, a reservation and the name of who was asked.
///
/// The model a request names is the first provider's; the others answer with their default models. Name, tools and schemas
/// are what every one of them offers, the price is the dearest. What failed attempts cost is part of the answer's cost. An
/// attempt that has shown text is the last one. Dropping the future stops.
///
/// ```
/// use mcp_orchestrator_providers::{Provider, layers::Fallback};
///
/// fn hosted_then_local(hosted: impl Provider, local: impl Provider) -> Fallback {
///     Fallback::new(hosted).or(local)
/// }
/// ```
pub struct Fallback {
    first: Arc<dyn Provider>,
    others: Vec<Arc<dyn Provider>>,
}

impl Fallback {
    /// Asks this provider first.
    #[must_use]
    pub fn new(first: impl Provider) -> Self {
        Self::around(Arc::new(first))
    }

    /// Asks this provider, which is shared already, first.
    #[must_use]
    pub fn around(first: Arc<dyn Provider>) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Then this one.
    #[must_use]
    pub fn or(self, next: impl Provider) -> Self {
        self.or_shared(Arc::new(next))
    }

    /// Then this one, which is shared already.
    #[must_use]
    pub fn or_shared(mut self, next: Arc<dyn Provider>) -> Self {
        self.others.push(next);
        self
    }
}

/// Whether another provider may answer what failed so.
#[must_use]
pub const fn another_may_answer(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Auth
            | FailureClass::QuotaExhausted
            | FailureClass::RateLimited
            | FailureClass::Overloaded
            | FailureClass::Unavailable
            | FailureClass::Timeout
            | FailureClass::Network
            | FailureClass::NotFound
            | FailureClass::Server
            | FailureClass::Decode
            | FailureClass::Truncated
    )
}

#[async_trait]
impl Provider for Fallback {
    fn name(&self) -> &ProviderName {
        self.first.name()
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        self.others.iter().fold(self.first.capabilities(model), |all, other| {
            let one = other.capabilities(None);
            Capabilities {
                tools: all.tools && one.tools,
                output_schema: all.output_schema && one.output_schema,
                images: all.images && one.images,
                default_model: all.default_model,
                price: all.price.zip(one.price).map(|(a, b)| Price {
                    input_per_million: a.input_per_million.max(b.input_per_million),
                    output_per_million: a.output_per_million.max(b.output_per_million),
                }),
                is_model: all.is_model || one.is_model,
            }
        })
    }

    /// Its first's. Those after it are asked without a model, so they use their own default.
    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        self.first.tier_model(tier)
    }

    fn models(&self) -> Vec<ModelCard> {
        self.first.models()
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let mut sink = Shown::new(sink);
        let mut paid = Paid::default();
        let mut outcome = self.first.chat(request.clone(), &mut sink).await;
        for next in &self.others {
            match outcome {
                Err(error) if another_may_answer(error.class()) && !sink.has_shown() => {
                    (paid.cost, paid.usage) = paid.with(error.cost, error.usage);
                }
                other => {
                    outcome = other;
                    break;
                }
            }
            outcome = next.chat(ChatRequest { model: None, ..request.clone() }, &mut sink).await;
        }
        match outcome {
            Ok(mut answer) => {
                (answer.cost, answer.usage) = paid.with(answer.cost, answer.usage);
                Ok(answer)
            }
            Err(mut error) => {
                (error.cost, error.usage) = paid.with(error.cost, error.usage);
                Err(error)
            }
        }
    }

    /// Whether any of them answers.
    async fn check(&self) -> Result<(), ProviderError> {
        let mut outcome = self.first.check().await;
        for other in &self.others {
            if outcome.is_ok() {
                return outcome;
            }
            outcome = other.check().await;
        }
        outcome
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("first", &self.first).field("others", &self.others).finish()
    }
}
