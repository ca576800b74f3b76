//! The original server's requests, replayed. Where an answer differs on purpose, the row says why.

use mcp_orchestrator_transport_http::Settings;
use serde_json::{Value, json};

use crate::{
    client::{Events, ask},
    setting::{held_site, site},
};

/// A request of the original, what it gets here, and why that differs where it does.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    /// Fields the answer has.
    has: &'static [&'static str],
    /// Why the answer is another one than the original's.
    differs: Option<&'static str>,
}

const TASK: &str = "When is high water in the harbour?";

fn row(
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    has: &'static [&'static str],
) -> Row {
    Row { method, path, body, status, has, differs: None }
}

impl Row {
    const fn because(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self
    }
}

const REAL_STATUS: &str = "errors have real statuses; the original answered 200 with success false, or 500";
const STARTED: &[&str] = &["success", "task_id", "status", "stream_url", "orchestrator_type", "config"];

fn rows() -> Vec<Row> {
    vec![
        row("GET", "/", None, 200, &["name", "version", "description", "endpoints", "orchestrators"])
            .because("no author is named, and the endpoints are those of this server"),
        row("GET", "/health", None, 200, &["status", "active_streams", "timestamp"]),
        row("GET", "/tools", None, 200, &["tools", "count"]),
        row("GET", "/resources", None, 200, &["resources", "count"]),
        row("GET", "/tools/list_orchestrator_patterns", None, 200, &["success", "patterns"]),
        row("GET", "/tools/list_registered_tools", None, 200, &["success", "tools", "count"]),
        row("POST", "/tools/list_orchestrator_patterns", Some(json!({})), 200, &["success", "patterns"]),
        row(
            "POST",
            "/tools/list_registered_tools",
            Some(json!({ "category": "x", "tags": ["y"] })),
            200,
            &["success", "tools", "count"],
        ),
        row("POST", "/tools/orchestrate_research", Some(json!({ "task": TASK })), 200, STARTED),
        row(
            "POST",
            "/tools/orchestrate_research",
            Some(json!({
                "task": TASK, "title": "Tides", "num_agents": 3, "enable_drummer": true, "enable_camina": false,
                "generate_documents": true, "document_formats": ["markdown"], "provider_name": "scripted", "model": "m",
            })),
            200,
            STARTED,
        ),
        row(
            "POST",
            "/tools/orchestrate_search",
            Some(json!({ "query": TASK, "allowed_agent_types": ["news"] })),
            200,
            STARTED,
        ),
        row("POST", "/tools/orchestrate_research", Some(json!({ "task": TASK, "title": null })), 200, STARTED),
        row("POST", "/tools/orchestrate_research", Some(json!({})), 422, &["success", "error"]).because(REAL_STATUS),
        row(
            "POST",
            "/tools/orchestrate_research",
            Some(json!({ "task": TASK, "num_agents": "8" })),
            422,
            &["success", "error"],
        )
        .because(REAL_STATUS),
        row(
            "POST",
            "/tools/orchestrate_research",
            Some(json!({ "task": TASK, "num_agents": 100_000 })),
            422,
            &["success", "error"],
        )
        .because("the number of agents has a bound; the original took any"),
        row(
            "POST",
            "/tools/orchestrate_research",
            Some(json!({ "task": TASK, "document_formats": ["pdf", "docx"] })),
            422,
            &["success", "error"],
        )
        .because("pdf and docx are refused by name until they are written; the original dropped their errors"),
        row(
            "POST",
            "/tools/orchestrate_search",
            Some(json!({ "query": TASK, "allowed_agent_types": ["psychic"] })),
            422,
            &["success", "error"],
        )
        .because("unknown types are refused; the original took any name"),
        row(
            "POST",
            "/tools/orchestrate_research",
            Some(json!({ "task": TASK, "provider_name": "nobody" })),
            422,
            &["success", "error"],
        )
        .because(REAL_STATUS),
        row("POST", "/tools/get_orchestration_status", Some(json!({})), 422, &["success", "error"])
            .because(REAL_STATUS),
        row(
            "POST",
            "/tools/get_orchestration_status",
            Some(json!({ "task_id": "research_000000000000" })),
            404,
            &["success", "error"],
        )
        .because(REAL_STATUS),
        row(
            "POST",
            "/tools/cancel_orchestration",
            Some(json!({ "task_id": "research_000000000000" })),
            404,
            &["success", "error"],
        )
        .because("an unknown workflow is 404; the original said success with cancelled false"),
        row(
            "POST",
            "/tools/execute_registered_tool",
            Some(json!({ "tool_name": "nothing" })),
            422,
            &["success", "error"],
        )
        .because(REAL_STATUS),
        row("POST", "/tools/no_such_tool", Some(json!({})), 404, &["success", "error"])
            .because("the body is a problem document with success false; the original listed its endpoints"),
        row("GET", "/tools/orchestrate_research", None, 405, &["success", "error"])
            .because("405 is a problem document; it was a page"),
        row("GET", "/stream/research_000000000000", None, 404, &["success", "error"])
            .because("an unknown workflow is 404; the original began a stream that never ended, or failed with 500"),
        row("POST", "/webhook/register", Some(json!({})), 400, &["success", "error"]),
        row("POST", "/webhook/register", Some(json!({ "task_id": "x" })), 400, &["success", "error"]),
        row(
            "POST",
            "/webhook/register",
            Some(json!({ "task_id": "research_000000000000", "webhook_url": "https://hooks.example/" })),
            404,
            &["success", "error"],
        )
        .because("the workflow must exist; the original did not look"),
        row("POST", "/webhook/unregister", Some(json!({})), 400, &["success", "error"]),
        row("GET", "/stats", None, 200, &["streaming", "webhooks"]),
        row("GET", "/nowhere", None, 404, &["detail"])
            .because("a path that was never the original's is a plain problem document"),
    ]
}

#[tokio::test]
async fn every_request_of_the_original_is_answered() {
    let site = site().await;
    for row in rows() {
        let headers: &[(&str, &str)] = if row.body.is_some() { &[("Content-Type", "application/json")] } else { &[] };
        let body = row.body.as_ref().map(Value::to_string).unwrap_or_default();
        let answer = ask(site.address, row.method, row.path, headers, body.as_bytes()).await;
        let shown = format!("{} {} {body}: {}", row.method, row.path, answer.text());
        assert_eq!(answer.status, row.status, "{shown}");
        let json = answer.json();
        for field in row.has {
            assert!(json.get(field).is_some(), "{field} in {shown}");
        }
        if row.has.contains(&"success") {
            assert_eq!(json["success"], answer.status < 400, "{shown}");
        }
        assert!(row.status < 400 || row.has.contains(&"detail") || json["error"] == json["detail"], "{shown}");
        assert!(row.status == 200 || row.status == 400 || row.differs.is_some(), "a reason for {shown}");
    }
    site.stop().await;
}

#[tokio::test]
async fn malformed_bodies_are_the_clients_fault() {
    let site = site().await;
    // The original answered 500 to both.
    let path = "/tools/orchestrate_research";
    let problem = ask(site.address, "POST", path, &[("Content-Type", "application/json")], b"{").await.problem(400);
    assert_eq!(problem["success"], false);
    let problem = ask(site.address, "POST", path, &[("Content-Type", "text/plain")], b"{}").await.problem(415);
    assert_eq!(problem["error"], problem["detail"]);
    site.stop().await;
}

#[tokio::test]
async fn old_routes_say_where_they_went() {
    let site = site().await;
    for (path, successor) in [
        ("/tools", "</v1/tools>"),
        ("/tools/list_registered_tools", "</v1/tools/list_registered_tools>"),
        ("/resources", "</v1/resources>"),
    ] {
        let answer = site.get(path).await;
        assert!(answer.header("deprecation").unwrap().starts_with('@'), "{path}");
        assert_eq!(answer.header("link"), Some(&*format!("{successor}; rel=\"successor-version\"")));
    }
    let id = site.completed().await;
    let head = Events::open(site.address, &format!("/stream/{id}"), &[]).await.head;
    assert!(head.contains(&format!("link: </v1/workflows/{id}/events>")), "{head}");
    assert_eq!(site.get("/v1/tools").await.header("deprecation"), None);
    site.stop().await;
}

#[tokio::test]
async fn a_workflow_of_the_original_runs_to_its_end() {
    let site = site().await;
    let started = site.post("/tools/orchestrate_research", &json!({ "task": TASK, "num_agents": 2 })).await.json();
    let id = started["task_id"].as_str().unwrap();
    assert!(id.starts_with("research_"));
    assert_eq!(started["stream_url"], format!("/stream/{id}"));
    assert_eq!(started["orchestrator_type"], "beltalowda");
    let events = Events::open(site.address, &format!("/stream/{id}"), &[]).await.rest().await;
    assert!(events.iter().all(|event| event.name.is_none()), "the original's clients listen to unnamed events");
    let kinds: Vec<_> = events.iter().map(|event| event.data["event_type"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"workflow_start"), Some(&"stream_closed")));
    let status = site.post("/tools/get_orchestration_status", &json!({ "task_id": id })).await.json();
    assert_eq!((&status["success"], &status["status"]), (&json!(true), &json!("completed")));
    for field in
        ["execution_time", "total_cost", "agent_count", "synthesis_count", "has_final_synthesis", "documents_generated"]
    {
        assert!(status["result"].get(field).is_some(), "{field}: {status}");
    }
    let cancelled = site.post("/tools/cancel_orchestration", &json!({ "task_id": id })).await.json();
    assert_eq!((&cancelled["success"], &cancelled["cancelled"]), (&json!(true), &json!(false)));
    site.stop().await;
}

#[tokio::test]
async fn states_have_the_originals_names_and_silence_its_event() {
    let site = held_site(Settings::default()).await;
    let started = site.post("/tools/orchestrate_search", &json!({ "query": TASK })).await.json();
    assert!(["pending", "running"].contains(&started["status"].as_str().unwrap()), "{started}");
    let id = started["task_id"].as_str().unwrap();
    assert!(id.starts_with("search_"));
    let cancelled = site.post("/tools/cancel_orchestration", &json!({ "task_id": id })).await.json();
    assert_eq!(cancelled["cancelled"], true);
    let events = Events::open(site.address, &format!("/stream/{id}?timeout=1"), &[]).await.rest().await;
    assert_eq!(events.last().unwrap().data["event_type"], "stream_closed");
    site.get(&format!("/stream/{id}?timeout=0")).await.problem(422);
    site.stop().await;
}
