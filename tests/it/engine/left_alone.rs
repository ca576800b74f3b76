//! A service that is left alone because it keeps failing: nobody is asked, so no try is used up, and nobody waits for ever.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{
    Clock as _, Handle, MemoryStore, Orchestrator, Provider, SystemClock,
    layers::{BreakerLimits, CircuitBreaker},
};
use mcp_orchestrator_domain::{FailureClass, RequestDraft, Status};
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use tokio::time::Instant;

use super::harness::research;

/// An engine on a clock that goes to the next timer when nothing else can be done.
fn engine(provider: impl Provider) -> Handle {
    let clock = SystemClock::new();
    let store = MemoryStore::with_now(Arc::new(move || clock.now()));
    let builder = Orchestrator::builder(store).with_provider(provider).with_clock(clock);
    builder.with_seed(7).build().unwrap().start()
}

/// A provider that is left alone for a minute so often, then answers.
fn left_alone(times: usize) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| match asked.step() {
        "belter_0" if asked.before < times => Act::Fail(FailureClass::Unavailable, Some(Duration::from_secs(60))),
        _ => Act::Say(obliging(asked, 3)),
    })
}

fn patient(agents: u64) -> RequestDraft {
    RequestDraft { workflow_timeout_seconds: Some(86_400.0), ..research(agents) }
}

async fn outcome(engine: &Handle) -> (Status, usize) {
    let id = engine.submit(patient(3)).await.unwrap();
    let results = engine.wait(&id).await.unwrap();
    (results.row.summary.status, results.document.map_or(0, |document| document.gaps.len()))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_made_is_no_try() {
    let engine = engine(left_alone(5));
    let began = Instant::now();
    assert_eq!(outcome(&engine).await, (Status::Completed, 0));
    assert!(began.elapsed() >= Duration::from_secs(300), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_dead_service_to_the_deadline_of_its_workflow() {
    let provider = left_alone(usize::MAX);
    let engine = engine(provider.clone());
    let began = Instant::now();
    assert_eq!(outcome(&engine).await, (Status::Completed, 1));
    assert!(began.elapsed() < Duration::from_secs(330), "{:?}", began.elapsed());
    let asked = provider.asked().iter().filter(|asked| asked.step() == "belter_0").count();
    assert_eq!(asked, 6, "five pauses, and the one that is too many");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_for_some_minutes_costs_no_agent() {
    let began = Instant::now();
    let is_down = move |asked: &Asked| {
        let passed = began.elapsed().as_secs();
        asked.step().starts_with("belter") && passed < 200
    };
    let provider = ScriptedProvider::new(move |asked| match is_down(asked) {
        true => Act::Fail(FailureClass::Network, None),
        false => Act::Say(obliging(asked, 8)),
    });
    let engine = engine(CircuitBreaker::new(provider.clone(), BreakerLimits::default()));
    let id = engine.submit(patient(8)).await.unwrap();
    let results = engine.wait(&id).await.unwrap();
    assert!(results.document.unwrap().gaps.is_empty(), "{:?}", results.steps);
    let refused = provider.asked().iter().filter(|asked| asked.step().starts_with("belter")).count();
    assert!(refused <= 8 + 8 + 4, "{refused} requests: eight at first, one after each minute, and the answers");
    assert!(began.elapsed() < Duration::from_secs(330), "{:?}", began.elapsed());
}
