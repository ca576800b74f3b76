//! Answers by a schema: one that does not fit is objected to once, then the step fails.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{RequestDraft, ResumeOptions, StepDraft};
use mcp_orchestrator_domain::{FailureClass, Message, Status};
use mcp_orchestrator_store::MemoryStore;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use serde_json::json;

use super::harness::Engine;

fn draft() -> RequestDraft {
    let schema = json!({
        "type": "object", "properties": { "score": { "type": "integer" } }, "required": ["score"],
    });
    RequestDraft::sequential("How does a workflow survive a crash?")
        .with_step(StepDraft::agent("rate", "Rate it").with_schema(schema))
        .with_step(StepDraft::agent("write", "Write"))
}

fn turn(asked: &Asked) -> &str {
    asked.key.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_repaired_once() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match (asked.step(), turn(asked)) {
        ("rate", "0") => Act::Say("I would say eight.".to_owned()),
        ("rate", _) => Act::Say("```json\n{ \"score\": 8 }\n```".to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let id = engine.submit(draft()).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let rated = results.steps.iter().find(|step| step.id.as_str() == "rate").unwrap();
    assert_eq!(rated.text.as_deref(), Some(r#"{"score":8}"#), "what programs read is the JSON alone");
    let asked = engine.provider.asked();
    let again = asked.iter().find(|asked| asked.step() == "rate" && turn(asked) == "1").unwrap();
    let [.., Message::Assistant(_), Message::User(why)] = &again.messages[..] else { panic!("{:?}", again.messages) };
    assert!(why.contains("it is not JSON"), "{why}");
}

#[tokio::test]
async fn an_answer_that_never_fits_fails_the_step_and_says_why() {
    let engine = Engine::start(ScriptedProvider::new(|_| Act::Say(r#"{"score":"eight"}"#.to_owned())));
    let id = engine.submit(draft()).await;
    let failure = engine.handle.settled(&id).await.unwrap().summary.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Decode);
    assert!(
        failure.message.starts_with("step rate failed: the answer does not fit its JSON Schema: at /score: "),
        "{failure}"
    );
    assert_eq!(engine.provider.asked().len(), 2);
}

#[tokio::test]
async fn a_restart_between_objection_and_repair_asks_for_the_repair_alone() {
    let store = Arc::new(MemoryStore::new());
    let script = |asked: &Asked| match (asked.step(), turn(asked)) {
        ("rate", "0") => Act::Say("eight".to_owned()),
        ("rate", _) => Act::Hang,
        _ => Act::Say(obliging(asked, 1)),
    };
    let first = Engine::start_on(Arc::<MemoryStore>::clone(&store), ScriptedProvider::new(script), |builder| builder);
    let id = first.submit(draft()).await;
    first.until("it is objected to", |provider| provider.asked().len() == 2).await;
    first.handle.shutdown(Duration::ZERO).await.unwrap();

    let script = |asked: &Asked| match asked.step() {
        "rate" => Act::Say(r#"{"score":8}"#.to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    };
    let second = Engine::start_on(store, ScriptedProvider::new(script), |builder| builder);
    assert_eq!(second.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let asked = second.provider.asked();
    let steps: Vec<(&str, &str)> = asked.iter().map(|asked| (asked.step(), turn(asked))).collect();
    assert_eq!(steps, [("rate", "1"), ("write", "0")]);
    assert!(matches!(asked[0].messages.last(), Some(Message::User(why)) if why.contains("it is not JSON")));
}

#[tokio::test]
async fn an_answer_that_never_fitted_gets_another_try_when_the_workflow_is_continued() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match (asked.step(), turn(asked)) {
        ("rate", "0" | "1") => Act::Say("eight".to_owned()),
        ("rate", _) => Act::Say(r#"{"score":8}"#.to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let id = engine.submit(draft()).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    let ended = engine.handle.settled(&next).await.unwrap().summary;
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.failure);
    assert_eq!(engine.provider.asked().iter().filter(|asked| asked.step() == "rate").count(), 3);
}
