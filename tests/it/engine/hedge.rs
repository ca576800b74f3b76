//! A second call beside one that takes long: when it is made, which answer counts, and what the other one costs.

use std::time::Duration;

use mcp_orchestrator::{Hedge, WorkflowId};
use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallNo, CallStarted, Cost, Event, FailureClass, Money, ProviderName, RequestDraft, Seq,
    Status, Target,
};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};

use super::harness::{Engine, research};

const AFTER: Duration = Duration::from_secs(20);

fn is_hedge(asked: &Asked) -> bool {
    asked.key.ends_with("/hedge")
}

/// One agent: what its first call does and what the one beside it does. Everybody else obliges.
fn scripted(first: Act, beside: Act) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| match asked.step() {
        "belter_0" if is_hedge(asked) => beside.clone(),
        "belter_0" if asked.before == 0 => first.clone(),
        _ => Act::Say(obliging(asked, 2)),
    })
}

fn hedging(provider: ScriptedProvider) -> Engine {
    Engine::start_with(provider, |builder| builder.with_hedge(Hedge::After(AFTER)))
}

/// Submits it, and waits until only the call of the slow agent is open.
async fn slow(engine: &Engine, draft: RequestDraft) -> WorkflowId {
    let id = engine.submit(draft).await;
    engine.until("only the slow one runs", |provider| provider.asked().len() == 3 && provider.running() == 1).await;
    engine.until_recorded(&id, "step_completed", 2).await;
    id
}

/// Lets the hedge be made.
async fn hedge(engine: &Engine, id: &WorkflowId) {
    engine.clock.advance(AFTER);
    engine.until_recorded(id, "call_started", 4).await;
    engine.until("somebody is asked", |provider| provider.asked().iter().any(is_hedge)).await;
}

struct Calls {
    hedges: Vec<CallStarted>,
    abandoned: Vec<CallAbandoned>,
    completed: Vec<CallNo>,
}

async fn calls(engine: &Engine, id: &WorkflowId) -> Calls {
    let mut calls = Calls { hedges: Vec::new(), abandoned: Vec::new(), completed: Vec::new() };
    for recorded in engine.handle.records(id, Seq::ZERO, 1000).await.unwrap() {
        match &recorded.record.event {
            Event::CallStarted(started) if started.hedges.is_some() => calls.hedges.push(started.clone()),
            Event::CallAbandoned(abandoned) => calls.abandoned.push(abandoned.clone()),
            Event::CallCompleted(completed) => calls.completed.push(completed.call),
            _ => {}
        }
    }
    calls
}

async fn text_of(engine: &Engine, id: &WorkflowId, step: &str) -> Option<String> {
    let results = engine.handle.wait(id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed, "{:?}", results.row.summary.failure);
    results.steps.iter().find(|result| result.id.as_str() == step)?.text.as_deref().map(str::to_owned)
}

#[tokio::test]
async fn a_call_that_takes_long_gets_one_beside_it_and_the_first_answer_counts() {
    let engine = hedging(scripted(Act::Hang, Act::Say("The second was faster.".to_owned())));
    let id = slow(&engine, research(2)).await;
    engine.clock.advance(AFTER - Duration::from_millis(1));
    tokio::task::yield_now().await;
    assert_eq!(engine.provider.asked().len(), 3, "not yet");
    engine.clock.advance(Duration::from_millis(1));
    assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("The second was faster."));
    let Calls { hedges, abandoned, .. } = calls(&engine, &id).await;
    let [hedge] = &hedges[..] else { panic!("{hedges:?}") };
    assert_eq!((hedge.attempt, hedge.turn), (2, 0));
    let [beaten] = &abandoned[..] else { panic!("{abandoned:?}") };
    assert_eq!((Some(beaten.call), beaten.reason, beaten.run_ms), (hedge.hedges, Abandoned::Hedge, 20_000));
    engine.until("it is dropped", |provider| provider.running() == 0).await;
    let step = &engine.handle.results(&id).await.unwrap().steps[1];
    assert_eq!((step.id.as_str(), step.used.run_ms), ("belter_0", 20_000));
}

#[tokio::test]
async fn the_call_that_took_long_may_still_be_the_first() {
    let first = Act::Hold("The first came after all.".to_owned());
    let engine = hedging(scripted(first, Act::Hang));
    let id = slow(&engine, research(2)).await;
    hedge(&engine, &id).await;
    engine.provider.release();
    assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("The first came after all."));
    let Calls { hedges, abandoned, .. } = calls(&engine, &id).await;
    assert_eq!((hedges.len(), abandoned.len(), abandoned[0].call), (1, 1, hedges[0].call));
    engine.until("it is dropped", |provider| provider.running() == 0).await;
}

#[tokio::test]
async fn an_answer_that_comes_with_the_other_one_is_paid_for_as_it_says() {
    let price =
        Price { input_per_million: Money::from_usd(1.0).unwrap(), output_per_million: Money::from_usd(1.0).unwrap() };
    let both = Act::Hold("The finding is clear.".to_owned());
    let engine = hedging(scripted(both.clone(), both).with_price(price));
    let id = slow(&engine, RequestDraft { budget_usd: Some(1.0), ..research(2) }).await;
    hedge(&engine, &id).await;
    engine.provider.release();
    assert!(text_of(&engine, &id, "belter_0").await.is_some());
    let Calls { abandoned, completed, .. } = calls(&engine, &id).await;
    let [late] = &abandoned[..] else { panic!("{abandoned:?}") };
    assert_eq!(
        (late.reason, late.cost, late.usage.total()),
        (Abandoned::Hedge, Cost::Reported(price.of(100, 20)), 120)
    );
    let spent = engine.handle.status(&id).await.unwrap().summary.progress.spent;
    let calls = completed.len() as u64 + 1;
    assert_eq!((spent.unknown_cost_calls, spent.usage.total()), (0, calls * 120));
    assert_eq!(spent.cost, Money::from_pico_usd(calls * price.of(100, 20).pico_usd()));
}

#[tokio::test]
async fn the_call_beside_asks_the_next_provider_of_the_order() {
    let other = ScriptedProvider::obliging(2).named("second");
    let asked = other.clone();
    let engine = Engine::start_with(scripted(Act::Hang, Act::Hang), move |builder| {
        let second = ProviderName::new("second").unwrap();
        builder.with_hedge(Hedge::After(AFTER)).with_provider(other).with_fallback([second])
    });
    let id = slow(&engine, RequestDraft { model: Some("dear-1".to_owned()), ..research(2) }).await;
    engine.clock.advance(AFTER);
    assert!(text_of(&engine, &id, "belter_0").await.is_some());
    let Calls { hedges, .. } = calls(&engine, &id).await;
    let second = Target::Model { provider: ProviderName::new("second").unwrap(), model: None };
    assert_eq!((&hedges[0].target, asked.asked().len()), (&second, 1));
    assert!(engine.provider.asked().iter().any(|asked| asked.step() == "camina"), "it has not failed");
}

#[tokio::test]
async fn a_provider_that_cannot_take_the_call_is_not_asked_beside_it() {
    let narrow = ScriptedProvider::obliging(2).named("second").with_context_tokens(8);
    let asked = narrow.clone();
    let engine = Engine::start_with(scripted(Act::Hang, Act::Say("The same one.".to_owned())), move |builder| {
        let second = ProviderName::new("second").unwrap();
        builder.with_hedge(Hedge::After(AFTER)).with_provider(narrow).with_fallback([second])
    });
    let id = slow(&engine, research(2)).await;
    hedge(&engine, &id).await;
    assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("The same one."));
    assert_eq!(asked.asked().len(), 0);
}

#[tokio::test]
async fn without_budget_for_it_there_is_no_second_call() {
    let engine = hedging(scripted(Act::Hold("Slow but clear.".to_owned()), Act::Say("Never asked.".to_owned())));
    let id = slow(&engine, RequestDraft { max_calls: Some(3), ..research(2) }).await;
    engine.clock.advance(AFTER);
    engine.clock.advance(AFTER);
    tokio::task::yield_now().await;
    engine.provider.release();
    engine.handle.settled(&id).await.unwrap();
    assert!(!engine.provider.asked().iter().any(is_hedge));
}

#[tokio::test]
async fn time_a_call_waits_for_permission_is_no_time_it_takes() {
    let engine = hedging(scripted(
        Act::Park(Box::new(Act::Wait(Box::new(Act::Say("Slow but clear.".to_owned()))))),
        Act::Say("The second was faster.".to_owned()),
    ));
    let id = slow(&engine, research(2)).await;
    engine.clock.advance(AFTER * 10);
    tokio::task::yield_now().await;
    engine.provider.release();
    engine.until("it runs", |provider| provider.running() == 1).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.provider.asked().len(), 3, "it has run for no time");
    engine.clock.advance(AFTER);
    assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("The second was faster."));
}

#[tokio::test]
async fn a_second_call_that_fails_changes_nothing() {
    let first = Act::Hold("Slow but clear.".to_owned());
    let engine = hedging(scripted(first, Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(3)))));
    let id = slow(&engine, research(2)).await;
    hedge(&engine, &id).await;
    engine.until_recorded(&id, "call_failed", 1).await;
    engine.clock.advance(AFTER);
    tokio::task::yield_now().await;
    engine.provider.release();
    assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("Slow but clear."));
    assert_eq!(calls(&engine, &id).await.hedges.len(), 1, "one in a turn");
}

#[tokio::test]
async fn when_the_first_fails_the_second_is_waited_for_and_when_both_fail_the_turn_is_tried_again() {
    let fail = |class| Act::Wait(Box::new(Act::Fail(class, None)));
    for beside in [Act::Hang, fail(FailureClass::Server)] {
        let is_hanging = matches!(beside, Act::Hang);
        let engine = hedging(scripted(fail(FailureClass::Network), beside));
        let id = slow(&engine, research(2)).await;
        hedge(&engine, &id).await;
        engine.provider.release();
        if is_hanging {
            engine.until_recorded(&id, "call_failed", 1).await;
            engine.clock.advance(AFTER);
            tokio::task::yield_now().await;
            assert_eq!((engine.provider.asked().len(), engine.provider.running()), (4, 1));
        } else {
            engine.until_recorded(&id, "call_failed", 2).await;
            engine.clock.advance(AFTER);
            assert_eq!(text_of(&engine, &id, "belter_0").await.as_deref(), Some("The finding of belter 0 is clear."));
        }
    }
}

#[tokio::test]
async fn a_cancellation_stops_both() {
    let engine = hedging(scripted(Act::Hang, Act::Hang));
    let id = slow(&engine, research(2)).await;
    hedge(&engine, &id).await;
    engine.handle.cancel(&id, "enough").await.unwrap();
    assert_eq!(engine.provider.running(), 0);
    let Calls { abandoned, .. } = calls(&engine, &id).await;
    assert_eq!(abandoned.iter().map(|call| call.reason).collect::<Vec<_>>(), [Abandoned::Cancel; 2]);
}

#[tokio::test]
async fn nobody_is_asked_twice_unless_the_operator_wants_it() {
    let engine = Engine::start(scripted(Act::Hang, Act::Say("Never asked.".to_owned())));
    let id = slow(&engine, research(2)).await;
    engine.clock.advance(AFTER * 3);
    tokio::task::yield_now().await;
    assert_eq!(engine.provider.asked().len(), 3);
    engine.handle.cancel(&id, "enough").await.unwrap();
}
