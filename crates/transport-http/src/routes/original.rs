//! The routes of the original server, without a version. Owns their shapes: `success` beside everything, the original's
//! words for states. What they do is what `/v1` does, and each says where it went.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mcp_orchestrator_api::{ApiError, Called, Caller, ResourcesView, ToolKind};
use mcp_orchestrator_domain::WorkflowId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Operation, Table,
    catalogue::{StatsView, read_stats},
    events::{follow, last_seen},
    tools::{ManifestsView, called, own},
    workflows::started,
};
use crate::{
    answer::Json,
    extract::{Asked, Named, Object, Who},
    http::Shared,
    problem::Problem,
    sse::Style,
};

const TAG: &str = "original";
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// The moment from which these routes are deprecated, as RFC 9745 writes it: this server's first version.
const SINCE: &str = "@1764201600";
/// Seconds of silence before a stream says `keepalive`, and how many a client may ask for.
const KEEPALIVE: u64 = 30;
const KEEPALIVE_MAX: u64 = 3_600;

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/tools", TAG, "The tools of the server")
            .answers::<ManifestsView>(StatusCode::OK, "Name, description, inputSchema")
            .replaced_by("/v1/tools"),
        tools,
    );
    table.add(
        Operation::post("/tools/{name}", TAG, "Call a tool of the server")
            .takes_object()
            .gives("application/json", "`success` and the tool's answer")
            .fails([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY])
            .unhurried()
            .replaced_by("/v1/tools/{name}"),
        call,
    );
    table.add(
        Operation::get("/tools/{name}", TAG, "Call one of the two tools that list")
            .gives("application/json", "`success` and the tool's answer")
            .fails([StatusCode::METHOD_NOT_ALLOWED])
            .replaced_by("/v1/tools/{name}"),
        call_without_body,
    );
    table.add(
        Operation::get("/resources", TAG, "List resources")
            .answers::<ResourcesView>(StatusCode::OK, "The resources")
            .replaced_by("/v1/resources"),
        resources,
    );
    table.add(
        Operation::get("/stream/{task_id}", TAG, "Follow a workflow")
            .query::<StreamQuery>()
            .gives("text/event-stream", "Unnamed events")
            .fails([StatusCode::NOT_FOUND])
            .unhurried()
            .replaced_by("/v1/workflows/{id}/events"),
        stream,
    );
    table.add(
        Operation::post("/webhook/register", TAG, "Tell an address about a workflow, in place of the former one")
            .takes::<RegisterBody>()
            .gives("application/json", "`success`, `task_id`, `webhook_url`")
            .fails([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND])
            .replaced_by("/v1/webhooks"),
        register,
    );
    table.add(
        Operation::post("/webhook/unregister", TAG, "Tell nobody about a workflow any more")
            .takes::<UnregisterBody>()
            .gives("application/json", "`success`, `task_id`")
            .fails([StatusCode::BAD_REQUEST])
            .replaced_by("/v1/webhooks"),
        unregister,
    );
    table.add(
        Operation::get("/stats", TAG, "Who watches, and what webhooks were told")
            .answers::<StatsView>(StatusCode::OK, "Numbers of this process")
            .replaced_by("/v1/stats"),
        stats,
    );
}

/// Whether a path is one of the original server's, so that its errors say `success: false`.
pub(crate) fn owns(path: &str) -> bool {
    matches!(path, "/tools" | "/resources" | "/stats" | "/webhook/register" | "/webhook/unregister")
        || path.starts_with("/tools/")
        || path.starts_with("/stream/")
}

/// Says on every answer that the route is old and where it went.
pub(super) async fn mark(State(successor): State<&'static str>, request: Request, next: Next) -> Response {
    // The part of the new path that is filled in is the last part of the old one.
    let last = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let route = match successor.split_once('{') {
        Some((before, rest)) => format!("{before}{last}{}", rest.split_once('}').map_or("", |(_, after)| after)),
        None => successor.to_owned(),
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert(DEPRECATION, HeaderValue::from_static(SINCE));
    if let Ok(link) = HeaderValue::try_from(format!("<{route}>; rel=\"successor-version\"")) {
        response.headers_mut().append(header::LINK, link);
    }
    response
}

/// How a workflow is followed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct StreamQuery {
    /// Seconds of silence before a `keepalive` event, 1 to 3600; default 30.
    #[schemars(range(min = 1, max = 3600))]
    timeout: Option<u64>,
}

/// Whom to tell about a workflow.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it describes a body that is read member by member, for the original's own words")]
struct RegisterBody {
    /// The workflow.
    #[schemars(length(min = 1))]
    task_id: String,
    /// The address.
    #[schemars(length(min = 1))]
    webhook_url: String,
    /// What deliveries are signed with. Default: they are not.
    secret: Option<String>,
}

/// About which workflow nobody is told any more.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it describes a body that is read member by member, for the original's own words")]
struct UnregisterBody {
    /// The workflow.
    #[schemars(length(min = 1))]
    task_id: String,
}

async fn tools(State(shared): State<Shared>, Who(_caller): Who) -> Json<ManifestsView> {
    let tools = own(shared.api());
    Json(ManifestsView { count: tools.len(), tools })
}

async fn call(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(name): Named<String>,
    headers: HeaderMap,
    Object(arguments): Object,
) -> Result<Response, Problem> {
    let tool = shared.api().tools().iter().find(|tool| tool.name == name);
    let answer = match tool.map(|tool| tool.kind) {
        Some(ToolKind::Start(kind)) => {
            let view = started(&shared, &caller, kind, &headers, arguments).await?.0;
            let id = view.workflow.task_id.clone();
            let mut answer = object(&view)?;
            answer.insert("stream_url".to_owned(), Value::String(format!("/stream/{id}")));
            answer
        }
        _ => called(&shared, &caller, &name, arguments).await?,
    };
    Ok(Json(successful(answer)).into_response())
}

async fn call_without_body(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    if !matches!(name.as_str(), "list_orchestrator_patterns" | "list_registered_tools") {
        let mut response = Problem::of(StatusCode::METHOD_NOT_ALLOWED).into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    Ok(Json(successful(called(&shared, &caller, &name, Map::new()).await?)).into_response())
}

async fn resources(State(shared): State<Shared>, Who(caller): Who) -> Result<Json<ResourcesView>, Problem> {
    Ok(Json(shared.api().resources(&caller).await?))
}

async fn stream(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Asked(asked): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seconds = asked.timeout.unwrap_or(KEEPALIVE);
    if !(1..=KEEPALIVE_MAX).contains(&seconds) {
        let detail = format!("is {seconds}, expected 1 to {KEEPALIVE_MAX} seconds");
        return Err(ApiError::field("timeout", detail).into());
    }
    let after = last_seen(&headers, None)?;
    follow(&shared, &caller, &id, after, false, Style::Plain, Duration::from_secs(seconds)).await
}

async fn register(State(shared): State<Shared>, Who(caller): Who, body: Object) -> Result<Json<Called>, Problem> {
    let Object(body) = body;
    let (Some(id), Some(url)) = (text(&body, "task_id"), text(&body, "webhook_url")) else {
        return Err(missing("Missing task_id or webhook_url"));
    };
    let workflow = workflow(&shared, &caller, id).await?;
    let secret = text(&body, "secret");
    let webhooks = shared.api().webhooks();
    let registered = webhooks.register_original(&caller.principal, &workflow, url, secret).await;
    registered.map_err(|error| renamed(ApiError::from(error)))?;
    let told = [("task_id", Value::from(id)), ("webhook_url", Value::from(url))];
    Ok(Json(successful(told.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())))
}

async fn unregister(State(shared): State<Shared>, Who(caller): Who, body: Object) -> Result<Json<Called>, Problem> {
    let Object(body) = body;
    let Some(id) = text(&body, "task_id") else { return Err(missing("Missing task_id")) };
    if let Ok(workflow) = id.parse::<WorkflowId>() {
        let webhooks = shared.api().webhooks();
        webhooks.unregister_original(&caller.principal, &workflow).await.map_err(ApiError::from)?;
    }
    Ok(Json(successful(Map::from_iter([("task_id".to_owned(), Value::from(id))]))))
}

async fn stats(State(shared): State<Shared>, Who(caller): Who) -> Result<Json<StatsView>, Problem> {
    Ok(Json(read_stats(&shared, &caller).await?))
}

/// An answer with `success`, and states in the original's words.
fn successful(mut answer: Called) -> Called {
    answer.insert("success".to_owned(), Value::Bool(true));
    let status = match answer.get("status").and_then(Value::as_str) {
        Some("queued") => "pending",
        Some("waiting") => "running",
        _ => return answer,
    };
    answer.insert("status".to_owned(), Value::from(status));
    answer
}

fn object(view: &impl serde::Serialize) -> Result<Called, Problem> {
    match serde_json::to_value(view) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(Problem::of(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn missing(words: &'static str) -> Problem {
    Problem::bad_request(words).with_code("invalid_request")
}

async fn workflow(shared: &Shared, caller: &Caller, id: &str) -> Result<WorkflowId, Problem> {
    let view = shared.api().workflow(caller, id).await?;
    view.task_id.parse().map_err(|_| Problem::not_found("there is no such workflow"))
}

/// The field of an address as this route calls it.
fn renamed(mut error: ApiError) -> Problem {
    for field in error.errors.iter_mut().filter(|field| field.pointer == "/url") {
        field.pointer = "/webhook_url".to_owned();
    }
    error.into()
}
