//! Submitting: wrong requests start nothing and name what is wrong.

use std::time::Duration;

use mcp_orchestrator::{Error, SubmitOptions};
use mcp_orchestrator_domain::{Principal, RequestDraft};
use mcp_orchestrator_testkit::ScriptedProvider;

use super::harness::{Engine, research};

#[tokio::test]
async fn what_is_unknown_is_named_and_nothing_starts() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let provider = RequestDraft { provider_name: Some("nobody".to_owned()), ..research(1) };
    assert!(
        matches!(engine.handle.submit(provider).await, Err(Error::UnknownProvider { name, known }) if name == "nobody" && known == "scripted")
    );
    let pattern = RequestDraft { pattern: Some("waltz".to_owned()), ..research(1) };
    assert!(matches!(engine.handle.submit(pattern).await, Err(Error::UnknownPattern { name, .. }) if name == "waltz"));
    let corpus = RequestDraft { corpus: vec!["attic".to_owned()], ..research(1) };
    assert!(matches!(engine.handle.submit(corpus).await, Err(Error::UnknownCorpus { name, .. }) if name == "attic"));
    assert!(engine.handle.list(Default::default()).await.unwrap().is_empty());
    assert!(engine.provider.asked().is_empty());
}

#[tokio::test]
async fn the_same_idempotency_key_answers_with_the_same_workflow() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let options = || SubmitOptions { idempotency_key: Some("once".to_owned()), ..SubmitOptions::default() };
    let first = engine.handle.submit_with(research(1), options()).await.unwrap();
    assert_eq!(engine.handle.submit_with(research(1), options()).await.unwrap(), first);
    let other = engine.handle.submit_with(research(2), options()).await;
    assert!(matches!(other, Err(Error::IdempotencyMismatch)));
}

#[tokio::test]
async fn another_principals_workflow_is_unknown() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let id = engine.submit(research(1)).await;
    let stranger = engine.handle.for_principal(Principal::named("stranger"));
    assert!(matches!(stranger.status(&id).await, Err(Error::NotFound(_))));
    assert!(matches!(stranger.cancel(&id, "").await, Err(Error::NotFound(_))));
    assert!(matches!(stranger.results(&id).await, Err(Error::NotFound(_))));
    assert!(stranger.list(Default::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn after_a_shutdown_nothing_is_taken_in() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    engine.handle.shutdown(Duration::from_secs(5)).await.unwrap();
    assert!(matches!(engine.handle.submit(research(1)).await, Err(Error::ShuttingDown)));
    engine.handle.shutdown(Duration::ZERO).await.unwrap();
}
