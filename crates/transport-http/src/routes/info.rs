//! What the server is: its name and routes, and the OpenAPI document.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use super::{Operation, Table};
use crate::{
    answer::{Json, cached},
    http::Shared,
};

const TAG: &str = "server";

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/", TAG, "What this server is").answers::<InfoView>(StatusCode::OK, "Name, version, routes"),
        info,
    );
    table.add(
        Operation::get("/openapi.json", TAG, "Every route as an OpenAPI 3.1 document")
            .gives("application/json", "The document"),
        openapi,
    );
}

/// What this server is.
#[derive(Debug, Serialize, JsonSchema)]
struct InfoView {
    /// Always `MCP Orchestrator Server`.
    name: &'static str,
    /// The version of the server.
    version: &'static str,
    /// What it does.
    description: &'static str,
    /// The versions of the interface.
    api_versions: Vec<&'static str>,
    /// Where to begin, by purpose.
    endpoints: BTreeMap<&'static str, &'static str>,
    /// The patterns workflows follow.
    orchestrators: Vec<String>,
}

async fn info(State(shared): State<Shared>) -> Json<InfoView> {
    Json(InfoView {
        name: "MCP Orchestrator Server",
        version: env!("CARGO_PKG_VERSION"),
        description: "Workflows of several agents: start them, watch them, read what came of them.",
        api_versions: vec!["v1"],
        endpoints: BTreeMap::from([
            ("workflows", "/v1/workflows"),
            ("events", "/v1/events?workflow={id}"),
            ("tools", "/v1/tools"),
            ("resources", "/v1/resources"),
            ("webhooks", "/v1/webhooks"),
            ("stats", "/v1/stats"),
            ("health", "/health"),
            ("metrics", "/metrics"),
            ("openapi", "/openapi.json"),
            ("docs", "/docs"),
            ("mcp", "/mcp"),
        ]),
        orchestrators: shared.api().patterns().patterns.into_iter().map(|pattern| pattern.name).collect(),
    })
}

async fn openapi(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    cached(shared.document(), "application/json", "no-cache", &headers)
}
