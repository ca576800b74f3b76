//! What a workflow spends, seen while it runs: in events, in its status, and in the sums of the process.

use std::time::Duration;

use mcp_orchestrator::ModelSpending;
use mcp_orchestrator_domain::{Cost, FailureClass, Money, RequestDraft, Usage};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use serde_json::{Value, json};

use super::harness::{Engine, research};

fn billed(asked: &Asked, cost: Cost) -> Act {
    let usage = Usage { input: 90, cached: 40, output: 10, ..Usage::default() };
    Act::Bill(usage, cost, Box::new(Act::Say(obliging(asked, 2))))
}

const CENT: Money = Money::from_pico_usd(10_000_000_000);

async fn told(engine: &Engine, id: &mcp_orchestrator::WorkflowId) -> Vec<Value> {
    engine.events(id).await.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

#[tokio::test]
async fn every_event_says_what_was_spent_by_then_and_whether_that_is_an_estimate() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "planner" => billed(asked, Cost::Reported(CENT)),
        _ => billed(asked, Cost::Estimated(CENT)),
    }));
    let id = engine.submit(research(2)).await;
    engine.handle.settled(&id).await.unwrap();
    let events = told(&engine, &id).await;
    let (mut calls, mut estimates) = (0.0, false);
    for event in events.iter().filter(|event| event["event_type"] != "stream_closed") {
        if event["data"]["activity"] == "call_completed" {
            calls += 1.0;
            let is_estimate = event["agent_id"] != "planner";
            estimates |= is_estimate;
            assert_eq!(event["data"]["cost"], json!(0.01), "{event}");
            assert_eq!(event["data"]["cost_is_estimate"] == true, is_estimate, "{event}");
        }
        let progress = &event["progress"];
        let cost = progress["cost_usd"].as_f64().unwrap();
        assert!((cost - calls * 0.01).abs() < 1e-9, "{event}");
        assert_eq!(progress["cost_is_estimate"] == true, estimates, "{event}");
        assert_eq!(progress["tokens"].as_f64(), Some(calls * 100.0), "{event}");
    }
    assert!(calls > 3.0);
    let status = engine.handle.status(&id).await.unwrap().summary.progress;
    assert!(status.spent.is_estimate() && status.cost().is_some());
}

#[tokio::test]
async fn a_cost_nobody_knows_is_null_in_every_event_from_then_on() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" => billed(asked, Cost::Unknown),
        _ => billed(asked, Cost::Reported(CENT)),
    }));
    let id = engine.submit(research(2)).await;
    engine.handle.settled(&id).await.unwrap();
    let events = told(&engine, &id).await;
    let unknown = |event: &Value| event["data"]["activity"] == "call_completed" && event["agent_id"] == "belter_0";
    let from = events.iter().position(unknown).unwrap();
    assert!(events[..from].iter().all(|event| event["progress"]["cost_usd"].is_number()));
    assert!(events[from..].iter().all(|event| event["progress"]["cost_usd"].is_null()));
    assert!(events[from]["data"]["cost"].is_null());
    assert!(!engine.handle.status(&id).await.unwrap().summary.progress.spent.is_estimate(), "it is not known at all");
}

#[tokio::test]
async fn a_process_counts_what_calls_came_to_by_provider_and_model() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match (asked.step(), asked.before) {
        ("belter_0", 0) => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(7))),
        ("belter_0", _) => billed(asked, Cost::Unknown),
        ("belter_1", _) => Act::Hang,
        ("planner", _) => billed(asked, Cost::Estimated(CENT)),
        _ => billed(asked, Cost::Reported(CENT)),
    }));
    let id = engine.submit(RequestDraft { agent_model: Some("dear-1".to_owned()), ..research(2) }).await;
    engine.until_recorded(&id, "call_failed", 1).await;
    engine.clock.advance(Duration::from_secs(8));
    engine.until_recorded(&id, "call_completed", 2).await;
    engine.until("only one hangs", |provider| provider.running() == 1).await;
    engine.handle.cancel(&id, "enough").await.unwrap();

    let spending = engine.handle.spending();
    let [dear, default] = &spending[..] else { panic!("{spending:?}") };
    assert_eq!((dear.provider.as_str(), dear.model.as_str()), ("scripted", "dear-1"));
    let calls: Vec<_> = dear.calls.iter().map(|(how, count)| (*how, *count)).collect();
    assert_eq!(calls, [(("abandoned", "cancel"), 1), (("answered", ""), 1), (("failed", "rate_limited"), 1)]);
    assert_eq!((dear.unknown_cost_calls, dear.usage.total(), dear.usage.cached), (2, 100, 40));
    assert!(dear.parked >= Duration::from_secs(7), "{:?}", dear.parked);
    assert_eq!((default.model.as_str(), default.estimated, default.reported), ("scripted-1", CENT, Money::ZERO));
    let spent = engine.handle.status(&id).await.unwrap().summary.progress.spent;
    let sum = |of: fn(&ModelSpending) -> u64| spending.iter().map(of).sum::<u64>();
    assert_eq!(sum(|model| model.usage.total()), spent.usage.total());
    assert_eq!(sum(|model| model.unknown_cost_calls), u64::from(spent.unknown_cost_calls));
    assert_eq!(sum(|model| model.reported.plus(model.estimated).pico_usd()), spent.cost.pico_usd());
}

#[tokio::test]
async fn what_is_free_is_counted_as_free_although_it_was_given_up() {
    let engine = Engine::start(ScriptedProvider::new(|_| Act::Hang).with_price(Price::FREE));
    let id = engine.submit(research(2)).await;
    engine.until("somebody is asked", |provider| provider.running() > 0).await;
    engine.handle.cancel(&id, "enough").await.unwrap();
    assert_eq!(engine.handle.spending()[0].unknown_cost_calls, 0);
    assert_eq!(engine.handle.status(&id).await.unwrap().summary.progress.cost(), Some(Money::ZERO));
}
