//! Questions to people: asked while others work, answered from anywhere, across restarts.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Error, RequestDraft, StepDraft, WorkerMode};
use mcp_orchestrator_domain::{Rejected, Status, StepId, WorkflowId};
use mcp_orchestrator_store::MemoryStore;
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::Engine;

const TASK: &str = "How does a workflow survive a crash?";

fn step(id: &str) -> StepId {
    StepId::new(id).unwrap()
}

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}

async fn until_waiting(engine: &Engine, id: &WorkflowId) {
    let waits = async {
        while engine.handle.status(id).await.unwrap().summary.status != Status::Waiting {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it waits for an answer");
}

async fn questions(engine: &Engine, id: &WorkflowId) -> Vec<String> {
    engine.handle.questions(id).await.unwrap().iter().map(|question| question.step.to_string()).collect()
}

#[tokio::test]
async fn a_person_is_asked_between_two_steps_and_the_answer_is_read() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let draft = RequestDraft::sequential(TASK)
        .with_step(agent("gather"))
        .with_step(StepDraft::ask("approve", "Is this enough?"))
        .with_step(agent("write"));
    let id = engine.submit(draft).await;
    let early = engine.handle.answer(&id, step("write"), "yes").await;
    assert!(matches!(early, Err(Error::Rejected(Rejected::NoQuestion(step))) if step.as_str() == "write"));
    until_waiting(&engine, &id).await;
    let asked = engine.handle.questions(&id).await.unwrap();
    assert_eq!(asked[0].question, "Is this enough?");
    engine.handle.answer(&id, step("approve"), "  Yes, but shorter.\u{1b}[2J ").await.unwrap();
    assert!(engine.handle.answer(&id, step("approve"), "twice").await.is_err());
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let answer = results.steps.iter().find(|step| step.id.as_str() == "approve").unwrap();
    assert_eq!(answer.text.as_deref(), Some("Yes, but shorter.[2J"));
    let asked = engine.provider.asked();
    let write = asked.iter().find(|asked| asked.step() == "write").unwrap();
    assert_eq!(&*write.input.outputs[1].text, "Yes, but shorter.[2J");
}

#[tokio::test]
async fn several_people_are_asked_while_agents_work_and_in_any_order_they_answer() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "slow" => Act::Hold("Late.".to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let draft = RequestDraft::custom(TASK)
        .with_step(StepDraft::ask("first", "What first?"))
        .with_step(StepDraft::ask("second", "What second?"))
        .with_step(agent("slow"))
        .with_step(agent("end").with_needs(["first", "second", "slow"]));
    let id = engine.submit(draft).await;
    engine.until_recorded(&id, "input_requested", 2).await;
    assert_eq!(engine.handle.status(&id).await.unwrap().summary.status, Status::Running);
    assert_eq!(questions(&engine, &id).await, ["first", "second"]);
    engine.handle.answer(&id, step("second"), "2").await.unwrap();
    engine.until_recorded(&id, "step_completed", 1).await;
    assert_eq!(engine.provider.running(), 1, "the answer did not disturb the agent");
    engine.provider.release();
    until_waiting(&engine, &id).await;
    assert_eq!(questions(&engine, &id).await, ["first"]);
    engine.handle.answer(&id, step("first"), "1").await.unwrap();
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert_eq!(engine.provider.asked().iter().filter(|asked| asked.step() == "slow").count(), 1);
}

#[tokio::test]
async fn several_questions_alone_are_asked_at_once() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let draft = RequestDraft::custom(TASK)
        .with_step(StepDraft::ask("first", "What first?"))
        .with_step(StepDraft::ask("second", "What second?"))
        .with_step(agent("end").with_needs(["first", "second"]));
    let id = engine.submit(draft).await;
    until_waiting(&engine, &id).await;
    assert_eq!(questions(&engine, &id).await, ["first", "second"]);
    engine.handle.answer(&id, step("first"), "1").await.unwrap();
    engine.until_recorded(&id, "step_completed", 1).await;
    until_waiting(&engine, &id).await;
    engine.handle.answer(&id, step("second"), "2").await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn a_question_outlives_the_process_that_asked_it() {
    let store = Arc::new(MemoryStore::new());
    let draft = RequestDraft::sequential(TASK)
        .with_step(agent("gather"))
        .with_step(StepDraft::ask("approve", "Is this enough?"))
        .with_step(agent("write"));
    let first = Engine::start_on(Arc::<MemoryStore>::clone(&store), ScriptedProvider::obliging(1), |builder| builder);
    let id = first.submit(draft).await;
    until_waiting(&first, &id).await;
    first.handle.shutdown(Duration::ZERO).await.unwrap();

    let nobody = Engine::start_on(Arc::<MemoryStore>::clone(&store), ScriptedProvider::obliging(1), |builder| {
        builder.with_worker_mode(WorkerMode::None)
    });
    nobody.handle.answer(&id, step("approve"), "Yes.").await.unwrap();
    let second = Engine::start_on(store, ScriptedProvider::obliging(1), |builder| builder);
    let results = second.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let asked: Vec<String> = second.provider.asked().iter().map(|asked| asked.step().to_owned()).collect();
    assert_eq!(asked, ["write"], "what was done is not done again");
}

#[tokio::test]
async fn a_workflow_that_waits_can_be_cancelled() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let id = engine.submit(RequestDraft::sequential(TASK).with_step(StepDraft::ask("approve", "Well?"))).await;
    until_waiting(&engine, &id).await;
    engine.handle.cancel(&id, "nobody is there").await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Cancelled);
    let late = engine.handle.answer(&id, step("approve"), "Yes").await;
    assert!(matches!(late, Err(Error::Rejected(Rejected::Ended(Status::Cancelled)))));
}
