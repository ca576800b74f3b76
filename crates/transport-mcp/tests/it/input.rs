//! Questions of a workflow, in every way a client may answer them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    wire::{Http, LEGACY, Pipes, elicitation, no_capabilities, request, tasks},
    world::{World, approval, obliging, quick},
};

fn world() -> World {
    World::with(obliging(), quick().with_wait(Duration::from_mins(1)))
}

fn accepted(answer: &str) -> Value {
    json!({ "action": "accept", "content": { "answer": answer } })
}

/// What the agent after the question was asked with.
fn was_told(world: &World, answer: &str) -> bool {
    world.provider.asked().iter().any(|asked| format!("{asked:?}").contains(answer))
}

#[tokio::test]
async fn a_client_that_can_do_nothing_gets_the_question_at_once_and_answers_with_a_tool() {
    let world = world();
    let http = Http::new(&world.server);
    let asked = http.tool("orchestrate_custom", approval()).await;
    let id = asked.task_id();
    assert_eq!(
        (asked.structured()["status"].as_str(), asked.structured()["next"].as_str()),
        (Some("waiting"), Some("answer_orchestration"))
    );
    assert_eq!(
        asked.structured()["questions"][0],
        json!({ "step": "colour", "question": "Which colour do you like?" })
    );
    assert!(asked.told().contains("Which colour do you like?"));
    let given = http.tool("answer_orchestration", json!({ "task_id": id, "answer": "Ultramarine" })).await;
    assert_eq!(given.result()["isError"], false);
    let ended = http.tool("wait_for_orchestration", json!({ "task_id": id })).await;
    assert_eq!(ended.structured()["status"], "completed");
    assert!(was_told(&world, "Ultramarine"));
}

#[tokio::test]
async fn a_client_that_shows_forms_is_asked_and_calls_again() {
    let world = world();
    let http = Http::new(&world.server).able_to(elicitation());
    let call = json!({ "name": "orchestrate_custom", "arguments": approval() });
    let asked = http.call("tools/call", call.clone()).await;
    assert_eq!(asked.result()["resultType"], "input_required", "{asked:?}");
    let form = &asked.result()["inputRequests"]["colour"];
    assert_eq!(form["method"], "elicitation/create");
    assert_eq!(form["params"]["mode"], "form");
    assert_eq!(form["params"]["message"], "Which colour do you like?");
    assert_eq!(form["params"]["requestedSchema"]["required"], json!(["answer"]));

    let mut again = call.clone();
    again["inputResponses"] = json!({ "colour": accepted("Ultramarine"), "another": accepted("ignored") });
    again["requestState"] = asked.result()["requestState"].clone();
    let ended = http.call("tools/call", again.clone()).await;
    assert_eq!(ended.structured()["status"], "completed");
    assert!(was_told(&world, "Ultramarine") && !was_told(&world, "ignored"));
    assert_eq!(world.ids("local").await.len(), 1, "calling again starts nothing");
    let repeated = http.call("tools/call", again).await;
    assert_eq!(repeated.task_id(), ended.task_id(), "the same answers again change nothing");
}

#[tokio::test]
async fn the_state_between_two_rounds_is_of_no_use_to_others() {
    let world = world();
    let http = Http::new(&world.server).able_to(elicitation());
    let call = json!({ "name": "orchestrate_custom", "arguments": approval() });
    let asked = http.call("tools/call", call.clone()).await;
    let state = asked.result()["requestState"].as_str().unwrap().to_owned();
    let mut again = call.clone();
    again["inputResponses"] = json!({ "colour": accepted("Ultramarine") });
    again["requestState"] = json!(state);

    assert_eq!(http.named("boris").call("tools/call", again.clone()).await.code(), -32602, "another principal");
    let mut other = again.clone();
    other["arguments"]["task"] = json!("Write about something else entirely");
    assert_eq!(http.call("tools/call", other).await.code(), -32602, "another request");
    let mut forged = again.clone();
    forged["requestState"] = json!(format!("{state}A"));
    assert_eq!(http.call("tools/call", forged).await.code(), -32602, "a forged state");
    let next = Http::new(&World::new().server).able_to(elicitation());
    assert_eq!(next.call("tools/call", again.clone()).await.code(), -32602, "a server with another key");
    assert!(!was_told(&world, "Ultramarine"));

    let id = world.ids("local").await.pop().unwrap();
    assert_eq!(world.status(&id).await, "waiting");
}

#[tokio::test]
async fn replicas_with_one_key_take_over_between_two_rounds() {
    let store = std::sync::Arc::new(mcp_orchestrator::MemoryStore::new());
    let settings = || quick().with_wait(Duration::from_mins(1)).with_state_key([7; 32]);
    let (first, second) = (World::on(store.clone(), obliging(), settings()), World::on(store, obliging(), settings()));
    let mut call = json!({ "name": "orchestrate_custom", "arguments": approval() });
    let asked = Http::new(&first.server).able_to(elicitation()).call("tools/call", call.clone()).await;
    call["requestState"] = asked.result()["requestState"].clone();
    call["inputResponses"] = json!({ "colour": accepted("Ultramarine") });
    let ended = Http::new(&second.server).able_to(elicitation()).call("tools/call", call).await;
    assert_eq!(ended.structured()["status"], "completed");
}

#[tokio::test]
async fn a_form_may_be_declined_put_off_or_filled_in_wrongly() {
    let world = world();
    let http = Http::new(&world.server).able_to(elicitation());
    let id = Http::new(&world.server).tool("orchestrate_custom", approval()).await.task_id();
    let wait = json!({ "name": "wait_for_orchestration", "arguments": { "task_id": id } });
    let asked = http.call("tools/call", wait.clone()).await;
    let with = |response: Value| {
        let mut again = wait.clone();
        again["requestState"] = asked.result()["requestState"].clone();
        again["inputResponses"] = json!({ "colour": response });
        again
    };
    let wrong = http.call("tools/call", with(json!({ "action": "accept", "content": { "answer": 7 } }))).await;
    assert_eq!(wrong.code(), -32602);
    assert!(wrong.error()["message"].as_str().unwrap().contains("colour"));
    let later = http.call("tools/call", with(json!({ "action": "cancel" }))).await;
    assert_eq!(later.structured()["status"], "waiting", "{later:?}");
    let declined = http.call("tools/call", with(json!({ "action": "decline" }))).await;
    assert_eq!(declined.structured()["status"], "completed", "{declined:?}");
    assert!(was_told(&world, "declined to answer"));
}

#[tokio::test]
async fn a_task_asks_and_is_answered() {
    let world = world();
    let both = json!({ "elicitation": {}, "extensions": tasks()["extensions"] });
    let http = Http::new(&world.server).able_to(both);
    let made = http.tool("orchestrate_custom", approval()).await;
    let id = made.result()["taskId"].as_str().unwrap().to_owned();
    let get = async |status: &str| loop {
        let got = http.call("tasks/get", json!({ "taskId": id })).await.result().clone();
        if got["status"] == status {
            return got;
        }
        tokio::task::yield_now().await;
    };
    let asked = get("input_required").await;
    assert_eq!(asked["inputRequests"]["colour"]["params"]["message"], "Which colour do you like?");
    let update = json!({ "taskId": id, "inputResponses": { "colour": accepted("Ultramarine"), "unknown": 7 } });
    let acknowledged = http.call("tasks/update", update).await;
    assert_eq!(acknowledged.result()["resultType"], "complete");
    let done = get("completed").await;
    assert_eq!(done["result"]["structuredContent"]["status"], "completed");
    assert!(was_told(&world, "Ultramarine"));
}

#[tokio::test]
async fn a_task_of_a_client_without_forms_says_what_it_waits_for() {
    let world = world();
    let http = Http::new(&world.server).able_to(tasks());
    let id = http.tool("orchestrate_custom", approval()).await.result()["taskId"].as_str().unwrap().to_owned();
    loop {
        let got = http.call("tasks/get", json!({ "taskId": id })).await.result().clone();
        assert_eq!(got["status"], "working");
        if got["statusMessage"].as_str().unwrap().contains("Which colour do you like?") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_session_whose_client_shows_forms_is_asked_while_the_call_waits() {
    let world = world();
    let mut pipes = Pipes::new(&world.server);
    pipes.initialize("2025-06-18", elicitation()).await;
    pipes.send(&request(1, "tools/call", json!({ "name": "orchestrate_custom", "arguments": approval() }))).await;
    let asked = loop {
        let message = pipes.next().await.unwrap();
        if message["method"] == "elicitation/create" {
            break message;
        }
    };
    assert_eq!(asked["params"]["message"], "Which colour do you like?");
    pipes.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": accepted("Ultramarine") })).await;
    assert_eq!(pipes.answer(1).await["result"]["structuredContent"]["status"], "completed");
    assert!(was_told(&world, "Ultramarine"));
    pipes.close().await;
}

#[tokio::test]
async fn over_http_such_a_session_is_asked_on_the_stream_of_its_call() {
    let world = world();
    let session = Http::new(&world.server).open(LEGACY, elicitation()).await.0;
    let call = json!({ "name": "orchestrate_custom", "arguments": approval() });
    let mut stream = session.stream("tools/call", call).await;
    let asked = stream.next().await.unwrap();
    assert_eq!(
        (asked["method"].as_str(), asked["params"]["message"].as_str()),
        (Some("elicitation/create"), Some("Which colour do you like?"))
    );
    let (headers, _) = session.message("ping", json!({}));
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": accepted("Ultramarine") });
    assert_eq!(session.post(headers, &answer).await.status, 202);
    let ended = stream.next().await.unwrap();
    assert_eq!(ended["result"]["structuredContent"]["status"], "completed", "{ended}");
    assert!(was_told(&world, "Ultramarine"));
}

#[tokio::test]
async fn a_session_whose_client_shows_none_gets_the_question() {
    let world = world();
    let session = Http::new(&world.server).open(LEGACY, no_capabilities()).await.0;
    let asked = session.tool("orchestrate_custom", approval()).await;
    assert_eq!(asked.structured()["next"], "answer_orchestration");
}
