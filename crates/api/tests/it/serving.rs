//! From a submission to its results, through the tools.

use mcp_orchestrator::Principal;
use mcp_orchestrator_api::{Caller, Code};
use serde_json::{Value, json};

use crate::object;
use crate::setting::{QUESTION, Setting, setting};

async fn call(setting: &Setting, name: &str, args: Value) -> Value {
    let caller = Caller::local();
    setting.api.call_tool(&caller, name, object(args)).await.unwrap().into()
}

async fn code(setting: &Setting, name: &str, args: Value) -> Code {
    setting.api.call_tool(&Caller::local(), name, object(args)).await.unwrap_err().code
}

#[tokio::test]
async fn a_search_is_started_waited_for_and_read() {
    let setting = setting();
    let started = call(&setting, "orchestrate_search", json!({ "query": QUESTION, "num_agents": 1 })).await;
    assert_eq!(started["orchestrator_type"], "swarm");
    assert_eq!(started["config"]["num_agents"], 1);
    assert_eq!(started["created"], true);
    let id = started["task_id"].as_str().unwrap();
    let waited = call(&setting, "wait_for_orchestration", json!({ "task_id": id, "wait_seconds": 60 })).await;
    assert_eq!(waited["status"], "completed", "{waited}");
    let status = call(&setting, "get_orchestration_status", json!({ "task_id": id })).await;
    assert_eq!(status["result"]["has_final_synthesis"], true);
    assert_eq!(status["result"]["synthesis_count"], 1);
    let results = call(&setting, "get_orchestration_results", json!({ "task_id": id })).await;
    assert!(results["final_synthesis"].as_str().unwrap().contains("06:10"), "{results}");
    assert_eq!(results["sources"][0]["number"], 1);
    let document = results["generated_documents"][0]["filename"].as_str().unwrap();
    let caller = Caller::local();
    let file = setting.api.document(&caller, id, document).await.unwrap();
    assert!(std::str::from_utf8(&file.bytes).unwrap().contains("06:10"));
    assert_eq!(setting.api.document(&caller, id, "other.md").await.unwrap_err().code, Code::NotFound);
    let report = setting.api.read_resource(&caller, &format!("orchestrator://{id}/report")).await.unwrap();
    assert!(report.text.contains("06:10") && report.is_final);
    assert!(setting.api.read_resource(&caller, &format!("orchestrator://{id}/report?page=2")).await.is_err());
    let log = setting.api.log(&caller, id, 0, 2).await.unwrap();
    assert_eq!((log.records.len(), log.next_after), (2, 2));
    assert_eq!(log.records[1]["seq"], 2);
    assert_eq!(call(&setting, "cancel_orchestration", json!({ "task_id": id })).await["cancelled"], false);
    setting.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn the_same_key_finds_the_same_workflow() {
    let setting = setting();
    let asked = json!({ "query": QUESTION, "num_agents": 1, "idempotency_key": "k1" });
    let first = call(&setting, "orchestrate_search", asked.clone()).await;
    let second = call(&setting, "orchestrate_search", asked).await;
    assert_eq!(first["task_id"], second["task_id"]);
    assert_eq!((&first["created"], &second["created"]), (&json!(true), &json!(false)));
    let other = json!({ "query": QUESTION, "num_agents": 2, "idempotency_key": "k1" });
    assert_eq!(code(&setting, "orchestrate_search", other).await, Code::IdempotencyMismatch);
    let elsewhere = json!({
        "query": QUESTION, "num_agents": 1, "idempotency_key": "k1", "webhook_url": "https://hooks.example.com/a",
    });
    assert_eq!(code(&setting, "orchestrate_search", elsewhere).await, Code::IdempotencyMismatch);
}

#[tokio::test]
async fn what_another_principal_started_is_unknown() {
    let setting = setting();
    let started = call(&setting, "orchestrate_search", json!({ "query": QUESTION, "num_agents": 1 })).await;
    let id = started["task_id"].as_str().unwrap();
    let other = Caller { principal: Principal::named("somebody"), request_id: None };
    for name in ["get_orchestration_status", "get_orchestration_results", "cancel_orchestration"] {
        let asked = object(json!({ "task_id": id }));
        assert_eq!(setting.api.call_tool(&other, name, asked).await.unwrap_err().code, Code::NotFound, "{name}");
    }
    assert!(setting.api.list(&other, &Default::default()).await.unwrap().workflows.is_empty());
}

#[tokio::test]
async fn a_question_of_a_workflow_is_shown_and_answered() {
    let setting = setting();
    let started = call(
        &setting,
        "orchestrate_custom",
        json!({ "pattern": "sequential", "task": QUESTION, "steps": [
            { "id": "which", "question": "Which harbour?" }, { "id": "look", "task": QUESTION },
        ] }),
    )
    .await;
    let id = started["task_id"].as_str().unwrap();
    let waiting = call(&setting, "wait_for_orchestration", json!({ "task_id": id, "wait_seconds": 60 })).await;
    assert_eq!(waiting["questions"], json!([{ "step": "which", "question": "Which harbour?" }]));
    call(&setting, "answer_orchestration", json!({ "task_id": id, "answer": "the northern one" })).await;
    let done = call(&setting, "wait_for_orchestration", json!({ "task_id": id, "wait_seconds": 60 })).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(code(&setting, "answer_orchestration", json!({ "task_id": id, "answer": "x" })).await, Code::Conflict);
}

#[tokio::test]
async fn registered_tools_are_listed_and_called() {
    let setting = setting();
    let listed = call(&setting, "list_registered_tools", json!({})).await;
    assert!(listed["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "corpus_search"), "{listed}");
    let asked = json!({ "tool_name": "corpus_search", "tool_arguments": { "query": "high water" } });
    let found = call(&setting, "execute_registered_tool", asked).await;
    assert!(found["evidence"][0]["quote"].as_str().unwrap().contains("06:10"), "{found}");
    let wrong = object(json!({ "tool_name": "corpus_search", "tool_arguments": { "query": 5 } }));
    let error = setting.api.call_tool(&Caller::local(), "execute_registered_tool", wrong).await.unwrap_err();
    assert_eq!(error.errors[0].pointer, "/tool_arguments/query");
    assert_eq!(code(&setting, "execute_registered_tool", json!({ "tool_name": "none" })).await, Code::InvalidRequest);
    assert_eq!(code(&setting, "no_tool", json!({})).await, Code::NotFound);
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let setting = setting();
    let refused = async |name: &str, args: Value| {
        setting.api.call_tool(&Caller::local(), name, object(args)).await.unwrap_err().errors[0].pointer.clone()
    };
    assert_eq!(refused("get_orchestration_status", json!({})).await, "/task_id");
    assert_eq!(refused("get_orchestration_status", json!({ "task_id": 5 })).await, "/task_id");
    assert_eq!(refused("get_orchestration_status", json!({ "task_id": "x", "more": 1 })).await, "/more");
    assert_eq!(refused("list_orchestrations", json!({ "status": "done" })).await, "/status");
    assert_eq!(refused("list_orchestrations", json!({ "limit": 0 })).await, "/limit");
    assert_eq!(refused("orchestrate_search", json!({ "query": "short" })).await, "/query");
    assert_eq!(
        refused("orchestrate_search", json!({ "query": QUESTION, "document_formats": ["pdf"] })).await,
        "/document_formats"
    );
    assert_eq!(
        refused("orchestrate_search", json!({ "query": QUESTION, "provider_name": "nobody" })).await,
        "/provider_name"
    );
    assert_eq!(
        code(&setting, "get_orchestration_status", json!({ "task_id": "research_0123456789ab" })).await,
        Code::NotFound
    );
}
