//! Keeps to a service's limits by waiting. Owns lanes, their lines and who is next; what a lane lets through is decided in
//! `lane.rs`.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{FailureClass, ModelName, ProviderName, Tier};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep_until},
};

use super::{
    lane::{Admission, Lane, Pass},
    shared::{SharedLane, SharedLimits},
};
use crate::{
    Backoff, Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError, RateLimits,
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
    /// The longest wait at the head of the line. When nobody may go for longer, the request is refused as rate limited with
    /// the rest of the pause, so that whoever asks can do something else meanwhile. Default 60 s.
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
            wait_max: Duration::from_secs(60),
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
/// [`ChatAnswer::parked`], and to the sink while it passes. Dropping the future gives up the place in the line.
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
    lanes: Mutex<HashMap<Option<ModelName>, Arc<Line>>>,
    shared: Option<Arc<dyn SharedLimits>>,
}

/// A lane and who waits for it.
struct Line {
    lane: Mutex<Lane>,
    /// The head of the line: whoever holds it is next. Tokio's semaphore is fair: first come, first served.
    head: Semaphore,
    waiting: AtomicUsize,
    /// Something has changed that the head of the line may have waited for.
    changed: Notify,
    shared: Option<SharedLane>,
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

    fn line(&self, model: Option<&ModelName>) -> Arc<Line> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lanes.get(&model.cloned()) {
            return Arc::clone(line);
        }
        let now = Instant::now();
        if lanes.len() >= LANES_MAX {
            lanes.retain(|_, line| Arc::strong_count(line) > 1 || !line.lane().is_idle(now));
        }
        let model = model.filter(|_| lanes.len() < LANES_MAX).cloned();
        let shared = self.shared.as_ref().map(|shared| {
            SharedLane::new(Arc::clone(shared), self.inner.name().as_str(), model.as_ref(), &self.limits)
        });
        let line = || {
            Arc::new(Line {
                lane: Mutex::new(Lane::new(&self.limits, now)),
                head: Semaphore::new(1),
                waiting: AtomicUsize::new(0),
                changed: Notify::new(),
                shared,
            })
        };
        Arc::clone(lanes.entry(model).or_insert_with(line))
    }

    /// Waits for permission.
    async fn admitted(&self, line: &Arc<Line>, tokens: u64) -> Result<Running, ProviderError> {
        let _place = Waiting::in_line(line, self.limits.waiting_max).ok_or_else(|| self.full(line))?;
        // It is never closed.
        let _head = line.head.acquire().await;
        if let Some(shared) = &line.shared
            && let Some(pause) = shared.parked().await
        {
            line.lane().park(pause, Instant::now());
        }
        let running = loop {
            let now = Instant::now();
            let admission = line.lane().admit(tokens, now);
            match admission {
                Admission::Go(pass) => break Running { line: Arc::clone(line), pass: Some(pass) },
                Admission::At(at) if at - now > self.limits.wait_max => return Err(self.closed_for(at - now)),
                Admission::At(at) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = line.changed.notified() => {}
                },
                Admission::WhenOneEnds => line.changed.notified().await,
            }
        };
        if let Some(shared) = &line.shared {
            shared.take(tokens).await;
        }
        Ok(running)
    }

    fn full(&self, line: &Line) -> ProviderError {
        let (name, most) = (self.inner.name(), self.limits.waiting_max);
        let now = Instant::now();
        let pause = line.lane().parked_until(now).map_or(self.limits.backoff.first, |until| until - now);
        let message = format!("{most} requests wait for {name} already");
        ProviderError::new(FailureClass::RateLimited, message).with_retry_after(pause)
    }

    fn closed_for(&self, pause: Duration) -> ProviderError {
        let message = format!("{} takes no requests for another {} s", self.inner.name(), pause.as_secs().max(1));
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
        let line = self.line(request.model.or(default.as_ref()));
        let told = if request.tools.is_empty() { request.former_tools } else { request.tools };
        let prompt = estimated_prompt_tokens(request.messages, told);
        let tokens = prompt.saturating_add(u64::from(request.output_tokens_max));
        let began = Instant::now();
        sink.waits();
        let running = self.admitted(&line, tokens).await;
        sink.runs();
        let (running, parked) = (running?, began.elapsed());
        let outcome = self.inner.chat(request, sink).await;
        match outcome {
            Ok(mut answer) => {
                let used = Some(answer.usage.total()).filter(|used| *used > 0);
                running.answered(used, answer.limits);
                answer.parked = answer.parked.saturating_add(parked);
                Ok(answer)
            }
            Err(error) if matches!(error.class(), FailureClass::RateLimited | FailureClass::Overloaded) => {
                let pause = running.refused(error.class() == FailureClass::Overloaded, error.retry_after);
                if let Some(shared) = &line.shared {
                    shared.park(pause).await;
                }
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

impl Line {
    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a line; given up when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn in_line(line: &'a Line, most: usize) -> Option<Self> {
        let taken = line
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| (waiting < most).then_some(waiting + 1));
        taken.is_ok().then(|| Self(&line.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A call under way; given back when dropped.
struct Running {
    line: Arc<Line>,
    pass: Option<Pass>,
}

impl Running {
    fn answered(mut self, tokens: Option<u64>, limits: RateLimits) {
        if let Some(pass) = self.pass.take() {
            self.line.lane().answered(pass, tokens, limits, Instant::now());
        }
    }

    fn refused(mut self, is_overload: bool, asked: Option<Duration>) -> Duration {
        let pass = self.pass.take();
        pass.map_or(Duration::ZERO, |pass| self.line.lane().refused(pass, is_overload, asked, Instant::now()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.line.lane().ended(pass, None, Instant::now());
        }
        self.line.changed.notify_one();
    }
}
