//! Answers the token limit cut: asked for once more, and never taken for whole.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{RequestDraft, StepDraft};
use mcp_orchestrator_domain::{FailureClass, Message, Status};
use mcp_orchestrator_store::MemoryStore;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use serde_json::json;

use super::harness::{Engine, research};

const HALF: &str = "The finding of belter 0 is clear, and besides it";

fn turn(asked: &Asked) -> &str {
    asked.key.rsplit('/').next().unwrap()
}

/// An agent whose first answer is cut, and what it does when it is asked again.
fn cut_then(again: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| match (asked.step(), turn(asked)) {
        ("belter_0", "0") => Act::SayCut(HALF.to_owned()),
        ("belter_0", _) => again(asked),
        _ => Act::Say(obliging(asked, 2)),
    })
}

#[tokio::test]
async fn an_agent_that_was_cut_off_is_asked_for_a_shorter_answer() {
    let engine = Engine::start(cut_then(|_| Act::Say("It is clear.".to_owned())));
    let id = engine.submit(research(2)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    let step = results.steps.iter().find(|step| step.id.as_str() == "belter_0").unwrap();
    assert_eq!((step.text.as_deref(), step.is_cut), (Some("It is clear."), false));
    assert!(results.document.unwrap().notes.is_empty());
    let asked = engine.provider.asked();
    let again = asked.iter().find(|asked| asked.step() == "belter_0" && turn(asked) == "1").unwrap();
    let [.., Message::Assistant(said), Message::User(why)] = &again.messages[..] else {
        panic!("{:?}", again.messages)
    };
    assert_eq!(said.text, HALF);
    assert!(why.contains("cut off at the token limit") && why.contains("half as many words"), "{why}");
}

#[tokio::test]
async fn what_stays_cut_is_marked_for_clients_and_readers() {
    let again: [(&str, Act); 4] = [
        ("cut again", Act::SayCut("Besides".to_owned())),
        ("says nothing", Act::Say(String::new())),
        ("refuses", Act::Fail(FailureClass::ContentFilter, None)),
        ("panics", Act::Panic),
    ];
    for (case, act) in again {
        let engine = Engine::start(cut_then(move |_| act.clone()));
        let id = engine.submit(research(2)).await;
        let results = engine.handle.wait(&id).await.unwrap();
        assert_eq!(results.row.summary.status, Status::Completed, "{case}");
        let step = results.steps.iter().find(|step| step.id.as_str() == "belter_0").unwrap();
        let text = if case == "cut again" { "Besides" } else { HALF };
        assert_eq!((step.text.as_deref(), step.is_cut), (Some(text), true), "{case}");
        let notes = results.document.unwrap().notes;
        assert_eq!(notes, ["What belter_0 wrote was cut off at the token limit: its end is missing."], "{case}");
        let events = engine.events(&id).await;
        let told = events.iter().map(|event| serde_json::to_value(event).unwrap());
        let complete: Vec<_> = told.filter(|event| event["event_type"] == "agent_complete").collect();
        let cut = |event: &&serde_json::Value| event["data"]["is_cut"] == true;
        assert_eq!(
            complete.iter().filter(cut).map(|event| &event["agent_id"]).collect::<Vec<_>>(),
            ["belter_0"],
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_budget_that_does_not_pay_for_a_second_answer_leaves_the_one_that_was_cut() {
    let engine = Engine::start(cut_then(|_| Act::Say("It is clear.".to_owned())));
    // The plan, two agents, one report.
    let id = engine.submit(RequestDraft { max_calls: Some(3), ..research(2) }).await;
    let results = engine
        .handle
        .results(&{
            engine.handle.settled(&id).await.unwrap();
            id.clone()
        })
        .await
        .unwrap();
    let step = results.steps.iter().find(|step| step.id.as_str() == "belter_0").unwrap();
    assert_eq!((step.text.as_deref(), step.is_cut, &step.failure), (Some(HALF), true, &None));
    assert_eq!(engine.provider.asked().len(), 3);
}

#[tokio::test]
async fn an_answer_by_a_schema_that_stays_cut_fails_and_says_why() {
    let schema = json!({ "type": "object", "properties": { "score": { "type": "integer" } } });
    let draft = RequestDraft::sequential("How does a workflow survive a crash?")
        .with_step(StepDraft::agent("rate", "Rate it").with_schema(schema));
    let engine = Engine::start(ScriptedProvider::new(|_| Act::SayCut(r#"{"score": 1"#.to_owned())));
    let id = engine.submit(draft).await;
    let failure = engine.handle.settled(&id).await.unwrap().summary.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Decode);
    assert!(failure.message.contains("was cut off at the token limit and does not fit its JSON Schema"), "{failure}");
    assert_eq!(engine.provider.asked().len(), 3, "once for its length and once for its form");
}

#[tokio::test]
async fn tools_whose_arguments_were_cut_are_not_called_and_the_agent_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "The log of a workflow survives a crash.\n").unwrap();
    let script = |asked: &Asked| match (asked.step(), turn(asked)) {
        ("belter_0", "0") => Act::CallToolsCut(vec![("corpus_search", r#"{"query":"lo"#.to_owned())]),
        _ => Act::Say(obliging(asked, 1)),
    };
    let engine =
        Engine::start_with(ScriptedProvider::new(script), |builder| builder.with_corpus("docs", folder.path()));
    let id = engine.submit(research(1)).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.progress.spent.calls, row.summary.progress.spent.model_calls, "no tool was called");
    let asked = engine.provider.asked();
    let again = asked.iter().find(|asked| asked.step() == "belter_0" && turn(asked) == "1").unwrap();
    let Some(Message::Tool(told)) = again.messages.last() else { panic!("{:?}", again.messages) };
    assert!(told.is_error && told.content.contains("cut off at the token limit"), "{}", told.content);
}

#[tokio::test]
async fn a_restart_between_the_cut_answer_and_the_shorter_one_asks_for_that_alone() {
    let store = Arc::new(MemoryStore::new());
    let first = Engine::start_on(Arc::<MemoryStore>::clone(&store), cut_then(|_| Act::Hang), |builder| builder);
    let id = first.submit(research(2)).await;
    first.until("only that one is open", |provider| provider.asked().len() == 4 && provider.running() == 1).await;
    first.handle.shutdown(Duration::ZERO).await.unwrap();
    let second = Engine::start_on(store, cut_then(|_| Act::Say("It is clear.".to_owned())), |builder| builder);
    assert_eq!(second.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let asked = second.provider.asked();
    assert_eq!((asked[0].step(), turn(&asked[0])), ("belter_0", "1"));
    assert!(matches!(asked[0].messages.last(), Some(Message::User(why)) if why.contains("cut off")));
}
