//! Fallback, cache and health: each alone around a provider.

use std::time::Duration;

use mcp_orchestrator_domain::{FailureClass, ModelName};
use mcp_orchestrator_providers::{
    NoDeltas,
    layers::{Cache, CacheLimits, Fallback, HEALTH_LIMIT, Health, health_of},
};
use tokio::time::{Instant, advance};

use super::{
    Watching, ask, ask_as, run,
    stub::{Act, Stub},
};

#[test]
fn the_next_provider_answers_with_its_own_model_when_the_first_cannot() {
    run(async {
        let (first, second, third) =
            (Stub::failing(FailureClass::QuotaExhausted), Stub::failing(FailureClass::Network), Stub::saying("third"));
        let chain = Fallback::new(first.clone()).or(second).or(third.clone());
        let model = ModelName::new("dear-1").unwrap();
        let answer = ask_as(&chain, "k", Some(&model), &mut NoDeltas).await.unwrap();
        assert_eq!(answer.reply.message.text, "third");
        assert_eq!(answer.cost.known().unwrap().pico_usd(), 12, "what the others took is told too");
        assert_eq!((first.models(), third.models()), (vec![Some(model)], vec![None]));
    });
}

#[test]
fn what_every_provider_would_refuse_is_not_carried_from_one_to_the_next() {
    run(async {
        for class in [FailureClass::BadRequest, FailureClass::ContentFilter, FailureClass::ContextLength] {
            let other = Stub::saying("other");
            let error = ask(&Fallback::new(Stub::failing(class)).or(other.clone())).await.unwrap_err();
            assert_eq!((error.class(), other.count()), (class, 0));
        }
    });
}

#[test]
fn a_provider_that_has_shown_text_is_the_last_one() {
    run(async {
        let (other, mut watching) = (Stub::saying("other"), Watching::default());
        let first = Stub::new(|_| (Duration::ZERO, Act::Break("Half of", FailureClass::Truncated)));
        let chain = Fallback::new(first).or(other.clone());
        assert!(ask_as(&chain, "k", None, &mut watching).await.is_err());
        assert_eq!((watching.text.as_str(), other.count()), ("Half of", 0));
    });
}

#[test]
fn the_same_question_is_answered_from_memory_for_free_until_it_is_too_old() {
    run(async {
        let stub = Stub::saying("fine");
        let cache = Cache::new(stub.clone(), CacheLimits::default());
        ask(&cache).await.unwrap();
        let mut watching = Watching::default();
        let answer = ask_as(&cache, "key", None, &mut watching).await.unwrap();
        assert_eq!((stub.count(), watching.text.as_str()), (1, "fine"));
        assert_eq!((answer.cost.known().unwrap().pico_usd(), answer.usage.total()), (0, 0));
        ask_as(&cache, "another", None, &mut NoDeltas).await.unwrap();
        assert_eq!(stub.count(), 2, "another question is another one");
        advance(Duration::from_hours(1)).await;
        ask(&cache).await.unwrap();
        assert_eq!(stub.count(), 3);
    });
}

#[test]
fn a_cache_is_bounded_and_keeps_neither_failures_nor_what_is_too_long() {
    run(async {
        let limits = CacheLimits { answers_max: 10, answer_bytes_max: 5, ..CacheLimits::default() };
        let cache = Cache::new(Stub::saying("fine"), limits);
        for number in 0..100 {
            ask_as(&cache, &number.to_string(), None, &mut NoDeltas).await.unwrap();
        }
        assert_eq!(cache.len(), 10);
        let cache = Cache::new(Stub::saying("too long"), limits);
        ask(&cache).await.unwrap();
        assert!(cache.is_empty());
        let cache = Cache::new(Stub::failing(FailureClass::Server), limits);
        ask(&cache).await.unwrap_err();
        assert!(cache.is_empty());
    });
}

#[test]
fn a_provider_that_says_nothing_is_down_after_five_seconds() {
    run(async {
        let began = Instant::now();
        let health = health_of(&Stub::new(|_| (Duration::ZERO, Act::Hang)), HEALTH_LIMIT).await;
        assert!(matches!(health, Health::Down(failure) if failure.class == FailureClass::Timeout));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert!(matches!(health_of(&Stub::saying("fine"), HEALTH_LIMIT).await, Health::Up(_)));
        let health = health_of(&Stub::failing(FailureClass::Auth), HEALTH_LIMIT).await;
        assert!(matches!(health, Health::Down(failure) if failure.class == FailureClass::Auth));
    });
}
