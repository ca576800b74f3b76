//! Keeps to a service's limits by waiting. Owns lanes and what a caller is told; who is next is decided in `entrance.rs`,
//! what a lane lets through in `lane.rs`.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{FailureClass, ModelName, ProviderName, Tier};
use tokio::time::Instant;

use super::{
    entrance::{Closed, Entrance},
    shared::{SharedLane, SharedLimits},
};
use crate::{
    Backoff, Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError,
    estimated_prompt_tokens,
};

/// Lanes kept at most. Further models share the lane of requests that name none.
const LANES_MAX: usize = 64;

/// What a [`Governor`] keeps to. By default nothing is known of the service: it learns from what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain record of limits, built as a literal")]
pub struct GovernorLimits {
    /// Requests in any minute. At once goes a second's share of them, one at least.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompt and completion together. Set aside is what a request may take; what it did not take
    /// is given back when it is answered. A request that is larger than a tenth of the limit waits until nothing is in
    /// use, and then holds up others until it is paid back.
    pub tokens_per_minute: Option<u64>,
    /// Requests that run at once at first. Default 8.
    pub concurrency_start: u32,
    /// Requests that run at once at most. Default 256.
    pub concurrency_max: u32,
    /// Requests that wait at most, of one model; a further one is refused as rate limited. Default 10 000.
    pub waiting_max: usize,
    /// The longest wait. Who would wait for longer by his place in the line is refused as rate limited at once, and who has
    /// waited for so long then, with how long it is expected to take, so that whoever asks can do something else meanwhile.
    /// When he comes again with the same idempotency key he stands where he stood. Default 5 minutes.
    pub wait_max: Duration,
    /// The pause when a service refuses and does not say for how long.
    pub backoff: Backoff,
}

impl Default for GovernorLimits {
    fn default() -> Self {
        Self {
            requests_per_minute: None,
            tokens_per_minute: None,
            concurrency_start: 8,
            concurrency_max: 256,
            waiting_max: 10_000,
            wait_max: Duration::from_mins(5),
            backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) },
        }
    }
}

/// Lets requests through as fast as the service takes them, first come, first served.
///
/// Each model has a lane: its rates, how many of its requests run at once, and until when nobody may go. A refusal for a rate
/// limit or for overload parks the lane for as long as the service asks; then one request goes ahead to see whether that
/// was long enough. How many run at once grows while all goes well and is halved by a refusal. What a service says is left
/// ([`ChatAnswer::limits`]) is kept to, so that most refusals never happen. The refused request itself fails; it is for
/// whoever asked to ask again.
///
/// One governor around one provider is shared by all who use the provider. Time spent waiting is reported as
/// [`ChatAnswer::parked`], and to the sink while it passes. Dropping the future gives up the place in the line; what it had
/// taken of limits that are shared is the next one's.
///
/// Processes that share an account also share its limits when they are given a place for them: see [`SharedLimits`].
///
/// ```
/// use mcp_orchestrator_providers::{Provider, layers::{Governor, GovernorLimits}};
///
/// fn five_a_second(service: impl Provider) -> Governor {
///     Governor::new(service, GovernorLimits { requests_per_minute: Some(300), ..GovernorLimits::default() })
/// }
/// ```
pub struct Governor {
    inner: Arc<dyn Provider>,
    limits: GovernorLimits,
    lanes: Mutex<HashMap<Option<ModelName>, Arc<Entrance>>>,
    shared: Option<Arc<dyn SharedLimits>>,
}

impl Governor {
    /// Puts a governor around a provider.
    #[must_use]
    pub fn new(provider: impl Provider, limits: GovernorLimits) -> Self {
        Self::around(Arc::new(provider), limits)
    }

    /// Puts a governor around a provider that is shared already. Who calls the provider itself is not governed.
    #[must_use]
    pub fn around(provider: Arc<dyn Provider>, limits: GovernorLimits) -> Self {
        Self { inner: provider, limits, lanes: Mutex::default(), shared: None }
    }

    /// Shares the rates and pauses with other processes.
    #[must_use]
    pub fn with_shared(mut self, shared: Arc<dyn SharedLimits>) -> Self {
        self.shared = Some(shared);
        self
    }

    fn entrance(&self, model: Option<&ModelName>) -> Arc<Entrance> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entrance) = lanes.get(&model.cloned()) {
            return Arc::clone(entrance);
        }
        let now = Instant::now();
        if lanes.len() >= LANES_MAX {
            lanes.retain(|_, entrance| Arc::strong_count(entrance) > 1 || !entrance.is_idle(now));
        }
        let model = model.filter(|_| lanes.len() < LANES_MAX).cloned();
        let shared = self.shared.as_ref().map(|shared| {
            SharedLane::new(Arc::clone(shared), self.inner.name().as_str(), model.as_ref(), &self.limits)
        });
        let entrance = || Arc::new(Entrance::new(self.limits, shared, now));
        Arc::clone(lanes.entry(model).or_insert_with(entrance))
    }

    fn closed(&self, closed: Closed) -> ProviderError {
        let name = self.inner.name();
        let (message, pause) = match closed {
            Closed::Full(pause) => (format!("{} requests wait for {name} already", self.limits.waiting_max), pause),
            Closed::Later(pause) => {
                (format!("{name} takes no further request for another {} s", pause.as_secs().max(1)), pause)
            }
        };
        ProviderError::new(FailureClass::RateLimited, message).with_retry_after(pause)
    }
}

#[async_trait]
impl Provider for Governor {
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
        let default = self.inner.capabilities(None).default_model.and_then(|name| ModelName::new(&name).ok());
        let entrance = self.entrance(request.model.or(default.as_ref()));
        let told = if request.tools.is_empty() { request.former_tools } else { request.tools };
        let prompt = estimated_prompt_tokens(request.messages, told);
        let tokens = prompt.saturating_add(u64::from(request.output_tokens_max));
        let began = Instant::now();
        sink.waits();
        let running = entrance.admitted(request.idempotency_key, tokens).await;
        sink.runs();
        let (running, parked) = (running.map_err(|closed| self.closed(closed))?, began.elapsed());
        let outcome = self.inner.chat(request, sink).await;
        match outcome {
            Ok(mut answer) => {
                let used = Some(answer.usage.total()).filter(|used| *used > 0);
                running.answered(used, answer.limits).await;
                answer.parked = answer.parked.saturating_add(parked);
                Ok(answer)
            }
            Err(error) if matches!(error.class(), FailureClass::RateLimited | FailureClass::Overloaded) => {
                let pause = running.refused(error.class() == FailureClass::Overloaded, error.retry_after).await;
                entrance.park_all(pause).await;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn check(&self) -> Result<(), ProviderError> {
        self.inner.check().await
    }
}

impl fmt::Debug for Governor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor").field("inner", &self.inner).field("limits", &self.limits).finish_non_exhaustive()
    }
}
