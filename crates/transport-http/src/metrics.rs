//! What is counted. Owns the registry and its two text forms; label values come from closed sets only: route templates,
//! status classes, names of patterns that are registered; and from a bounded number of models.

mod labels;
mod queue;
mod spending;
mod text;

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use mcp_orchestrator::ModelSpending;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use labels::{Ended, Kind, Method, Outcome, Pattern, Request, Route};
pub(crate) use queue::QueueLength;
use spending::Spent;
pub(crate) use text::Format;

/// Seconds a request takes.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];
/// Seconds a workflow takes.
const WORKFLOW_BUCKETS: [f64; 13] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];

/// The counters of one server. Clones count together; there is no global registry.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    patterns: Mutex<Vec<String>>,
    workflows: Family<Ended, Counter>,
    workflow_seconds: Family<Pattern, Histogram>,
    active: Gauge,
    /// NaN while nobody knows.
    queued: Gauge<f64, AtomicU64>,
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram>,
    rate_limited: Family<Kind, Counter>,
    sse_readers: Gauge,
    connections: Gauge,
    connections_refused: Counter,
    attempts: Family<Outcome, Counter>,
    dead_letters: Counter,
    pending: Gauge,
    purged_workflows: Counter,
    purged_blobs: Counter,
    spent: Spent,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A thing that is counted while it lives.
#[derive(Debug)]
pub(crate) struct Living(Gauge);

impl Living {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is read at the moment of a scrape instead of being counted here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Workflows that run in this process.
    pub(crate) running: u64,
    /// Workflows in the store's queue; `None`: the store does not say.
    pub(crate) queued: Option<u64>,
    /// Attempts to deliver webhooks since the process began, by outcome.
    pub(crate) attempts: [(&'static str, u64); 7],
    /// Deliveries that were given up since the process began.
    pub(crate) dead_letters: u64,
    /// Deliveries that wait now.
    pub(crate) pending: u64,
}

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner::new()) }
    }

    /// Names the patterns that may be label values. Workflows of others are counted as `other`.
    pub fn set_patterns(&self, names: impl IntoIterator<Item = String>) {
        *self.inner.patterns.lock().unwrap_or_else(PoisonError::into_inner) = names.into_iter().collect();
    }

    /// Counts a workflow that this process has ended: `status` is `completed`, `failed` or `cancelled`, `duration` from its
    /// submission to its end if that is known.
    pub fn workflow_ended(&self, pattern: &str, status: &'static str, duration: Option<Duration>) {
        let patterns = self.inner.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let pattern = if patterns.iter().any(|known| known == pattern) { pattern } else { "other" };
        let pattern = Pattern { orchestrator_type: pattern.to_owned() };
        drop(patterns);
        let ended = Ended { orchestrator_type: pattern.orchestrator_type.clone(), status };
        self.inner.workflows.get_or_create(&ended).inc();
        if let Some(duration) = duration {
            self.inner.workflow_seconds.get_or_create(&pattern).observe(duration.as_secs_f64());
        }
    }

    /// Counts what this process has taken away because it is kept no longer: workflows, and texts that nobody needs any more.
    pub fn purged(&self, workflows: usize, blobs: usize) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.inner.purged_workflows.inc_by(count(workflows));
        self.inner.purged_blobs.inc_by(count(blobs));
    }

    pub(crate) fn request(
        &self,
        method: &'static str,
        route: Cow<'static, str>,
        status: StatusCode,
        duration: Duration,
    ) {
        let route = Route { method: Method(method), route };
        let request = Request { method: Method(method), route: route.route.clone(), status: class(status) };
        self.inner.requests.get_or_create(&request).inc();
        self.inner.request_seconds.get_or_create(&route).observe(duration.as_secs_f64());
    }

    pub(crate) fn rate_limited(&self, kind: &'static str) {
        self.inner.rate_limited.get_or_create(&Kind { kind }).inc();
    }

    pub(crate) fn connection(&self) -> Living {
        Living::new(&self.inner.connections)
    }

    pub(crate) fn connection_refused(&self) {
        self.inner.connections_refused.inc();
    }

    pub(crate) fn sse_reader(&self) -> Living {
        Living::new(&self.inner.sse_readers)
    }

    /// Streams of server-sent events that are open.
    pub(crate) fn sse_readers(&self) -> u64 {
        u64::try_from(self.inner.sse_readers.get()).unwrap_or_default()
    }

    /// Everything as text.
    pub(crate) fn render(&self, reading: &Reading, spending: &[ModelSpending], format: Format) -> String {
        let inner = &self.inner;
        set(&inner.active, reading.running);
        #[expect(clippy::cast_precision_loss, reason = "a queue is far shorter than 2^52")]
        inner.queued.set(reading.queued.map_or(f64::NAN, |queued| queued as f64));
        set(&inner.pending, reading.pending);
        inner.dead_letters.inner().store(reading.dead_letters, Ordering::Relaxed);
        for (outcome, count) in reading.attempts {
            inner.attempts.get_or_create(&Outcome { outcome }).inner().store(count, Ordering::Relaxed);
        }
        inner.spent.set(spending);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _infallible = encode(&mut text, &inner.registry);
        format.of(text)
    }
}

impl Inner {
    fn new() -> Self {
        let workflow_seconds = Family::new_with_constructor((|| Histogram::new(WORKFLOW_BUCKETS)) as fn() -> _);
        let request_seconds = Family::new_with_constructor((|| Histogram::new(REQUEST_BUCKETS)) as fn() -> _);
        let mut inner = Self {
            registry: Registry::default(),
            patterns: Mutex::default(),
            workflows: Family::default(),
            workflow_seconds,
            active: Gauge::default(),
            queued: Gauge::default(),
            requests: Family::default(),
            request_seconds,
            rate_limited: Family::default(),
            sse_readers: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            attempts: Family::default(),
            dead_letters: Counter::default(),
            pending: Gauge::default(),
            purged_workflows: Counter::default(),
            purged_blobs: Counter::default(),
            spent: Spent::default(),
        };
        for kind in ["reads", "writes", "refusals"] {
            // A counter that is there before it counts.
            let _zero = inner.rate_limited.get_or_create(&Kind { kind });
        }
        inner.register();
        inner
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("mcp_workflows", "Workflows this process has ended", self.workflows.clone());
        r.register(
            "mcp_workflow_duration_seconds",
            "From the submission of a workflow to its end",
            self.workflow_seconds.clone(),
        );
        r.register("mcp_active_workflows", "Workflows that run in this process", self.active.clone());
        r.register(
            "orchestrator_queued_workflows",
            "Workflows in the queue of the store, of all servers that share it; looked at every few seconds",
            self.queued.clone(),
        );
        r.register("orchestrator_http_requests", "Requests answered", self.requests.clone());
        r.register(
            "orchestrator_http_request_duration_seconds",
            "From the head of a request to the head of its answer",
            self.request_seconds.clone(),
        );
        r.register("orchestrator_http_rate_limited", "Requests refused because a client asked too often", {
            self.rate_limited.clone()
        });
        r.register("orchestrator_http_connections", "Connections that are open", self.connections.clone());
        r.register(
            "orchestrator_http_connections_refused",
            "Connections closed because their address held as many as it may",
            self.connections_refused.clone(),
        );
        r.register("orchestrator_sse_readers", "Event streams that are open", self.sse_readers.clone());
        r.register(
            "orchestrator_webhook_attempts",
            "Attempts to deliver webhooks since the process began, by outcome",
            self.attempts.clone(),
        );
        r.register(
            "orchestrator_webhook_dead_letters",
            "Webhook deliveries given up since the process began",
            self.dead_letters.clone(),
        );
        r.register("orchestrator_webhook_pending", "Webhook deliveries that wait", self.pending.clone());
        r.register(
            "orchestrator_purged_workflows",
            "Workflows this process has taken away because they are kept no longer",
            self.purged_workflows.clone(),
        );
        r.register(
            "orchestrator_purged_blobs",
            "Texts this process has taken away because no workflow needs them any more",
            self.purged_blobs.clone(),
        );
        self.spent.register(r);
    }
}

fn set(gauge: &Gauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
