//! The tools by their names: those of the server, and those that are registered for agents.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use mcp_orchestrator_api::{Api, Called, Caller, ToolKind, ToolSpec};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Operation, Table, workflows::started};
use crate::{
    answer::Json,
    extract::{Named, Object, Who},
    http::Shared,
    problem::Problem,
};

const TAG: &str = "tools";

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/v1/tools", TAG, "The tools of the server, then those that are registered")
            .answers::<ManifestsView>(StatusCode::OK, "Every tool that can be called by name"),
        list,
    );
    table.add(
        Operation::post("/v1/tools/{name}", TAG, "Call a tool with its arguments")
            .header("Idempotency-Key", "Of a tool that starts a workflow: makes the call repeatable.")
            .takes_object()
            .gives("application/json", "The tool's answer; its shape is `outputSchema` of the list")
            .fails([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY])
            .unhurried(),
        call,
    );
}

/// Tools for clients.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ManifestsView {
    /// The tools.
    pub(super) tools: Vec<Manifest>,
    /// How many.
    pub(super) count: usize,
}

/// A tool for clients.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// The name it is called by.
    name: String,
    /// The version of its interface.
    version: String,
    /// What it does and when to use it.
    description: String,
    /// JSON Schema of its arguments.
    input_schema: Value,
    /// JSON Schema of its answer, when it has a fixed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<Value>,
}

impl From<&ToolSpec> for Manifest {
    fn from(tool: &ToolSpec) -> Self {
        Self {
            name: tool.name.to_owned(),
            version: tool.version.to_owned(),
            description: tool.description.to_owned(),
            input_schema: Value::Object(tool.input_schema.clone()),
            output_schema: Some(Value::Object(tool.output_schema.clone())),
        }
    }
}

/// The server's own tools.
pub(super) fn own(api: &Api) -> Vec<Manifest> {
    api.tools().iter().map(Manifest::from).collect()
}

async fn list(State(shared): State<Shared>, Who(_caller): Who) -> Json<ManifestsView> {
    let mut tools = own(shared.api());
    tools.extend(shared.api().registered_tools(None, &[]).tools.into_iter().map(|tool| Manifest {
        name: tool.name,
        version: tool.version,
        description: tool.description,
        input_schema: tool.input_schema,
        output_schema: tool.output_schema,
    }));
    Json(ManifestsView { count: tools.len(), tools })
}

async fn call(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(name): Named<String>,
    headers: HeaderMap,
    Object(arguments): Object,
) -> Result<Response, Problem> {
    let own = shared.api().tools().iter().find(|tool| tool.name == name);
    if let Some(ToolKind::Start(kind)) = own.map(|tool| tool.kind) {
        return Ok(started(&shared, &caller, kind, &headers, arguments).await?.into_response());
    }
    if own.is_some() {
        return Ok(Json(called(&shared, &caller, &name, arguments).await?).into_response());
    }
    let arguments = json!({ "tool_name": name, "tool_arguments": arguments });
    let Value::Object(arguments) = arguments else { return Err(Problem::not_found("there is no such tool")) };
    let registered = shared.api().handle(&caller).tools();
    let is_known = registered.iter().any(|tool| tool.description().spec.name.as_str() == name);
    if !is_known {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Problem::not_found(format!("no tool is named {shown}")).with_hint("GET /v1/tools lists every tool"));
    }
    Ok(Json(called(&shared, &caller, "execute_registered_tool", arguments).await?).into_response())
}

/// How long a call may go on once the server closes: waits answer by themselves then, with how their workflow stands.
pub(super) const CLOSING: Duration = Duration::from_secs(1);

/// Calls one of the server's tools. A wait ends when the server closes.
pub(super) async fn called(
    shared: &Shared,
    caller: &Caller,
    name: &str,
    arguments: Map<String, Value>,
) -> Result<Called, Problem> {
    let closed = async {
        shared.drain().closed().await;
        tokio::time::sleep(CLOSING).await;
    };
    tokio::select! {
        biased;
        called = shared.api().call_tool(caller, name, arguments) => Ok(called?),
        () = closed => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down").with_code("draining"))
        }
    }
}
