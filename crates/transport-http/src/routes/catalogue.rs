//! What there is to choose from and to look at: patterns, providers, resources, statistics.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use mcp_orchestrator_api::{
    ApiError, Caller,
    view::{PatternsView, ProviderView, ProvidersView},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Operation, Table};
use crate::{
    answer::Json,
    extract::{Asked, Named, Who},
    http::Shared,
    problem::Problem,
};

const TAG: &str = "catalogue";

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/v1/patterns", TAG, "The patterns workflows follow")
            .answers::<PatternsView>(StatusCode::OK, "Every pattern requests may name"),
        patterns,
    );
    table.add(
        Operation::get("/v1/providers", TAG, "Who answers, the default one first")
            .query::<HealthQuery>()
            .answers::<ProvidersView>(StatusCode::OK, "Every provider requests may name"),
        providers,
    );
    table.add(
        Operation::get("/v1/providers/{name}", TAG, "One of those who answer, with the models it is known to have")
            .query::<HealthQuery>()
            .answers::<ProviderView>(StatusCode::OK, "The provider")
            .fails([StatusCode::NOT_FOUND]),
        provider,
    );
    table.add(
        Operation::get("/v1/resources", TAG, "List resources, or read one by its URI")
            .query::<ResourceQuery>()
            .gives("application/json", "`resources` and `count`; with `uri` the resource itself, in its own media type")
            .gives("text/markdown", "A report")
            .fails([StatusCode::NOT_FOUND]),
        resources,
    );
    table.add(
        Operation::get("/v1/stats", TAG, "Who watches, and what webhooks were told")
            .answers::<StatsView>(StatusCode::OK, "Numbers of this process"),
        stats,
    );
}

/// What else is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct HealthQuery {
    /// Whether each is there and takes its key. All of them are asked at once, which takes five seconds at most and costs
    /// nothing; what was found holds for five seconds.
    health: bool,
}

/// Which resource.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ResourceQuery {
    /// Its URI, for example `orchestrator://beltalowda/info`. Default: the list.
    uri: Option<String>,
}

/// Numbers of this process, of the caller's workflows.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatsView {
    /// Event streams.
    streaming: StreamingView,
    /// Webhooks.
    webhooks: WebhooksView,
}

/// Event streams.
#[derive(Debug, Serialize, JsonSchema)]
struct StreamingView {
    /// Streams of the caller's workflows that are open.
    active_streams: usize,
    /// Streams there may be: as many as connections.
    max_streams: usize,
    /// Null: a stream can begin and go on at any time, since it is read from the log.
    stream_ttl: Option<u64>,
    /// The workflows that are watched.
    task_ids: Vec<String>,
}

/// Webhooks since the process began.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhooksView {
    /// Endpoints there are.
    registered_webhooks: usize,
    /// Deliveries taken by their receivers.
    total_deliveries: u64,
    /// Deliveries given up.
    total_failures: u64,
    /// Deliveries by workflow.
    delivery_count_by_task: BTreeMap<String, u64>,
    /// Deliveries given up by workflow.
    failure_count_by_task: BTreeMap<String, u64>,
}

async fn patterns(State(shared): State<Shared>, Who(_caller): Who) -> Json<PatternsView> {
    Json(shared.api().patterns())
}

async fn providers(
    State(shared): State<Shared>,
    Who(_caller): Who,
    Asked(asked): Asked<HealthQuery>,
) -> Json<ProvidersView> {
    Json(shared.api().providers(asked.health).await)
}

async fn provider(
    State(shared): State<Shared>,
    Who(_caller): Who,
    Named(name): Named<String>,
    Asked(asked): Asked<HealthQuery>,
) -> Result<Json<ProviderView>, Problem> {
    Ok(Json(shared.api().provider(&name, asked.health).await?))
}

async fn resources(
    State(shared): State<Shared>,
    Who(caller): Who,
    Asked(asked): Asked<ResourceQuery>,
) -> Result<Response, Problem> {
    let Some(uri) = asked.uri else {
        return Ok(Json(shared.api().resources(&caller).await?).into_response());
    };
    let read = shared.api().read_resource(&caller, &uri).await?;
    let kind = HeaderValue::from_static(read.mime_type);
    Ok(([(header::CONTENT_TYPE, kind)], read.text).into_response())
}

async fn stats(State(shared): State<Shared>, Who(caller): Who) -> Result<Json<StatsView>, Problem> {
    Ok(Json(read_stats(&shared, &caller).await?))
}

/// The numbers, in the original's shape.
pub(super) async fn read_stats(shared: &Shared, caller: &Caller) -> Result<StatsView, Problem> {
    let (watched, active_streams) = shared.watched().of(&caller.principal);
    let told = shared.api().webhooks().stats(&caller.principal).await.map_err(ApiError::from)?;
    let by_task = |counts: BTreeMap<mcp_orchestrator_domain::WorkflowId, u64>| {
        counts.into_iter().map(|(id, count)| (id.to_string(), count)).collect()
    };
    Ok(StatsView {
        streaming: StreamingView {
            active_streams,
            max_streams: shared.settings().connections.total,
            stream_ttl: None,
            task_ids: watched.iter().map(ToString::to_string).collect(),
        },
        webhooks: WebhooksView {
            registered_webhooks: told.registered,
            total_deliveries: told.deliveries,
            total_failures: told.failures,
            delivery_count_by_task: by_task(told.deliveries_by_workflow),
            failure_count_by_task: by_task(told.failures_by_workflow),
        },
    })
}
