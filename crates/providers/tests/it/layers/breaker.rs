//! The circuit breaker: what counts, who probes, what others are told.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{FailureClass, ModelName};
use mcp_orchestrator_providers::{
    NoDeltas, Provider as _,
    layers::{BreakerLimits, CircuitBreaker},
};
use tokio::{
    task::JoinSet,
    time::{advance, timeout},
};

use super::{
    ask, ask_as, run,
    stub::{Act, Stub},
};

const SECOND: Duration = Duration::from_secs(1);

fn broken_until(number: usize) -> Stub {
    Stub::new(move |at| match at < number {
        true => (Duration::ZERO, Act::Fail(FailureClass::Server, None)),
        false => (SECOND, Act::Say("fine")),
    })
}

#[test]
fn the_fifth_failure_in_a_row_opens_it_for_a_minute_and_asking_is_free() {
    run(async {
        let stub = broken_until(5);
        let breaker = CircuitBreaker::new(stub.clone(), BreakerLimits::default());
        for _ in 0..5 {
            assert_eq!(ask(&breaker).await.unwrap_err().failure.message, "as the test says");
        }
        advance(20 * SECOND).await;
        let error = ask(&breaker).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Unavailable, "nobody was asked");
        let said = "stub has failed 5 times in a row (server) and is left alone for another 40 s";
        assert_eq!(error.failure.message, said);
        assert_eq!((error.retry_after, error.cost.known().unwrap().pico_usd()), (Some(40 * SECOND), 0));
        assert_eq!(stub.count(), 5);
        advance(40 * SECOND).await;
        assert!(ask(&breaker).await.is_ok());
        assert!(ask(&breaker).await.is_ok());
    });
}

#[test]
fn four_failures_and_an_answer_are_nothing() {
    run(async {
        let stub = Stub::new(|number| match number % 5 {
            4 => (Duration::ZERO, Act::Say("fine")),
            _ => (Duration::ZERO, Act::Fail(FailureClass::Network, None)),
        });
        let breaker = CircuitBreaker::new(stub.clone(), BreakerLimits::default());
        for _ in 0..50 {
            let _ = ask(&breaker).await;
        }
        assert_eq!(stub.count(), 50);
    });
}

#[test]
fn failures_longer_ago_than_the_pause_are_forgotten() {
    run(async {
        let stub = Stub::failing(FailureClass::Timeout);
        let breaker = CircuitBreaker::new(stub.clone(), BreakerLimits::default());
        for _ in 0..20 {
            ask(&breaker).await.unwrap_err();
            advance(16 * SECOND).await;
        }
        assert_eq!(stub.count(), 20, "never five within a minute");
    });
}

#[test]
fn rate_limits_and_refused_requests_do_not_count() {
    run(async {
        for class in [FailureClass::RateLimited, FailureClass::BadRequest, FailureClass::Auth, FailureClass::NotFound] {
            let stub = Stub::failing(class);
            let breaker = CircuitBreaker::new(stub.clone(), BreakerLimits::default());
            for _ in 0..20 {
                ask(&breaker).await.unwrap_err();
            }
            assert_eq!(stub.count(), 20, "{class}");
        }
    });
}

#[test]
fn of_two_hundred_that_come_when_the_pause_is_over_one_goes_and_the_others_wait_for_it() {
    run(async {
        let stub = broken_until(5);
        let breaker = Arc::new(CircuitBreaker::new(stub.clone(), BreakerLimits::default()));
        for _ in 0..5 {
            ask(&*breaker).await.unwrap_err();
        }
        advance(60 * SECOND).await;
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let breaker = Arc::clone(&breaker);
            tasks.spawn(async move { ask(&*breaker).await.is_ok() });
        }
        advance(SECOND / 2).await;
        assert_eq!(stub.count(), 6, "one is under way");
        assert_eq!(tasks.join_all().await.into_iter().filter(|well| *well).count(), 200, "and that one has closed it");
        assert_eq!(stub.count(), 205);
    });
}

#[test]
fn when_the_one_that_goes_first_fails_all_who_waited_for_it_are_refused() {
    run(async {
        let stub =
            Stub::new(|at| (if at < 5 { Duration::ZERO } else { SECOND }, Act::Fail(FailureClass::Server, None)));
        let breaker = Arc::new(CircuitBreaker::new(stub.clone(), BreakerLimits::default()));
        for _ in 0..5 {
            ask(&*breaker).await.unwrap_err();
        }
        advance(60 * SECOND).await;
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let breaker = Arc::clone(&breaker);
            tasks.spawn(async move { ask(&*breaker).await.is_ok() });
        }
        assert!(tasks.join_all().await.into_iter().all(|well| !well));
        assert_eq!(stub.count(), 6);
    });
}

#[test]
fn a_probe_that_is_dropped_frees_its_place_and_one_that_fails_opens_it_again() {
    run(async {
        let stub = Stub::new(|number| match number {
            5 => (Duration::ZERO, Act::Hang),
            _ => (Duration::ZERO, Act::Fail(FailureClass::Network, None)),
        });
        let breaker = CircuitBreaker::new(stub.clone(), BreakerLimits::default());
        for _ in 0..5 {
            ask(&breaker).await.unwrap_err();
        }
        advance(60 * SECOND).await;
        assert!(timeout(SECOND, ask(&breaker)).await.is_err());
        assert_eq!(ask(&breaker).await.unwrap_err().failure.message, "as the test says", "the next one probes");
        assert!(ask(&breaker).await.unwrap_err().retry_after > Some(59 * SECOND), "and has opened it again");
        assert_eq!(stub.count(), 7);
    });
}

#[test]
fn each_model_has_its_own_circuit_and_there_are_only_so_many() {
    run(async {
        let stub = Stub::failing(FailureClass::Server);
        let one = BreakerLimits { failures_max: 1, ..BreakerLimits::default() };
        let breaker = CircuitBreaker::new(stub.clone(), one);
        let model = |number: usize| ModelName::new(&format!("m{number}")).unwrap();
        for number in 0..100 {
            let _ = ask_as(&breaker, "k", Some(&model(number)), &mut NoDeltas).await;
        }
        // 64 of their own; those that come later share one, which opens at once.
        assert_eq!(stub.count(), 65);
        assert_eq!(breaker.name().as_str(), "stub");
    });
}
