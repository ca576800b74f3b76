//! A failing agent takes nobody down; a workflow without any result fails.

use std::time::Duration;

use mcp_orchestrator_domain::{FailureClass, Role, Stage, Status};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

#[tokio::test]
async fn a_workflow_completes_and_its_report_is_marked_unverified_without_sources() {
    let engine = Engine::start(ScriptedProvider::obliging(8));
    let id = engine.submit(research(8)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let report = results.report().unwrap();
    assert_eq!(report.outcome, mcp_orchestrator_domain::Outcome::Unverified);
    assert_eq!(results.documents.len(), 1);
    let names = engine.event_names(&id).await;
    assert_eq!(names.iter().filter(|name| **name == "agent_start").count(), 8);
    assert_eq!(names.iter().filter(|name| **name == "agent_complete").count(), 8);
    assert_eq!(names[0], "workflow_start");
    assert_eq!(names[names.len() - 2..], ["workflow_complete", "stream_closed"]);
}

#[tokio::test]
async fn a_failing_or_panicking_agent_keeps_its_name_and_its_siblings_go_on() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_1" => Act::Fail(FailureClass::BadRequest, None),
        "belter_2" => Act::Panic,
        _ => Act::Say(obliging(asked, 4)),
    }));
    let id = engine.submit(research(4)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let agents: Vec<_> = results.steps.iter().filter(|step| step.stage == Stage::Agents).collect();
    let failed: Vec<_> = agents.iter().filter(|step| step.failure.is_some()).collect();
    assert_eq!(agents.len(), 4);
    assert_eq!(failed.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["belter_1", "belter_2"]);
    assert!(failed.iter().all(|step| step.role == Role::Researcher && step.task.contains("part number")));
    let gaps = &results.document.as_ref().unwrap().gaps;
    assert_eq!(gaps.iter().map(|gap| gap.step.as_str()).collect::<Vec<_>>(), ["belter_1", "belter_2"]);
    let events = engine.events(&id).await;
    let error = events.iter().find(|event| event.event_type().as_str() == "agent_error").unwrap();
    assert_eq!(error.agent_id.as_ref().unwrap().as_str(), "belter_1");
}

#[tokio::test]
async fn when_every_agent_fails_the_workflow_fails_with_the_reasons() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 3)),
    }));
    let id = engine.submit(research(3)).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Failed);
    assert!(row.summary.failure.unwrap().message.contains("as the script says"));
    let names = engine.event_names(&id).await;
    assert_eq!(names[names.len() - 2..], ["workflow_error", "stream_closed"]);
}

#[tokio::test]
async fn a_hanging_provider_ends_at_the_workflows_deadline() {
    let engine = Engine::start(ScriptedProvider::new(|_| Act::Hang));
    let id = engine.submit(research(2)).await;
    engine.until("the planner is asked", |provider| provider.running() == 1).await;
    // The agent's limit of 180 s ends each try before the workflow's 540 s do.
    for _ in 0..600 {
        engine.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Failed);
    let names = engine.event_names(&id).await;
    assert_eq!(names[names.len() - 2..], ["workflow_error", "stream_closed"]);
    assert_eq!(engine.provider.running(), 0);
}

#[tokio::test]
async fn a_network_error_is_tried_again_so_often_as_was_asked_and_no_more() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" if asked.before < 2 => Act::Fail(FailureClass::Network, None),
        "belter_1" => Act::Fail(FailureClass::Network, None),
        _ => Act::Say(obliging(asked, 2)),
    }));
    let id = engine.submit(research(2)).await;
    let tries = |step: &'static str| {
        move |provider: &ScriptedProvider| provider.asked().iter().filter(|a| a.step() == step).count()
    };
    for round in 1..=3_usize {
        engine.until("both tried", |p| tries("belter_0")(p) >= round && tries("belter_1")(p) >= round).await;
        engine.until_recorded(&id, "call_failed", if round < 3 { 2 * round } else { 5 }).await;
        for _ in 0..50 {
            engine.clock.advance(Duration::from_millis(200));
            tokio::task::yield_now().await;
        }
    }
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert_eq!((tries("belter_0")(&engine.provider), tries("belter_1")(&engine.provider)), (3, 3));
}
