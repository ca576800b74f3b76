//! Starting and waiting without tasks: complete answers, progress, running answers, retries, clients that go away.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{MemoryStore, WorkerMode, WorkflowId, store::Which};
use mcp_orchestrator_testkit::store_suite::{self, Dial};
use serde_json::{Value, json};

use crate::{
    wire::{Http, LEGACY, no_capabilities, tasks},
    world::{World, holding, obliging, quick, research},
};

#[tokio::test]
async fn a_workflow_that_is_done_in_time_answers_with_its_report() {
    let world = World::with(obliging(), quick().with_wait(Duration::from_mins(1)));
    let answer = Http::new(&world.server).tool("orchestrate_research", research()).await;
    assert_eq!(answer.result()["isError"], false);
    assert!(answer.told().contains("is clear"), "{answer:?}");
    assert!(answer.told().len() < 32_000);
    let id = answer.task_id();
    assert_eq!(answer.structured()["status"], "completed");
    assert_eq!(answer.structured()["report"].as_str(), Some(answer.told()));
    assert_eq!(answer.structured()["created"], true);
    let link = &answer.result()["content"][1];
    assert_eq!(
        (link["type"].as_str(), link["uri"].as_str()),
        (Some("resource_link"), Some(&*format!("orchestrator://{id}/report")))
    );
}

#[tokio::test]
async fn one_that_takes_longer_answers_with_its_id_and_what_to_call_next() {
    let world = World::held();
    for http in [Http::new(&world.server), Http::new(&world.server).open(LEGACY, no_capabilities()).await.0] {
        let answer = http.tool("orchestrate_search", json!({ "query": "Tides in the harbour" })).await;
        let id = answer.task_id();
        assert_eq!(answer.result().get("isError").unwrap_or(&json!(false)), false);
        assert!(answer.told().contains(&id) && answer.told().contains("wait_for_orchestration"), "{answer:?}");
        assert_eq!(answer.structured()["next"], "wait_for_orchestration");
        let more = http.tool("wait_for_orchestration", json!({ "task_id": id, "wait_seconds": 0 })).await;
        assert_eq!(more.structured()["status"], "running");
        world.release(&id).await;
        let ended = http.tool("wait_for_orchestration", json!({ "task_id": id })).await;
        assert_eq!(ended.structured()["status"], "completed");
        assert!(ended.told().contains("is clear"));
    }
}

#[tokio::test]
async fn a_wait_reports_progress_that_only_grows_to_whoever_asked_for_it() {
    let world = World::with(holding(), quick().with_wait(Duration::from_secs(1)));
    let http = Http::new(&world.server);
    let session = http.open(LEGACY, no_capabilities()).await.0;
    for http in [http, session] {
        let call =
            json!({ "name": "orchestrate_research", "arguments": research(), "_meta": { "progressToken": "p" } });
        let answer = http.call("tools/call", call).await;
        let told = answer.notified("notifications/progress");
        assert!(told.len() > 2, "{answer:?}");
        let values: Vec<f64> = told.iter().map(|told| told["progress"].as_f64().unwrap()).collect();
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
        let total = told[0]["total"].as_f64().unwrap();
        assert!(values.iter().all(|value| *value < total));
        let line = told[0]["message"].as_str().unwrap();
        assert!(line.contains(&answer.task_id()) && line.contains("agents"), "{line}");
        assert_eq!(told[0]["progressToken"], "p");
    }
    let silent = Http::new(&world.server).tool("orchestrate_research", research()).await;
    assert_eq!(silent.notified("notifications/progress").len(), 0);
}

#[tokio::test]
async fn a_failed_workflow_is_an_error_a_model_can_read() {
    let provider = mcp_orchestrator_testkit::ScriptedProvider::new(|_| {
        mcp_orchestrator_testkit::Act::Fail(mcp_orchestrator::domain::FailureClass::BadRequest, None)
    });
    let world = World::with(provider, quick().with_wait(Duration::from_mins(1)));
    let answer = Http::new(&world.server).tool("orchestrate_research", research()).await;
    assert_eq!(answer.result()["isError"], true);
    assert_eq!(answer.structured()["status"], "failed");
    assert!(answer.told().contains("failed"), "{answer:?}");
}

#[tokio::test]
async fn the_same_key_joins_and_never_starts_twice() {
    let world = World::held();
    let http = Http::new(&world.server);
    let mut call = research();
    call["idempotency_key"] = json!("once");
    let first = http.tool("orchestrate_research", call.clone()).await;
    let again = http.tool("orchestrate_research", call.clone()).await;
    let session = http.open(LEGACY, no_capabilities()).await.0;
    let legacy = session.tool("orchestrate_research", call.clone()).await;
    assert_eq!(first.task_id(), again.task_id());
    assert_eq!(first.task_id(), legacy.task_id());
    assert_eq!(
        (first.structured()["created"].as_bool(), again.structured()["created"].as_bool()),
        (Some(true), Some(false))
    );
    let other = http.named("anna").tool("orchestrate_research", call.clone()).await;
    assert_ne!(first.task_id(), other.task_id(), "a key is its principal's own");
    call["task"] = json!("Why is the sea salt, and since when?");
    let mismatch = http.tool("orchestrate_research", call).await;
    assert_eq!(mismatch.refusal()["code"], "idempotency_mismatch");
    assert_eq!(world.ids("local").await.len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_wait_and_no_workflow() {
    let world = World::with(holding(), quick().with_wait(Duration::from_mins(4)));
    let http = Http::new(&world.server);
    let call = json!({ "name": "orchestrate_research", "arguments": research(), "_meta": { "progressToken": 1 } });
    let mut stream = http.stream("tools/call", call).await;
    let told = stream.next().await.unwrap();
    let id = told["params"]["message"].as_str().unwrap().split(' ').next().unwrap().to_owned();
    drop(stream);
    let silent = tokio::spawn({
        let http = http.clone();
        let mut other = research();
        other["task"] = json!("Why is the sea salt, and since when?");
        async move { http.tool("orchestrate_research", other).await }
    });
    while world.ids("local").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    silent.abort();
    assert!(silent.await.unwrap_err().is_cancelled());
    let ids = world.ids("local").await;
    for id in &ids {
        assert!(matches!(world.status(id).await.as_str(), "queued" | "running"));
    }
    for id in &ids {
        world.release(id).await;
        assert_eq!(world.status(id).await, "completed");
    }
    assert_eq!(
        http.tool("get_orchestration_status", json!({ "task_id": id })).await.structured()["status"],
        "completed"
    );
}

#[tokio::test]
async fn the_same_call_again_joins_what_a_broken_one_has_started() {
    let world = World::with(holding(), quick().with_wait(Duration::from_mins(4)));
    let http = Http::new(&world.server);
    let call = json!({ "name": "orchestrate_research", "arguments": research(), "_meta": { "progressToken": 1 } });
    let mut stream = http.stream("tools/call", call).await;
    stream.next().await.unwrap();
    drop(stream);
    // Everything is on this thread: the server learns of it in between.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let id = world.ids("local").await.remove(0);
    let again = tokio::spawn({
        let http = http.clone();
        async move { http.tool("orchestrate_research", research()).await }
    });
    world.release(&id).await;
    let again = again.await.unwrap();
    assert_eq!(again.task_id(), id);
    assert_eq!(again.structured()["created"], false);
    assert_eq!(world.ids("local").await.len(), 1);
    // That one was answered, so the next is a new question, and so is another principal's.
    let third = tokio::spawn({
        let http = http.clone();
        async move { http.tool("orchestrate_research", research()).await }
    });
    while world.ids("local").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let newest = world.ids("local").await.into_iter().find(|other| *other != id).unwrap();
    world.release(&newest).await;
    assert_eq!(third.await.unwrap().task_id(), newest);
}

#[tokio::test]
async fn only_the_tool_for_it_cancels() {
    let world = World::held();
    let http = Http::new(&world.server);
    let id = http.tool("orchestrate_research", research()).await.task_id();
    let cancelled = http.tool("cancel_orchestration", json!({ "task_id": id, "reason": "enough" })).await;
    assert_eq!(cancelled.structured(), &json!({ "task_id": id, "cancelled": true, "status": "cancelled" }));
    let waited = http.tool("wait_for_orchestration", json!({ "task_id": id })).await;
    assert_eq!(
        (waited.result()["isError"].as_bool(), waited.structured()["status"].as_str()),
        (Some(true), Some("cancelled"))
    );
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_results_that_name_the_field() {
    let world = World::new();
    let http = Http::new(&world.server);
    for (tool, arguments, pointer) in [
        ("orchestrate_research", json!({ "task": "short" }), "/task"),
        ("orchestrate_research", json!({ "task": "Long enough a task", "num_agents": "two" }), "/num_agents"),
        ("orchestrate_research", json!({ "task": "Long enough a task", "wait_seconds": 241 }), "/wait_seconds"),
        ("orchestrate_research", json!({ "task": "Long enough a task", "num_agent": 2 }), "/num_agent"),
        ("orchestrate_search", json!({ "query": "x" }), "/query"),
        ("orchestrate_custom", json!({ "pattern": "sequential", "task": "Long enough a task" }), "/steps"),
        ("wait_for_orchestration", json!({}), "/task_id"),
        ("wait_for_orchestration", json!({ "task_id": "x", "wait_seconds": -1 }), "/wait_seconds"),
        ("wait_for_orchestration", json!({ "task_id": "x", "seconds": 1 }), "/seconds"),
        ("list_orchestrations", json!({ "limit": 0 }), "/limit"),
    ] {
        let answer = http.tool(tool, arguments).await;
        assert_eq!(answer.result()["isError"], true, "{tool} {pointer}");
        let errors: Vec<&Value> = answer.refusal()["errors"].as_array().unwrap().iter().collect();
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{tool} {pointer}: {errors:?}");
        assert!(answer.told().contains(pointer.trim_start_matches('/')), "{tool} {pointer}: {}", answer.told());
    }
    let unknown = http.tool("orchestrate_nothing", json!({})).await;
    assert_eq!(unknown.code(), -32602);
    assert_eq!(world.ids("local").await.len(), 0);
}

#[tokio::test]
async fn a_full_queue_is_refused_with_its_code_and_when_to_come_again() {
    let engine = |builder: mcp_orchestrator::Builder| builder.with_worker_mode(WorkerMode::None).with_queue_max(1);
    let world = World::of(Arc::new(MemoryStore::new()), obliging(), quick(), engine);
    let http = Http::new(&world.server);
    assert_eq!(http.tool("orchestrate_research", research()).await.structured()["status"], "queued");
    for http in [http.able_to(tasks()), http.open(LEGACY, no_capabilities()).await.0] {
        let refused = http.tool("orchestrate_search", json!({ "query": "Tides in the harbour" })).await;
        assert_eq!(refused.result()["isError"], true);
        assert_eq!(refused.refusal()["code"], "queue_full");
        assert_eq!(refused.refusal()["retry_after_seconds"], 10);
        assert!(refused.told().contains("Try again in 10 seconds"), "{refused:?}");
    }
    assert_eq!(world.ids("local").await.len(), 1);
}

#[tokio::test]
async fn who_waits_for_a_workflow_that_is_held_back_is_told_so_at_once() {
    let dial = Dial::new();
    let store = Arc::new(MemoryStore::with_now(dial.clock()));
    let desk = World::of(store.clone(), obliging(), quick(), |builder| builder.with_worker_mode(WorkerMode::None));
    let id = Http::new(&desk.server).tool("orchestrate_research", research()).await.task_id();
    let named: [WorkflowId; 1] = [id.parse().unwrap()];
    for _ in 0..5 {
        assert_eq!(store_suite::claim_which(&*store, "doomed", Which::Only(&named), 1).await.len(), 1);
        dial.turn(store_suite::TTL * 2);
    }
    let world = World::on(store, obliging(), quick().with_wait(Duration::from_mins(1)));
    let http = Http::new(&world.server);
    let told = http.tool("wait_for_orchestration", json!({ "task_id": id, "wait_seconds": 50 })).await;
    assert_eq!(told.structured()["status"], "waiting");
    assert_eq!(told.structured()["waiting"]["reason"], "poison");
    assert_eq!(told.structured()["next"], "get_orchestration_status");
    assert!(told.told().contains("5 workers in a row") && told.told().contains("held back"), "{told:?}");
    let task = http.able_to(tasks()).call("tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.result()["status"], "working");
    assert!(task.result()["statusMessage"].as_str().unwrap().contains("held back"), "{task:?}");
    let cancelled = http.tool("cancel_orchestration", json!({ "task_id": id })).await;
    assert_eq!(cancelled.structured()["status"], "cancelled", "{cancelled:?}");
}
