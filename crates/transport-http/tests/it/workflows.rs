//! Workflows over `/v1`.

use mcp_orchestrator_transport_http::Settings;
use serde_json::json;

use crate::setting::{held_site, research, site};

#[tokio::test]
async fn a_workflow_is_started_watched_to_its_end_and_read() {
    let site = site().await;
    let answer = site.post("/v1/workflows", &research()).await;
    assert_eq!(answer.status, 202);
    let started = answer.json();
    let id = started["task_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(&*format!("/v1/workflows/{id}")));
    assert_eq!(answer.header("idempotency-replayed"), None);
    site.handle.settled(&id.parse().unwrap()).await.unwrap();
    let status = site.get(&format!("/v1/workflows/{id}")).await.json();
    assert_eq!((&status["status"], &status["progress"]["stage"]), (&json!("completed"), &json!("done")));
    let results = site.get(&format!("/v1/workflows/{id}/results")).await.json();
    assert!(results["final_synthesis"].as_str().is_some_and(|report| !report.is_empty()));
    site.stop().await;
}

#[tokio::test]
async fn a_start_may_wait_for_the_end() {
    let site = site().await;
    let mut body = research();
    body["wait_seconds"] = json!(60);
    let answer = site.post("/v1/workflows", &body).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("completed")));
    site.stop().await;
}

#[tokio::test]
async fn the_same_key_is_the_same_workflow_and_never_another_request() {
    let site = held_site(Settings::default()).await;
    let key = [("Idempotency-Key", "\"once\"")];
    let first = site.post_with("/v1/workflows", &research(), &key).await;
    let again = site.post_with("/v1/workflows", &research(), &[("Idempotency-Key", "once")]).await;
    assert_eq!(again.status, 202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.json()["task_id"], again.json()["task_id"]);
    let mut other = research();
    other["num_agents"] = json!(3);
    assert_eq!(site.post_with("/v1/workflows", &other, &key).await.problem(422)["code"], "idempotency_mismatch");
    let mut both = research();
    both["idempotency_key"] = json!("another");
    site.post_with("/v1/workflows", &both, &key).await.problem(422);
    assert_eq!(site.get("/v1/workflows").await.json()["workflows"].as_array().unwrap().len(), 1);
    site.stop().await;
}

#[tokio::test]
async fn workflows_are_listed_page_by_page() {
    let site = held_site(Settings::default()).await;
    let mut started = Vec::new();
    for _ in 0..5 {
        started.push(site.started().await);
    }
    started.sort_unstable();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/v1/workflows?limit=2{cursor}")).await.json();
        let ids = page["workflows"].as_array().unwrap().iter();
        seen.extend(ids.map(|workflow| workflow["task_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, started);
    let none = site.get("/v1/workflows?status=completed&pattern=swarm").await.json();
    assert_eq!(none["workflows"].as_array().unwrap().len(), 0);
    site.stop().await;
}

#[tokio::test]
async fn a_cancelled_workflow_stays_cancelled_and_can_be_forked() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let path = |what: &str| format!("/v1/workflows/{id}/{what}");
    site.post(&path("fork"), &json!({})).await.problem(409);
    site.post(&path("cancel"), &json!({ "raeson": "x" })).await.problem(422);
    let answer = site.post(&path("cancel"), &json!({ "reason": "changed my mind" })).await;
    assert_eq!((answer.status, &answer.json()["cancelled"]), (200, &json!(true)));
    let again = site.post(&path("cancel"), &json!({})).await;
    assert_eq!((again.status, &again.json()["cancelled"]), (200, &json!(false)));
    let forked = site.post(&path("fork"), &json!({})).await;
    assert_eq!(forked.status, 202);
    let next = forked.json()["task_id"].as_str().unwrap().to_owned();
    assert_ne!(next, id);
    assert_eq!(forked.header("location"), Some(&*format!("/v1/workflows/{next}")));
    site.post(&path("answer"), &json!({ "answer": "yes" })).await.problem(409);
    site.post(&path("answer"), &json!({})).await.problem(422);
    site.stop().await;
}

#[tokio::test]
async fn a_completed_workflow_cannot_be_cancelled() {
    let site = site().await;
    let id = site.completed().await;
    let problem = site.post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("completed"));
    site.stop().await;
}

#[tokio::test]
async fn documents_are_downloaded_once_and_then_only_asked_about() {
    let site = site().await;
    let id = site.completed().await;
    let files = site.get(&format!("/v1/workflows/{id}/documents")).await.json();
    let file = &files["documents"][0];
    let url = file["url"].as_str().unwrap();
    let answer = site.get(url).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.len() as u64, file["size_bytes"].as_u64().unwrap());
    assert_eq!(answer.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename*=UTF-8''"));
    let again = site.get_with(url, &[("If-None-Match", answer.header("etag").unwrap())]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    site.get(&format!("/v1/workflows/{id}/documents/..%2Fsecret")).await.problem(404);
    site.stop().await;
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let site = site().await;
    let id = site.completed().await;
    let (mut after, mut count) = (0, 0);
    loop {
        let page = site.get(&format!("/v1/workflows/{id}/log?after={after}&limit=7")).await.json();
        let records = page["records"].as_array().unwrap();
        count += records.len() as u64;
        if records.is_empty() {
            assert_eq!(page["head"], count);
            break;
        }
        after = page["next_after"].as_u64().unwrap();
    }
    assert!(count > 10);
    site.stop().await;
}

#[tokio::test]
async fn the_catalogue_is_there() {
    let site = site().await;
    let patterns = site.get("/v1/patterns").await.json();
    assert!(patterns["patterns"].as_array().unwrap().iter().any(|pattern| pattern["name"] == "swarm"));
    assert_eq!(site.get("/v1/providers").await.json()["providers"][0]["name"], "scripted");
    let one = site.get("/v1/providers/scripted?health=true").await.json();
    assert_eq!((&one["health"]["status"], &one["models"]), (&json!("up"), &json!([])), "{one}");
    assert!(site.get("/v1/providers/scripted").await.json().get("health").is_none(), "nobody is asked unasked");
    assert_eq!(site.get("/v1/providers?health=true").await.json()["providers"][0]["health"]["status"], "up");
    site.get("/v1/providers/nobody").await.problem(404);
    site.get("/v1/providers?health=perhaps").await.problem(422);
    let read = site.get("/v1/resources?uri=orchestrator://beltalowda/info").await.json();
    assert_eq!(read["name"], "beltalowda");
    site.get("/v1/resources?uri=orchestrator://nobody/info").await.problem(404);
    let tools = site.get("/v1/tools").await.json();
    assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "orchestrate_research"));
    assert_eq!(site.get("/").await.json()["name"], "MCP Orchestrator Server");
    site.stop().await;
}

#[tokio::test]
async fn tools_are_called_by_name() {
    let site = site().await;
    let body = json!({ "task": "When is high water in the harbour?", "num_agents": 2 });
    let answer = site.post("/v1/tools/orchestrate_research", &body).await;
    assert_eq!(answer.status, 202);
    let id = answer.json()["task_id"].as_str().unwrap().to_owned();
    site.handle.settled(&id.parse().unwrap()).await.unwrap();
    let status = site.post("/v1/tools/get_orchestration_status", &json!({ "task_id": id })).await;
    assert_eq!(status.json()["status"], "completed");
    site.post("/v1/tools/no_such_tool", &json!({})).await.problem(404);
    site.post("/v1/tools/get_orchestration_status", &json!({})).await.problem(422);
    site.stop().await;
}

#[tokio::test]
async fn the_request_that_started_a_workflow_is_in_its_log() {
    let site = site().await;
    let started = site.post_with("/v1/workflows", &research(), &[("X-Request-ID", "trace-1")]).await;
    assert_eq!(started.header("x-request-id"), Some("trace-1"));
    let id = started.json()["task_id"].as_str().unwrap().to_owned();
    let log = site.get(&format!("/v1/workflows/{id}/log?limit=1")).await.text();
    assert!(log.contains("\"trace-1\""), "{log}");
    site.stop().await;
}

#[tokio::test]
async fn a_route_that_takes_no_fields_refuses_them() {
    let site = site().await;
    let id = site.completed().await;
    let refused = site.post(&format!("/v1/workflows/{id}/fork"), &json!({ "max_calls": 3 })).await.problem(422);
    assert_eq!(refused["errors"][0]["pointer"], "/max_calls", "{refused}");
    site.post(&format!("/v1/workflows/{id}/fork"), &json!({})).await.problem(409);
    site.stop().await;
}
