//! A 429 parks; parked agents take no place and no time.

use std::time::Duration;

use mcp_orchestrator_domain::{Event, FailureClass, Seq, Stage, Status};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

#[tokio::test]
async fn a_rate_limited_agent_waits_as_long_as_asked_while_its_siblings_finish() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" if asked.before < 3 => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(100))),
        _ => Act::Say(obliging(asked, 3)),
    }));
    let id = engine.submit(research(3)).await;
    let asked = |step: &'static str| move |p: &ScriptedProvider| p.asked().iter().filter(|a| a.step() == step).count();
    for round in 1..=3_usize {
        engine.until("belter_0 is asked again", |p| asked("belter_0")(p) == round).await;
        engine.until("the others are done", |p| asked("belter_2")(p) == 1 && p.running() == 0).await;
        engine.until_recorded(&id, "call_failed", round).await;
        engine.clock.advance(Duration::from_secs(99));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(asked("belter_0")(&engine.provider), round, "not before the service allows it");
        engine.clock.advance(Duration::from_secs(30));
    }
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let belter = results.steps.iter().find(|step| step.id.as_str() == "belter_0").unwrap();
    // 387 seconds of waiting are far more than the agent's limit of 180 and are not counted as its own.
    assert!(belter.failure.is_none());
    assert!(belter.used.run_ms < 1000);
}

#[tokio::test]
async fn waits_are_no_tries() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match (asked.step(), asked.before) {
        ("belter_0", 0..3) => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(1))),
        ("belter_0", 3) => Act::Fail(FailureClass::Truncated, None),
        _ => Act::Say(obliging(asked, 3)),
    }));
    let id = engine.submit(research(3)).await;
    for failed in 1..=4_usize {
        engine.until_recorded(&id, "call_failed", failed).await;
        engine.clock.advance(Duration::from_secs(30));
    }
    let results = engine.handle.wait(&id).await.unwrap();
    let belter = results.steps.iter().find(|step| step.id.as_str() == "belter_0").unwrap();
    assert!(belter.failure.is_none(), "{:?}", belter.failure);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_fails_the_agent_at_once() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(100_000))),
        _ => Act::Say(obliging(asked, 3)),
    }));
    let id = engine.submit(research(3)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert_eq!(results.document.unwrap().gaps.len(), 1);
}

#[tokio::test]
async fn never_more_steps_run_at_once_than_allowed_synthesis_included() {
    let engine = Engine::start(ScriptedProvider::obliging(12));
    let id = engine
        .submit(mcp_orchestrator_domain::RequestDraft {
            max_concurrent_agents: Some(2),
            synthesis_group_size: Some(2),
            ..research(12)
        })
        .await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    assert!(engine.provider.running_peak() <= 2);
}

#[tokio::test]
async fn a_group_is_merged_as_soon_as_it_is_complete_in_order_of_arrival() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" | "belter_1" => Act::Hold("late".to_owned()),
        _ => Act::Say(obliging(asked, 6)),
    }));
    let id =
        engine.submit(mcp_orchestrator_domain::RequestDraft { synthesis_group_size: Some(2), ..research(6) }).await;
    engine
        .until("two groups are merged while two agents run", |provider| {
            provider.asked().iter().filter(|asked| asked.step().starts_with("drummer")).count() == 2
        })
        .await;
    engine.until("only the late ones run", |provider| provider.running() == 2).await;
    engine.provider.release();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let log = engine.handle.records(&id, Seq::ZERO, 1000).await.unwrap();
    let reads = log.iter().find_map(|recorded| match &recorded.record.event {
        Event::StepPlanned(spec) if spec.stage == Stage::Synthesis => Some(spec.reads.clone()),
        _ => None,
    });
    assert!(reads.unwrap().iter().all(|id| !["belter_0", "belter_1"].contains(&id.as_str())));
}
