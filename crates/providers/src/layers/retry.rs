//! Asks again after a failure that may pass. Owns when that is worth while and what all tries together cost.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, FailureClass, ModelName, ProviderName, Retry as Chance, Tier, Usage};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::sink::Shown;
use crate::{Backoff, Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError};

/// How a [`Retry`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain record of limits, built as a literal")]
pub struct RetryLimits {
    /// Further tries after failures of connection and service. Default 2.
    pub retries_max: u32,
    /// How long everything together may take, pauses included. Default 5 minutes. A rate limit is waited for within it as
    /// often as need be.
    pub deadline: Duration,
    /// The pauses.
    pub backoff: Backoff,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self { retries_max: 2, deadline: Duration::from_mins(5), backoff: Backoff::default() }
    }
}

/// Asks again, for those who call a provider themselves. **Not for providers of an orchestrator:** the engine tries again by
/// itself, with a record and a reservation for each try, under the same pauses ([`Backoff`]).
///
/// Rate limits, overload and an open circuit are waited for, at least as long as is asked. Failures of connection and service get
/// [`RetryLimits::retries_max`] further tries. Everything else fails at once. No try begins and no pause ends after the
/// deadline; a try that is under way then ends with [`FailureClass::Deadline`]. What failed tries cost and used is part of
/// the answer's cost and usage, or of the last error's.
///
/// A try that has shown text is the last one: what a reader has seen is not shown to him again. Dropping the future stops.
///
/// ```
/// use mcp_orchestrator_providers::{Provider, layers::{Retry, RetryLimits}};
///
/// fn patient(service: impl Provider) -> Retry {
///     Retry::new(service, RetryLimits { retries_max: 4, ..RetryLimits::default() })
/// }
/// ```
pub struct Retry {
    inner: Arc<dyn Provider>,
    limits: RetryLimits,
}

impl Retry {
    /// Puts retries around a provider.
    #[must_use]
    pub fn new(provider: impl Provider, limits: RetryLimits) -> Self {
        Self::around(Arc::new(provider), limits)
    }

    /// Puts retries around a provider that is shared already.
    #[must_use]
    pub fn around(provider: Arc<dyn Provider>, limits: RetryLimits) -> Self {
        Self { inner: provider, limits }
    }

    /// When to ask again after `failures`, or `None`: never.
    fn again_at(
        &self,
        error: &ProviderError,
        failures: u32,
        luck: u64,
        now: Instant,
        deadline: Instant,
    ) -> Option<Instant> {
        match error.class().retry() {
            Chance::Never => return None,
            Chance::Backoff if failures > self.limits.retries_max => return None,
            Chance::Backoff | Chance::Pause | Chance::Park => {}
        }
        let at = now + self.limits.backoff.pause(failures, error.retry_after, luck.wrapping_add(failures.into()));
        (at < deadline).then_some(at)
    }
}

#[async_trait]
impl Provider for Retry {
    fn name(&self) -> &ProviderName {
        self.inner.name()
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        self.inner.capabilities(model)
    }

    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        self.inner.tier_model(tier)
    }

    fn models(&self) -> Vec<ModelCard> {
        self.inner.models()
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let deadline = Instant::now() + self.limits.deadline;
        let luck = luck_of(request.idempotency_key);
        let mut sink = Shown::new(sink);
        let mut paid = Paid::default();
        for failures in 1.. {
            let tried = timeout_at(deadline, self.inner.chat(request.clone(), &mut sink)).await;
            let mut error = match tried {
                Ok(Ok(mut answer)) => {
                    (answer.cost, answer.usage) = paid.with(answer.cost, answer.usage);
                    answer.parked = answer.parked.saturating_add(paid.parked);
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => self.late(),
            };
            let again = self.again_at(&error, failures, luck, Instant::now(), deadline);
            let Some(at) = again.filter(|_| !sink.has_shown()) else {
                (error.cost, error.usage) = paid.with(error.cost, error.usage);
                return Err(error);
            };
            (paid.cost, paid.usage) = paid.with(error.cost, error.usage);
            let began = Instant::now();
            sink.waits();
            sleep_until(at).await;
            sink.runs();
            paid.parked += began.elapsed();
        }
        Err(self.late())
    }

    async fn check(&self) -> Result<(), ProviderError> {
        self.inner.check().await
    }
}

impl Retry {
    fn late(&self) -> ProviderError {
        let message = format!("no answer of {} within {} ms", self.name(), self.limits.deadline.as_millis());
        let mut error = ProviderError::new(FailureClass::Deadline, message);
        // Nobody knows what the request that was cut off has cost.
        error.cost = Cost::Unknown;
        error
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("inner", &self.inner).field("limits", &self.limits).finish()
    }
}

/// What the tries so far have cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
    pub(super) cost: Cost,
    pub(super) usage: Usage,
    pub(super) parked: Duration,
}

impl Default for Paid {
    fn default() -> Self {
        Self { cost: Cost::FREE, usage: Usage::default(), parked: Duration::ZERO }
    }
}

impl Paid {
    /// All together with a further one.
    pub(super) const fn with(&self, cost: Cost, usage: Usage) -> (Cost, Usage) {
        (self.cost.plus(cost), self.usage.plus(usage))
    }
}

/// The same for the same request, so that its pauses are the same in every run; different for different ones.
fn luck_of(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
