//! Forks and looks back over `/v1`.

use mcp_orchestrator_transport_http::Settings;
use serde_json::json;

use crate::setting::{held_site, site};

#[tokio::test]
async fn a_completed_workflow_is_forked_at_a_position_under_another_model() {
    let site = site().await;
    let id = site.completed().await;
    let path = format!("/v1/workflows/{id}/fork");
    let log = site.get(&format!("/v1/workflows/{id}/log?limit=1000")).await.json();
    let planned = |record: &&serde_json::Value| record["event"]["step_planned"]["id"] == "camina";
    let at = log["records"].as_array().unwrap().iter().find(planned).unwrap()["seq"].as_u64().unwrap() - 1;
    let body = json!({ "at": at, "set": { "model": "larger", "budget_tokens": 100_000, "title": null } });
    let key = [("Idempotency-Key", "again")];
    let answer = site.post_with(&path, &body, &key).await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (202, None), "{}", answer.text());
    let forked = answer.json();
    let fork = forked["task_id"].as_str().unwrap().to_owned();
    assert_ne!(fork, id);
    assert_eq!(answer.header("location"), Some(&*format!("/v1/workflows/{fork}")));
    assert_eq!((&forked["created"], &forked["config"]["model"]), (&json!(true), &json!("larger")));
    assert_eq!(forked["forked_from"]["task_id"], json!(id));
    assert_eq!(forked["forked_from"]["at"], json!(at));
    site.handle.settled(&fork.parse().unwrap()).await.unwrap();
    let own: Vec<_> = site.provider.asked().into_iter().filter(|asked| asked.key.starts_with(&fork)).collect();
    assert_eq!(own.iter().map(|asked| asked.step()).collect::<Vec<_>>(), ["camina"]);

    let again = site.post_with(&path, &body, &key).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!((&again.json()["task_id"], &again.json()["created"]), (&json!(fork), &json!(false)));
    let other = site.post_with(&path, &json!({ "at": at - 1 }), &key).await.problem(422);
    assert_eq!(other["code"], "idempotency_mismatch");
    let listed = site.get("/v1/workflows").await.json();
    assert_eq!(listed["workflows"][0]["forked_from"]["task_id"], json!(id));
    let stream = site.get(&format!("/v1/workflows/{fork}/events")).await.text();
    assert!(stream.contains("event: workflow_forked"), "{stream}");
    site.stop().await;
}

#[tokio::test]
async fn a_fork_is_refused_with_every_field_where_it_was_sent() {
    let site = site().await;
    let id = site.completed().await;
    let path = format!("/v1/workflows/{id}/fork");
    let refused = async |body: serde_json::Value| {
        let problem = site.post(&path, &body).await.problem(422);
        let errors = problem["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let late = json!({ "at": 6, "set": { "num_agents": 3, "priority": 11, "provider_name": "scripted" } });
    assert_eq!(refused(late).await, ["/set/num_agents", "/set/priority"]);
    assert_eq!(refused(json!({ "at": 6, "set": { "provider_name": "nobody" } })).await, ["/set/provider_name"]);
    assert_eq!(refused(json!({ "at": "6", "set": { "modle": "x" } })).await, ["/at", "/set/modle"]);
    assert_eq!(refused(json!({ "model": "x" })).await, ["/model"]);
    let problem = site.post(&path, &json!({ "at": 9000 })).await.problem(422);
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    let head = site.get(&format!("/v1/workflows/{id}/log")).await.json()["head"].clone();
    assert_eq!(detail, format!("is 9000, and the log has the positions 1 to {head}"));
    let without = site.post(&path, &json!({})).await.problem(409);
    assert!(without["hint"].as_str().unwrap().contains("at"), "{without}");
    site.post("/v1/workflows/research_0000000000000000/fork", &json!({ "at": 1 })).await.problem(404);
    site.stop().await;
}

#[tokio::test]
async fn a_workflow_that_was_continued_before_says_so_and_changes_nothing() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let path = |what: &str| format!("/v1/workflows/{id}/{what}");
    site.post(&path("cancel"), &json!({})).await;
    let first = site.post(&path("fork"), &json!({})).await;
    assert_eq!((first.status, &first.json()["created"]), (202, &json!(true)));
    let again = site.post(&path("fork"), &json!({ "set": { "max_calls": 50 } })).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    let again = again.json();
    assert_eq!((&again["task_id"], &again["created"]), (&first.json()["task_id"], &json!(false)));
    assert!(again["warnings"][0].as_str().unwrap().contains("no effect"), "{again}");
    assert_eq!(again["config"]["max_calls"], json!(null));
    site.stop().await;
}

#[tokio::test]
async fn results_at_a_position_are_what_was_known_then() {
    let site = site().await;
    let id = site.completed().await;
    let path = format!("/v1/workflows/{id}/results");
    let now = site.get(&path).await.json();
    assert_eq!((&now["at"], &now["progress"]), (&json!(null), &json!(null)));
    let then = site.get(&format!("{path}?at=3")).await.json();
    assert_eq!((&then["status"], &then["at"]), (&json!("running"), &json!(3)));
    assert_eq!(then["progress"]["stage"], "planning");
    assert_eq!((&then["final_synthesis"], then["agent_results"].as_array().unwrap().len()), (&json!(null), 0));
    for at in ["0", "9000", "x"] {
        site.get(&format!("{path}?at={at}")).await.problem(422);
    }
    let body = json!({ "task_id": id, "at": 3 });
    let called = site.post("/v1/tools/get_orchestration_results", &body).await.json();
    assert_eq!((&called["status"], &called["at"]), (&json!("running"), &json!(3)));
    site.stop().await;
}
