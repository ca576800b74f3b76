//! Whether the server lives, is ready, and how it fares. Never limited and never cached.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcp_orchestrator::store::StoreInfo;
use mcp_orchestrator_api::Caller;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Operation, Table};
use crate::{
    answer::Json,
    http::Shared,
    metrics::{Format, Reading},
    problem::Problem,
};

const TAG: &str = "health";
/// How long the store may take to say that it is there.
const STORE_DEADLINE: Duration = Duration::from_secs(2);

pub(super) fn add(table: &mut Table) {
    table.add(Operation::get("/livez", TAG, "Whether the process answers").gives("text/plain", "It does"), livez);
    table.add(
        Operation::get("/readyz", TAG, "Whether work can be sent here")
            .gives("text/plain", "The store is reachable and the server does not drain")
            .fails([StatusCode::SERVICE_UNAVAILABLE]),
        readyz,
    );
    table.add(
        Operation::get("/health", TAG, "How the server fares")
            .answers::<HealthView>(StatusCode::OK, "Version, store, what runs")
            .fails([StatusCode::SERVICE_UNAVAILABLE]),
        health,
    );
    table.add(
        Operation::get("/metrics", TAG, "Counters for Prometheus")
            .gives("text/plain", "Text 0.0.4; OpenMetrics for who accepts it"),
        metrics,
    );
}

/// Whether a path is never limited.
pub(crate) fn is_exempt(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/health" | "/metrics")
}

/// Whether a path is answered whoever asks: probes have no credentials. Counters are not, they tell more.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/health")
}

/// How the server fares.
#[derive(Debug, Serialize, JsonSchema)]
struct HealthView {
    /// `ok` or `draining`.
    status: &'static str,
    /// Always `mcp-orchestrator`.
    service: &'static str,
    /// The version of the server.
    version: &'static str,
    /// Now: UTC, RFC 3339.
    timestamp: String,
    /// Seconds since the server was put together.
    uptime_seconds: u64,
    /// Event streams that are open.
    active_streams: u64,
    /// Workflows that run in this process.
    running_workflows: u64,
    /// The store.
    store: StoreView,
}

/// The store.
#[derive(Debug, Serialize, JsonSchema)]
struct StoreView {
    /// For example `sqlite`.
    kind: String,
    /// The version of the engine behind it.
    version: String,
    /// What a 2xx answer means, in words.
    durability: String,
    /// Workflows in it.
    workflows: u64,
    /// Of these, those in the queue.
    queued: u64,
    /// Bytes it takes.
    bytes: u64,
    /// What an operator should know.
    warnings: Vec<String>,
}

async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(shared): State<Shared>) -> Result<&'static str, Problem> {
    if shared.drain().has_begun() {
        return Err(draining());
    }
    store(&shared).await?;
    Ok("ready\n")
}

async fn health(State(shared): State<Shared>) -> Result<Json<HealthView>, Problem> {
    let info = store(&shared).await?;
    Ok(Json(HealthView {
        status: if shared.drain().has_begun() { "draining" } else { "ok" },
        service: "mcp-orchestrator",
        version: env!("CARGO_PKG_VERSION"),
        timestamp: format!("{:.3}", jiff::Timestamp::now()),
        uptime_seconds: shared.started().elapsed().as_secs(),
        active_streams: shared.metrics().sse_readers(),
        running_workflows: shared.running(),
        store: StoreView {
            kind: info.kind.to_owned(),
            version: info.version,
            durability: info.durability.to_owned(),
            workflows: info.workflows,
            queued: info.queued,
            bytes: info.bytes,
            warnings: info.warnings,
        },
    }))
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let counts = shared.api().webhooks().counts();
    let attempts = counts.attempts;
    let look = async { store(&shared).await.ok().map(|info| info.queued) };
    let reading = Reading {
        running: shared.running(),
        queued: shared.queue_length().sampled(look).await,
        attempts: [
            ("delivered", attempts.delivered),
            ("redirected", attempts.redirected),
            ("rejected", attempts.rejected),
            ("failed", attempts.failed),
            ("timed_out", attempts.timed_out),
            ("unreachable", attempts.unreachable),
            ("refused", attempts.refused),
        ],
        dead_letters: counts.dead_letters,
        pending: counts.pending,
    };
    let format = Format::asked_for(&headers);
    let text = shared.metrics().render(&reading, &shared.spending(), format);
    ([(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()))], text).into_response()
}

async fn store(shared: &Shared) -> Result<StoreInfo, Problem> {
    let handle = shared.api().handle(&Caller::local());
    match tokio::time::timeout(STORE_DEADLINE, handle.store_info()).await {
        Ok(Ok(info)) => Ok(info),
        Ok(Err(error)) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the store fails: {error}"))),
        Err(_elapsed) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")),
    }
}

fn draining() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down").with_code("draining")
}
