//! One request id from the client through the log to the model.

use mcp_orchestrator_testkit::ModelServer;
use serde_json::json;

use crate::{client::Client, process::Home};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_id_links_the_log_and_the_calls_of_the_model() {
    let model = ModelServer::start();
    let home = Home::with_model(model.base_url());
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let body = json!({ "pattern": "search", "task": "How does a workflow survive a crash?", "num_agents": 1 });
    let (status, started) = client.post_as("/v1/workflows", &body, "trace-me-7").await;
    assert_eq!(status, 202, "{started}");
    let id = started["task_id"].as_str().unwrap();
    assert_eq!(client.ended(id).await["status"], "completed");
    let seen = model.seen();
    assert!(!seen.is_empty());
    let ids: Vec<_> = seen.iter().map(|request| request.request_id.as_deref()).collect();
    assert!(ids.iter().all(|id| *id == Some("trace-me-7")), "{ids:?}");
    let log = server.log();
    let linked: Vec<&str> = log.lines().filter(|line| line.contains("trace-me-7")).collect();
    assert!(linked.iter().any(|line| line.contains("/v1/workflows")), "{log}");
    assert!(linked.iter().any(|line| line.contains(id) && !line.contains("/v1/workflows")), "{log}");
}
