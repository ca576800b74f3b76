//! The next provider answers when the first cannot: each attempt is a call, and its record says who was asked.

use std::time::Duration;

use mcp_orchestrator::{Builder, Error, MemoryStore, Orchestrator, SubmitOptions};
use mcp_orchestrator_domain::{
    Event, FailureClass, Image, ModelName, Money, ProviderName, RequestDraft, Role, Seq, Status, Target, WorkflowId,
};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};

use super::harness::{Engine, research};

fn name(text: &str) -> ProviderName {
    ProviderName::new(text).unwrap()
}

/// A first provider that does so, and a second one that obliges.
fn engine(first: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> (Engine, ScriptedProvider) {
    let second = ScriptedProvider::obliging(3).named("second");
    let other = second.clone();
    let with = move |builder: Builder| builder.with_provider(other).with_fallback([name("second")]);
    (Engine::start_with(ScriptedProvider::new(first), with), second)
}

/// Who was asked by each call, and what became of it.
async fn asked(engine: &Engine, id: &WorkflowId) -> Vec<(String, Option<String>)> {
    let log = engine.handle.records(id, Seq::ZERO, 1000).await.unwrap();
    let started = log.iter().filter_map(|recorded| match &recorded.record.event {
        Event::CallStarted(started) => match &started.target {
            Target::Model { provider, model } => Some((provider.to_string(), model.as_ref().map(ModelName::to_string))),
            Target::Tool { .. } => None,
        },
        _ => None,
    });
    started.collect()
}

#[tokio::test]
async fn a_provider_that_fails_for_good_is_left_for_the_next_one_and_not_asked_again() {
    let (engine, second) = engine(|_| Act::Fail(FailureClass::QuotaExhausted, None));
    let draft = RequestDraft { model: Some("dear-1".to_owned()), ..research(3) };
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert!(results.document.unwrap().gaps.is_empty());
    let asked = asked(&engine, &id).await;
    assert_eq!(asked[0], ("scripted".to_owned(), Some("dear-1".to_owned())), "the request's model is its provider's");
    assert!(asked[1..].iter().all(|(provider, model)| provider == "second" && model.is_none()), "{asked:?}");
    assert_eq!((engine.provider.asked().len(), second.asked().len()), (1, asked.len() - 1));
}

#[tokio::test]
async fn nobody_waits_longer_than_half_a_minute_while_another_provider_is_left() {
    let (engine, second) = engine(|asked| match asked.step() {
        "belter_0" => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(31))),
        _ => Act::Say(obliging(asked, 3)),
    });
    let id = engine.submit(research(3)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert!(results.document.unwrap().gaps.is_empty());
    assert!(second.asked().iter().any(|asked| asked.step() == "belter_0"), "nobody moved the clock");
    let log = engine.handle.records(&id, Seq::ZERO, 1000).await.unwrap();
    let parked = log
        .iter()
        .filter(|recorded| matches!(&recorded.record.event, Event::CallFailed(failed) if failed.retry_at.is_some()));
    assert_eq!(parked.count(), 0);
}

#[tokio::test]
async fn a_wait_within_half_a_minute_asks_nobody_else() {
    let (engine, second) = engine(|asked| match asked.step() {
        "belter_0" if asked.before == 0 => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(29))),
        _ => Act::Say(obliging(asked, 3)),
    });
    let id = engine.submit(research(3)).await;
    engine.until_recorded(&id, "call_failed", 1).await;
    for _ in 0..40 {
        engine.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    let results = engine.handle.wait(&id).await.unwrap();
    assert!(results.document.unwrap().gaps.is_empty());
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test]
async fn what_every_provider_would_refuse_fails_where_it_is() {
    let (engine, second) = engine(|asked| match asked.step() {
        "belter_0" => Act::Fail(FailureClass::ContentFilter, None),
        _ => Act::Say(obliging(asked, 3)),
    });
    let id = engine.submit(research(3)).await;
    assert_eq!(engine.handle.wait(&id).await.unwrap().document.unwrap().gaps.len(), 1);
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test]
async fn when_all_have_failed_the_agent_has() {
    let second = ScriptedProvider::new(|_| Act::Fail(FailureClass::Auth, None)).named("second");
    let with = move |builder: Builder| builder.with_provider(second).with_fallback([name("second")]);
    let engine = Engine::start_with(ScriptedProvider::new(|_| Act::Fail(FailureClass::QuotaExhausted, None)), with);
    let id = engine.submit(research(3)).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Failed);
    let states = results.steps.iter().map(|step| step.failure.is_some()).collect::<Vec<_>>();
    assert!(states.iter().all(|failed| *failed), "{states:?}");
}

/// Asks the planner to wait so often, and obliges.
fn busy_planner(times: usize) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| match asked.input.role {
        Role::Planner if asked.before < times => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(31))),
        _ => Act::Say(obliging(asked, 3)),
    })
}

fn beside(first: ScriptedProvider, second: &ScriptedProvider) -> Engine {
    let other = second.clone();
    let with = move |builder: Builder| builder.with_provider(other).with_fallback([name("second")]);
    Engine::start_with(first, with)
}

fn an_image() -> SubmitOptions {
    let image = Image::parse(b"GIF89a\x02\0\x03\0\0\0\0".to_vec()).unwrap();
    SubmitOptions { images: vec![image], ..SubmitOptions::default() }
}

/// The workflow after a minute, once so many calls have failed.
async fn ends_well(engine: &Engine, id: &WorkflowId, failures: usize) {
    engine.until_recorded(id, "call_failed", failures).await;
    for _ in 0..60 {
        engine.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    let results = engine.handle.wait(id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert!(results.document.unwrap().gaps.is_empty());
}

#[tokio::test]
async fn a_fallback_that_sees_no_images_is_not_asked_about_any() {
    let second = ScriptedProvider::obliging(3).named("second");
    let engine = beside(busy_planner(1).with_images(), &second);
    let id = engine.handle.submit_with(research(3), an_image()).await.unwrap();
    ends_well(&engine, &id, 1).await;
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test]
async fn a_fallback_that_sees_no_images_still_writes_what_is_not_shown_any() {
    let first = ScriptedProvider::new(|asked| match asked.input.role {
        Role::Executive => Act::Fail(FailureClass::QuotaExhausted, None),
        _ => Act::Say(obliging(asked, 3)),
    });
    let second = ScriptedProvider::obliging(3).named("second");
    let engine = beside(first.with_images(), &second);
    let id = engine.handle.submit_with(research(3), an_image()).await.unwrap();
    assert_eq!(engine.handle.wait(&id).await.unwrap().row.summary.status, Status::Completed);
    assert!(!second.asked().is_empty());
}

#[tokio::test]
async fn a_fallback_without_a_price_is_not_asked_under_a_budget_of_money() {
    let million = Money::from_usd(1.0).unwrap();
    let price = Price { input_per_million: million, output_per_million: million };
    let second = ScriptedProvider::obliging(3).named("second");
    let engine = beside(busy_planner(1).with_price(price), &second);
    let id = engine.submit(RequestDraft { budget_usd: Some(1.0), ..research(3) }).await;
    ends_well(&engine, &id, 1).await;
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test]
async fn a_fallback_whose_model_takes_less_than_the_prompt_has_is_not_asked() {
    let second = ScriptedProvider::obliging(3).named("second").with_context_tokens(8);
    let engine = beside(busy_planner(1), &second);
    let id = engine.submit(research(3)).await;
    ends_well(&engine, &id, 1).await;
    assert_eq!(second.asked().len(), 0);

    let roomy = ScriptedProvider::obliging(3).named("second").with_context_tokens(100_000);
    let engine = beside(busy_planner(1), &roomy);
    let id = engine.submit(research(3)).await;
    engine.handle.wait(&id).await.unwrap();
    assert!(roomy.asked().iter().any(|asked| asked.input.role == Role::Planner), "nobody moved the clock");
}

#[tokio::test]
async fn what_a_fallback_refuses_goes_back_to_the_provider_that_asked_for_patience() {
    for class in [FailureClass::BadRequest, FailureClass::ContextLength, FailureClass::Auth] {
        let second = ScriptedProvider::new(move |_| Act::Fail(class, None)).named("second");
        let engine = beside(busy_planner(2), &second);
        let id = engine.submit(research(3)).await;
        ends_well(&engine, &id, 3).await;
        let planning = asked(&engine, &id).await.into_iter().map(|(provider, _)| provider).take(4);
        assert_eq!(planning.collect::<Vec<_>>(), ["scripted", "second", "scripted", "scripted"], "{class}");
    }
}

#[tokio::test]
async fn whoever_asks_for_patience_beyond_the_deadline_is_not_asked_for_ever() {
    let [first, second] = ["scripted", "second"].map(|name| {
        let busy = |_: &Asked| Act::Fail(FailureClass::RateLimited, Some(Duration::from_hours(24)));
        ScriptedProvider::new(busy).named(name)
    });
    let third = ScriptedProvider::new(|_| Act::Fail(FailureClass::BadRequest, None)).named("third");
    let others = (second.clone(), third.clone());
    let with = move |builder: Builder| {
        builder.with_provider(others.0).with_provider(others.1).with_fallback([name("second"), name("third")])
    };
    let engine = Engine::start_with(first, with);
    let id = engine.submit(RequestDraft { workflow_timeout_seconds: Some(3_600.0), ..research(3) }).await;
    assert_eq!(engine.handle.wait(&id).await.unwrap().row.summary.status, Status::Failed);
    assert_eq!((engine.provider.asked().len(), second.asked().len(), third.asked().len()), (2, 2, 1));
}

#[test]
fn a_fallback_nobody_registered_is_an_error_of_the_builder() {
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(ScriptedProvider::obliging(1));
    let error = builder.with_fallback([name("nobody")]).build().unwrap_err();
    assert!(matches!(error, Error::UnknownProvider { name, .. } if name == "nobody"));
}
