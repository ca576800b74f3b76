//! The next provider answers when the first cannot: each attempt is a call, and its record says who was asked.

use std::time::Duration;

use mcp_orchestrator::{Builder, Error, MemoryStore, Orchestrator};
use mcp_orchestrator_domain::{
    Event, FailureClass, ModelName, ProviderName, RequestDraft, Seq, Status, Target, WorkflowId,
};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

fn name(text: &str) -> ProviderName {
    ProviderName::new(text).unwrap()
}

/// A first provider that does so, and a second one that obliges.
fn engine(
    first: impl Fn(&mcp_orchestrator_testkit::Asked) -> Act + Send + Sync + 'static,
) -> (Engine, ScriptedProvider) {
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

#[test]
fn a_fallback_nobody_registered_is_an_error_of_the_builder() {
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(ScriptedProvider::obliging(1));
    let error = builder.with_fallback([name("nobody")]).build().unwrap_err();
    assert!(matches!(error, Error::UnknownProvider { name, .. } if name == "nobody"));
}
