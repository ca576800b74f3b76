//! Leaves a service that fails alone for a while. Owns which failures count and whose circuit is whose; the states are in
//! `circuit.rs`.

use std::{
    collections::HashMap,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{FailureClass, ModelName, ProviderName, Tier};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::circuit::{Became, Circuit, Leave};
use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError};

/// Circuits kept at most. Further models share the circuit of requests that name none.
const CIRCUITS_MAX: usize = 64;

/// When a [`CircuitBreaker`] opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers, built as a literal")]
pub struct BreakerLimits {
    /// Failures in a row, none longer ago than the pause, that open the circuit. At least 1. Default 5.
    pub failures_max: u32,
    /// How long it stays open. Default 60 s.
    pub pause: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures_max: 5, pause: Duration::from_secs(60) }
    }
}

/// Refuses requests to a service that has failed several times in a row, until one request shows that it is back.
///
/// Each model has a circuit. After [`BreakerLimits::failures_max`] failures in a row it opens: requests fail at once, free of
/// charge, as [`Unavailable`] with the rest of the pause as [`retry_after`]. When the pause is over, one
/// request is let through, however many come: answered, it closes the circuit; failed, the pause begins again; dropped, the
/// next one takes its place. (M. Nygard, *Release It!*, 2007; that one request alone probes is what keeps a hundred agents
/// from falling on a service that has just come back.)
///
/// Failures are those of connection and service: network, time-outs, 5xx, answers that cannot be read. A refusal of a
/// request (4xx) shows that the service works. Rate limits and overload are a [`Governor`](super::Governor)'s business.
///
/// A provider with a key of its own has circuits of its own: put one around each to have them by service, model and key.
///
/// [`retry_after`]: ProviderError::retry_after
/// [`Unavailable`]: FailureClass::Unavailable
///
/// ```
/// use mcp_orchestrator_providers::{Provider, layers::{BreakerLimits, CircuitBreaker}};
///
/// fn guarded(service: impl Provider) -> CircuitBreaker {
///     CircuitBreaker::new(service, BreakerLimits::default())
/// }
/// ```
pub struct CircuitBreaker {
    inner: Arc<dyn Provider>,
    limits: BreakerLimits,
    circuits: Mutex<HashMap<Option<ModelName>, Tracked>>,
    /// A call has ended.
    ended: Notify,
}

struct Tracked {
    circuit: Circuit,
    last: FailureClass,
    under_way: usize,
}

impl CircuitBreaker {
    /// Puts a breaker around a provider.
    #[must_use]
    pub fn new(provider: impl Provider, limits: BreakerLimits) -> Self {
        Self::around(Arc::new(provider), limits)
    }

    /// Puts a breaker around a provider that is shared already.
    #[must_use]
    pub fn around(provider: Arc<dyn Provider>, limits: BreakerLimits) -> Self {
        let limits = BreakerLimits { failures_max: limits.failures_max.max(1), ..limits };
        Self { inner: provider, limits, circuits: Mutex::default(), ended: Notify::new() }
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<Option<ModelName>, Tracked>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave for one call.
    fn admit(&self, model: Option<&ModelName>) -> Result<UnderWay<'_>, Closed> {
        let mut circuits = self.circuits();
        let mut model = model.cloned();
        if !circuits.contains_key(&model) && circuits.len() >= CIRCUITS_MAX {
            circuits.retain(|_, tracked| tracked.under_way > 0 || !tracked.circuit.is_idle());
            if circuits.len() >= CIRCUITS_MAX {
                model = None;
            }
        }
        let tracked = circuits.entry(model.clone()).or_insert_with(|| Tracked {
            circuit: Circuit::new(self.limits.failures_max, self.limits.pause),
            last: FailureClass::Network,
            under_way: 0,
        });
        match tracked.circuit.admit(Instant::now()) {
            Ok(leave) => {
                tracked.under_way += 1;
                Ok(UnderWay { breaker: self, model, leave, became: (Became::Unknown, None) })
            }
            Err(pause) => Err(Closed { class: tracked.last, pause, is_probed: tracked.circuit.is_probing() }),
        }
    }

    /// Leave for one call. Who comes while another call shows whether the service is back waits for that one, for a
    /// pause at most: it would be a waste to be refused a moment before all goes on.
    async fn admitted(&self, model: Option<&ModelName>, sink: &mut dyn DeltaSink) -> Result<UnderWay<'_>, Closed> {
        let (mut waits, until) = (false, Instant::now() + self.limits.pause);
        let admitted = loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            match self.admit(model) {
                Err(closed) if closed.is_probed && Instant::now() < until => {
                    if !waits {
                        waits = true;
                        sink.waits();
                    }
                    let _ = timeout_at(until, ended).await;
                }
                admitted => break admitted,
            }
        };
        if waits {
            sink.runs();
        }
        admitted
    }

    fn closed(&self, Closed { class, pause, .. }: Closed) -> ProviderError {
        let (name, failures, seconds) = (self.inner.name(), self.limits.failures_max, pause.as_secs().max(1));
        let message =
            format!("{name} has failed {failures} times in a row ({class}) and is left alone for another {seconds} s");
        ProviderError::new(FailureClass::Unavailable, message).with_retry_after(pause)
    }
}

#[async_trait]
impl Provider for CircuitBreaker {
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
        let mut under_way = self.admitted(request.model, sink).await.map_err(|closed| self.closed(closed))?;
        let outcome = self.inner.chat(request, sink).await;
        under_way.became = match &outcome {
            Ok(_) => (Became::Well, None),
            Err(error) => (of_error(error), Some(error.class())),
        };
        outcome
    }

    async fn check(&self) -> Result<(), ProviderError> {
        self.inner.check().await
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("inner", &self.inner)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why there is no leave.
#[derive(Debug)]
struct Closed {
    /// How the last call failed.
    class: FailureClass,
    pause: Duration,
    /// Whether a call is under way that shows whether the service is back.
    is_probed: bool,
}

/// A call under way. Its drop tells the circuit what became of it.
struct UnderWay<'a> {
    breaker: &'a CircuitBreaker,
    model: Option<ModelName>,
    leave: Leave,
    became: (Became, Option<FailureClass>),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut circuits = self.breaker.circuits();
        let Some(tracked) = circuits.get_mut(&self.model) else { return };
        let (became, class) = self.became;
        tracked.under_way -= 1;
        tracked.circuit.give_back(self.leave, became, Instant::now());
        if let (Became::Failed, Some(class)) = (became, class) {
            tracked.last = class;
        }
        drop(circuits);
        self.breaker.ended.notify_waiters();
    }
}

/// What a failure says of the service.
fn of_error(error: &ProviderError) -> Became {
    match error.class() {
        // Of a governor inside: nobody was asked.
        FailureClass::RateLimited if error.status.is_none() => Became::Unknown,
        FailureClass::Network
        | FailureClass::Server
        | FailureClass::Timeout
        | FailureClass::Truncated
        | FailureClass::Decode => Became::Failed,
        FailureClass::Auth
        | FailureClass::QuotaExhausted
        | FailureClass::RateLimited
        | FailureClass::ContextLength
        | FailureClass::ContentFilter
        | FailureClass::BadRequest
        | FailureClass::NotFound
        | FailureClass::NoResult => Became::Well,
        // Busy is neither; the rest is not the service's.
        _ => Became::Unknown,
    }
}
