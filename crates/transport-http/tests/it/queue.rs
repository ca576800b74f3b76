//! What waits: a queue with a bound, and workflows that nobody runs until somebody says so.

use std::sync::Arc;

use mcp_orchestrator::{Builder, MemoryStore, WorkerMode};
use mcp_orchestrator_testkit::{ScriptedProvider, store_suite};
use mcp_orchestrator_transport_http::Settings;
use serde_json::json;

use crate::setting::{Site, research, start_engine};

/// A server that runs nothing and lets so many wait.
async fn crowded(queue_max: u64) -> Site {
    let engine = |builder: Builder| builder.with_worker_mode(WorkerMode::None).with_queue_max(queue_max);
    start_engine(Arc::new(MemoryStore::new()), Settings::default(), ScriptedProvider::obliging(2), engine, |http| http)
        .await
}

#[tokio::test]
async fn a_full_queue_is_told_with_when_to_come_again_and_repeats_are_answered() {
    let site = crowded(2).await;
    let key = [("Idempotency-Key", "the first")];
    let first = site.post_with("/v1/workflows", &research(), &key).await;
    assert_eq!(first.status, 202);
    site.started().await;
    let refused = site.post("/v1/workflows", &research()).await;
    let problem = refused.problem(429);
    assert_eq!(problem["code"], "queue_full");
    assert_eq!(problem["detail"], "the queue is full: 2 workflows wait, 2 may");
    assert_eq!(refused.header("retry-after"), Some("10"));
    // Nothing of the refused one is there, and what was accepted is.
    assert_eq!(site.get("/v1/workflows").await.json()["workflows"].as_array().map(Vec::len), Some(2));
    let again = site.post_with("/v1/workflows", &research(), &key).await;
    assert_eq!((again.status, again.json()["task_id"].clone()), (202, first.json()["task_id"].clone()));
    let fresh = site.post_with("/v1/workflows", &research(), &[("Idempotency-Key", "another")]).await;
    assert_eq!(fresh.problem(429)["code"], "queue_full");

    // One less waits: there is room, also for the key that was refused.
    let id = first.json()["task_id"].as_str().unwrap().to_owned();
    assert_eq!(site.post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await.status, 200);
    let fresh = site.post_with("/v1/workflows", &research(), &[("Idempotency-Key", "another")]).await;
    assert_eq!(fresh.status, 202);
    site.stop().await;
}

#[tokio::test]
async fn the_original_routes_say_that_the_queue_is_full_too() {
    let site = crowded(0).await;
    let refused = site.post("/tools/orchestrate_research", &json!({ "query": "When is high water?" })).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.json()["success"], false);
    assert_eq!(refused.json()["code"], "queue_full");
    site.stop().await;
}

#[tokio::test]
async fn what_waits_is_a_metric() {
    let site = crowded(10).await;
    site.started().await;
    site.started().await;
    let text = site.get("/metrics").await.text();
    assert!(text.lines().any(|line| line == "orchestrator_queued_workflows 2.0"), "{text}");
    assert_eq!(site.get("/health").await.json()["store"]["queued"], 2);
    site.stop().await;
}

#[tokio::test]
async fn a_workflow_that_is_held_back_says_so_and_is_resumed() {
    let dial = store_suite::Dial::new();
    let store = Arc::new(MemoryStore::with_now(dial.clock()));
    let desk = start_engine(
        store.clone(),
        Settings::default(),
        ScriptedProvider::obliging(2),
        |builder| builder.with_worker_mode(WorkerMode::None),
        |http| http,
    )
    .await;
    let id = desk.started().await;
    let wrong = desk.post("/v1/workflows/research_0123456789abcdef/resume", &json!({})).await;
    assert_eq!(wrong.problem(404)["code"], "not_found");
    for _ in 0..5 {
        store_suite::claim_which(&*store, "doomed", mcp_orchestrator::store::Which::Only(&[id.parse().unwrap()]), 1)
            .await;
        dial.turn(store_suite::TTL * 2);
    }
    let site = start_engine(store, Settings::default(), ScriptedProvider::obliging(2), |builder| builder, |http| http);
    let site = site.await;
    let path = format!("/v1/workflows/{id}");
    let view = loop {
        let view = site.get(&path).await.json();
        if view["status"] != "queued" {
            break view;
        }
    };
    assert_eq!((&view["status"], &view["waiting"]["reason"]), (&json!("waiting"), &json!("poison")));
    assert!(view["waiting"]["detail"].as_str().is_some_and(|detail| detail.contains("5 workers in a row")), "{view}");
    let list = site.get("/v1/workflows?status=waiting").await.json();
    assert_eq!(list["workflows"][0]["waiting"]["reason"], "poison");
    assert_eq!(site.post(&format!("{path}/fork"), &json!({})).await.problem(409)["code"], "conflict");

    let resumed = desk.post(&format!("{path}/resume"), &json!({})).await;
    assert_eq!((resumed.status, &resumed.json()["task_id"]), (200, &json!(id)));
    site.handle.settled(&id.parse().unwrap()).await.unwrap();
    assert_eq!(site.get(&path).await.json()["status"], "completed");
    let over = site.post(&format!("{path}/resume"), &json!({})).await;
    assert_eq!(over.problem(409)["code"], "conflict");
    desk.stop().await;
    site.stop().await;
}
