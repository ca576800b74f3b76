//! Retries: within their number, never past the deadline, never behind a reader's back.

use std::time::Duration;

use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_providers::{
    Backoff,
    layers::{Retry, RetryLimits},
};
use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    Watching, ask, ask_as, run,
    stub::{Act, Stub},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn failures_of_the_connection_get_so_many_further_tries_and_all_of_them_are_paid_for() {
    run(async {
        let stub = Stub::new(|number| match number {
            0 | 1 => (Duration::ZERO, Act::Fail(FailureClass::Network, None)),
            _ => (Duration::ZERO, Act::Say("fine")),
        });
        let answer = ask(&Retry::new(stub, RetryLimits::default())).await.unwrap();
        assert_eq!(answer.cost.known().unwrap().pico_usd(), 12, "two failures of 1 and an answer of 10");
        assert!(answer.parked >= Duration::from_millis(1_500), "{:?}", answer.parked);

        let stub = Stub::failing(FailureClass::Server);
        let error = ask(&Retry::new(stub.clone(), RetryLimits::default())).await.unwrap_err();
        assert_eq!((stub.count(), error.cost.known().unwrap().pico_usd()), (3, 3));
    });
}

#[test]
fn what_cannot_pass_fails_at_once() {
    run(async {
        for class in [FailureClass::Auth, FailureClass::ContextLength, FailureClass::QuotaExhausted] {
            let stub = Stub::failing(class);
            ask(&Retry::new(stub.clone(), RetryLimits::default())).await.unwrap_err();
            assert_eq!(stub.count(), 1, "{class}");
        }
    });
}

#[test]
fn a_rate_limit_is_waited_for_as_long_as_the_service_asks_and_as_often_as_need_be() {
    run(async {
        let stub = Stub::new(|number| match number < 9 {
            true => (Duration::ZERO, Act::Fail(FailureClass::RateLimited, Some(7 * SECOND))),
            false => (Duration::ZERO, Act::Say("fine")),
        });
        let began = Instant::now();
        let retry = Retry::new(stub.clone(), RetryLimits { deadline: 1_000 * SECOND, ..RetryLimits::default() });
        ask(&retry).await.unwrap();
        assert!(began.elapsed() >= 63 * SECOND && stub.count() == 10);
    });
}

#[test]
fn a_try_that_hangs_ends_at_the_deadline() {
    run(async {
        let (stub, began) = (Stub::new(|_| (Duration::ZERO, Act::Hang)), Instant::now());
        let error =
            ask(&Retry::new(stub.clone(), RetryLimits { deadline: 9 * SECOND, ..RetryLimits::default() })).await;
        let error = error.unwrap_err();
        assert_eq!((error.class(), error.cost.known()), (FailureClass::Deadline, None));
        assert_eq!((began.elapsed(), stub.running()), (9 * SECOND, 0));
    });
}

#[test]
fn a_try_that_has_shown_text_is_the_last_one() {
    run(async {
        let stub = Stub::new(|_| (Duration::ZERO, Act::Break("Half of", FailureClass::Truncated)));
        let mut watching = Watching::default();
        let retry = Retry::new(stub.clone(), RetryLimits::default());
        let error = ask_as(&retry, "k", None, &mut watching).await.unwrap_err();
        assert_eq!((error.class(), stub.count()), (FailureClass::Truncated, 1));
        assert_eq!(watching.text, "Half of");
    });
}

proptest! {
    #[test]
    fn never_past_the_deadline(
        deadline in 1..100_000_u64,
        latency in 0..20_000_u64,
        asked in prop::option::of(0..50_000_u64),
        first in 1..5_000_u64,
        class in prop_oneof![Just(FailureClass::RateLimited), Just(FailureClass::Network), Just(FailureClass::Server)],
    ) {
        let asked = asked.map(Duration::from_millis);
        let stub = Stub::new(move |_| (Duration::from_millis(latency), Act::Fail(class, asked)));
        let deadline = Duration::from_millis(deadline);
        // Half a millisecond a try at least, or a service that asks for no pause is asked without end.
        let backoff = Backoff { first: Duration::from_millis(first), longest: Duration::from_secs(60) };
        let limits = RetryLimits { retries_max: 5, deadline, backoff };
        let asked = asked.filter(|asked| !asked.is_zero()).is_some() || latency > 0 || asked.is_none();
        prop_assume!(asked);
        run(async {
            let began = Instant::now();
            ask(&Retry::new(stub.clone(), limits)).await.unwrap_err();
            assert!(began.elapsed() <= deadline, "{:?}", began.elapsed());
            assert!(stub.came().iter().all(|(at, _)| *at - began < deadline));
        });
    }

    #[test]
    fn a_pause_is_at_least_what_was_asked_for_and_at_most_a_quarter_more_than_the_longest(
        failures in 1..200_u32, asked in prop::option::of(0..100_000_u64), luck in any::<u64>(),
    ) {
        let (backoff, asked) = (Backoff::default(), asked.map(Duration::from_millis));
        let pause = backoff.pause(failures, asked, luck);
        prop_assert!(pause >= asked.unwrap_or(backoff.first));
        prop_assert!(pause <= asked.unwrap_or(backoff.longest) + backoff.longest / 4);
        prop_assert_eq!(pause, backoff.pause(failures, asked, luck));
    }
}
