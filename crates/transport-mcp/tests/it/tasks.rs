//! The tasks extension: workflows as tasks, for clients that declare it in the version that defines it.

use std::sync::Arc;

use mcp_orchestrator::{
    MemoryStore,
    domain::{Cost, Money, Usage},
};
use mcp_orchestrator_testkit::{Act, ScriptedProvider};
use serde_json::{Value, json};

use crate::{
    wire::{Answer, Http, Pipes, tasks},
    world::{World, holding, obliging, quick, research},
};

async fn start(http: &Http, arguments: Value) -> String {
    let made = http.tool("orchestrate_research", arguments).await;
    assert_eq!(made.result()["resultType"], "task", "{made:?}");
    made.result()["taskId"].as_str().unwrap().to_owned()
}

async fn get(http: &Http, id: &str) -> Answer {
    http.call("tasks/get", json!({ "taskId": id })).await
}

async fn polled(http: &Http, id: &str) -> Value {
    loop {
        let got = get(http, id).await.result().clone();
        if got["status"] != "working" {
            return got;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_workflow_is_a_task_from_its_handle_to_its_result() {
    let world = World::held();
    let http = Http::new(&world.server).able_to(tasks());
    let made = http.tool("orchestrate_research", research()).await;
    let task = made.result();
    let id = task["taskId"].as_str().unwrap();
    assert_eq!(task["status"], "working");
    assert!(task["ttlMs"].as_u64().unwrap() >= 24 * 3_600_000);
    assert!((1_000..=5_000).contains(&task["pollIntervalMs"].as_u64().unwrap()));
    assert_eq!(world.ids("local").await, [id], "the task's id is the workflow's, and it is stored");

    let working = get(&http, id).await;
    assert_eq!(working.result()["status"], "working");
    let told = working.result()["statusMessage"].as_str().unwrap();
    assert!(told.contains("agents") && told.contains("tokens"), "{told}");
    assert!(!working.is_stream());

    world.release(id).await;
    let done = polled(&http, id).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["result"]["isError"], false);
    assert!(done["result"]["content"][0]["text"].as_str().unwrap().contains("is clear"));
    assert_eq!(done["result"]["structuredContent"]["task_id"], id);
    assert_eq!(done["createdAt"], task["createdAt"]);
}

#[tokio::test]
async fn a_task_says_what_was_spent_and_whether_that_is_an_estimate() {
    let cent = Money::from_usd(0.01).unwrap();
    for (cost, told) in [
        (Cost::Reported(cent), "100 tokens · $0.01"),
        (Cost::Estimated(cent), "100 tokens · about $0.01"),
        (Cost::Unknown, "100 tokens · cost unknown"),
    ] {
        let usage = Usage { input: 90, output: 10, ..Usage::default() };
        let provider = ScriptedProvider::new(move |asked| match asked.step() {
            "planner" => Act::Bill(usage, cost, Box::new(Act::Say("1. The one half\n2. The other half".to_owned()))),
            _ => Act::Hang,
        });
        let world = World::with(provider, quick());
        let http = Http::new(&world.server).able_to(tasks());
        let id = start(&http, research()).await;
        while world.provider.running() < 2 {
            tokio::task::yield_now().await;
        }
        let working = get(&http, &id).await;
        let line = working.result()["statusMessage"].as_str().unwrap();
        assert!(line.ends_with(told), "{line}");
        http.call("tasks/cancel", json!({ "taskId": id })).await;
    }
}

#[tokio::test]
async fn it_works_over_pipes_too() {
    let world = World::new();
    let mut pipes = Pipes::new(&world.server);
    let call = json!({ "name": "orchestrate_research", "arguments": research(), "capabilities": tasks() });
    pipes.ask(1, "tools/call", call).await;
    let made = pipes.answer(1).await;
    let id = made["result"]["taskId"].as_str().unwrap().to_owned();
    for round in 2.. {
        pipes.ask(round, "tasks/get", json!({ "taskId": id, "capabilities": tasks() })).await;
        let got = pipes.answer(round).await;
        if got["result"]["status"] == "completed" {
            break;
        }
    }
    pipes.close().await;
}

#[tokio::test]
async fn cancelling_a_task_cancels_its_workflow() {
    let world = World::held();
    let http = Http::new(&world.server).able_to(tasks());
    let id = start(&http, research()).await;
    let acknowledged = http.call("tasks/cancel", json!({ "taskId": id })).await;
    assert_eq!(acknowledged.result()["resultType"], "complete");
    assert_eq!(get(&http, &id).await.result()["status"], "cancelled");
    assert_eq!(world.status(&id).await, "cancelled");
    let again = http.call("tasks/cancel", json!({ "taskId": id })).await;
    assert_eq!(again.result()["resultType"], "complete", "one that has ended is left at that");
}

#[tokio::test]
async fn a_workflow_that_fails_completes_its_task_with_an_error() {
    let provider = ScriptedProvider::new(|_| Act::Fail(mcp_orchestrator::domain::FailureClass::BadRequest, None));
    let world = World::with(provider, quick());
    let http = Http::new(&world.server).able_to(tasks());
    let id = start(&http, research()).await;
    let done = polled(&http, &id).await;
    assert_eq!((done["status"].as_str(), done["result"]["isError"].as_bool()), (Some("completed"), Some(true)));
}

#[tokio::test]
async fn a_task_is_unknown_to_everybody_else() {
    let world = World::held();
    let anna = Http::new(&world.server).able_to(tasks()).named("anna");
    let id = start(&anna, research()).await;
    let boris = anna.named("boris");
    for (method, params) in [
        ("tasks/get", json!({ "taskId": id })),
        ("tasks/cancel", json!({ "taskId": id })),
        ("tasks/update", json!({ "taskId": id, "inputResponses": {} })),
        ("tasks/get", json!({ "taskId": "research_never" })),
    ] {
        assert_eq!(boris.call(method, params).await.code(), -32602, "{method}");
    }
    assert_eq!(get(&anna, &id).await.result()["status"], "working");
}

#[tokio::test]
async fn a_request_that_does_not_declare_tasks_gets_none_and_may_not_ask_for_them() {
    let world = World::held();
    let http = Http::new(&world.server);
    let answer = http.tool("orchestrate_research", research()).await;
    assert_eq!(answer.result()["resultType"], "complete");
    let refused = http.call("tasks/get", json!({ "taskId": answer.task_id() })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, -32021));
}

#[tokio::test]
async fn the_same_key_is_the_same_task() {
    let world = World::held();
    let http = Http::new(&world.server).able_to(tasks());
    let mut call = research();
    call["idempotency_key"] = json!("once");
    assert_eq!(start(&http, call.clone()).await, start(&http, call).await);
}

#[tokio::test]
async fn a_task_outlives_the_process_that_made_it() {
    let store = Arc::new(MemoryStore::new());
    let first = World::on(store.clone(), holding(), quick());
    let id = start(&Http::new(&first.server).able_to(tasks()), research()).await;
    first.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    drop(first);
    let second = World::on(store, obliging(), quick());
    let done = polled(&Http::new(&second.server).able_to(tasks()), &id).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["result"]["structuredContent"]["task_id"], id);
}
