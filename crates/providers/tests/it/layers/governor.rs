//! The governor: never beyond a limit, nobody forgotten, first come, first served.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_providers::{
    NoDeltas,
    layers::{Governor, GovernorLimits},
};
use proptest::prelude::*;
use tokio::{
    task::JoinSet,
    time::{Instant, advance, timeout},
};

use super::{
    Watching, ask, ask_as, run,
    stub::{Act, Stub},
};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Whoever waits waits until it may go.
pub(super) fn limits() -> GovernorLimits {
    GovernorLimits { wait_max: Duration::from_hours(24), ..GovernorLimits::default() }
}

/// Lets everything that can go on go on.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// So many requests at once, in the order of their numbers.
pub(super) async fn crowd(governor: &Arc<Governor>, requests: usize) -> JoinSet<bool> {
    let mut tasks = JoinSet::new();
    for number in 0..requests {
        let governor = Arc::clone(governor);
        tasks.spawn(async move { ask_as(&*governor, &number.to_string(), None, &mut NoDeltas).await.is_ok() });
    }
    settle().await;
    tasks
}

#[test]
fn no_minute_has_more_requests_than_the_limit_and_hardly_fewer() {
    run(async {
        let stub = Stub::new(|_| (SECOND, Act::Say("fine")));
        let governor = Governor::new(stub.clone(), GovernorLimits { requests_per_minute: Some(300), ..limits() });
        let (governor, began) = (Arc::new(governor), Instant::now());
        assert!(crowd(&governor, 900).await.join_all().await.into_iter().all(|well| well));
        let came = stub.came();
        for (at, _) in &came {
            let minute = came.iter().filter(|(other, _)| other >= at && *other - *at < 60 * SECOND).count();
            assert!(minute <= 300, "{minute} in a minute");
        }
        // 900 at 300 a minute are 180 s; a second for the last one to answer.
        assert!(began.elapsed() < Duration::from_millis(184_500), "{:?}", began.elapsed());
    });
}

#[test]
fn no_minute_has_more_tokens_than_the_limit_once_they_are_counted() {
    run(async {
        // 100 for the answer and 9 for the prompt are set aside, 20 are used.
        let stub = Stub::saying("fine");
        let governor =
            Arc::new(Governor::new(stub.clone(), GovernorLimits { tokens_per_minute: Some(2_000), ..limits() }));
        assert!(crowd(&governor, 300).await.join_all().await.into_iter().all(|well| well));
        let came = stub.came();
        for (at, _) in &came {
            let minute = came.iter().filter(|(other, _)| other >= at && *other - *at < 60 * SECOND).count();
            assert!(minute * 20 <= 2_000, "{minute} in a minute");
        }
    });
}

#[test]
fn whoever_came_first_goes_first() {
    run(async {
        let stub = Stub::new(|number| (Duration::from_millis(number as u64 * 7 % 90), Act::Say("fine")));
        let governor = Governor::new(
            stub.clone(),
            GovernorLimits { requests_per_minute: Some(600), concurrency_start: 3, concurrency_max: 3, ..limits() },
        );
        crowd(&Arc::new(governor), 200).await.join_all().await;
        let order: Vec<usize> = stub.came().iter().map(|(_, key)| key.parse().unwrap()).collect();
        assert_eq!(order, (0..200).collect::<Vec<_>>());
        assert_eq!(stub.peak(), 3);
    });
}

#[test]
fn a_refusal_parks_the_lane_and_one_request_alone_shows_when_it_is_over() {
    run(async {
        let stub = Stub::new(|number| match number {
            0 => (2 * SECOND, Act::Fail(FailureClass::RateLimited, Some(7 * SECOND))),
            1 => (2 * SECOND, Act::Fail(FailureClass::RateLimited, Some(3 * SECOND))),
            _ => (2 * SECOND, Act::Say("fine")),
        });
        let governor = Arc::new(Governor::new(stub.clone(), limits()));
        let began = Instant::now();
        assert_eq!(ask(&*governor).await.unwrap_err().class(), FailureClass::RateLimited);
        let tasks = crowd(&governor, 20).await;
        assert_eq!(stub.count(), 1, "the lane is parked");
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|well| !**well).count(), 1, "only the one that went ahead is lost");
        let came: Vec<u64> = stub.came().iter().map(|(at, _)| (*at - began).as_secs()).collect();
        // Refused at 2 s; at 9 s one alone, refused at 11; from 14 s on one alone; when it is answered, the others.
        assert_eq!(&came[..3], &[0, 9, 14]);
        assert!(came[3] >= 16, "{came:?}");
    });
}

#[test]
fn a_probe_that_is_dropped_frees_its_place() {
    run(async {
        let stub = Stub::new(|number| match number {
            0 => (Duration::ZERO, Act::Fail(FailureClass::Overloaded, Some(SECOND))),
            1 => (Duration::ZERO, Act::Hang),
            _ => (Duration::ZERO, Act::Say("fine")),
        });
        let governor = Arc::new(Governor::new(stub.clone(), limits()));
        ask(&*governor).await.unwrap_err();
        assert!(timeout(5 * SECOND, ask(&*governor)).await.is_err(), "it hangs");
        assert!(timeout(SECOND, ask(&*governor)).await.unwrap().is_ok());
    });
}

#[test]
fn what_the_service_says_is_left_is_kept_to() {
    run(async {
        let stub = Stub::new(|number| match number {
            0 => (Duration::ZERO, Act::SayLeft(2, 30 * SECOND)),
            _ => (100 * SECOND, Act::Say("fine")),
        });
        let governor = Arc::new(Governor::new(stub.clone(), limits()));
        ask(&*governor).await.unwrap();
        let tasks = crowd(&governor, 5).await;
        assert_eq!(stub.count(), 3, "two were left");
        advance(29 * SECOND).await;
        settle().await;
        assert_eq!(stub.count(), 3);
        advance(SECOND).await;
        settle().await;
        assert_eq!(stub.count(), 6, "then the limit is as new");
        drop(tasks);
    });
}

#[test]
fn concurrency_grows_while_all_goes_well_and_is_halved_by_overload() {
    run(async {
        let stub = Stub::new(|number| match number {
            200 => (SECOND, Act::Fail(FailureClass::Overloaded, Some(SECOND))),
            _ => (SECOND, Act::Say("fine")),
        });
        let governor =
            Governor::new(stub.clone(), GovernorLimits { concurrency_start: 2, concurrency_max: 32, ..limits() });
        let governor = Arc::new(governor);
        let tasks = crowd(&governor, 600).await;
        assert_eq!(stub.running(), 2);
        advance(SECOND).await;
        settle().await;
        assert_eq!(stub.running(), 4, "each answer makes room for two");
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|well| !**well).count(), 1);
        assert_eq!(stub.peak(), 32);
        let (came, refused) = (stub.came(), 200);
        let after = came[refused].0 + 4 * SECOND;
        let then = came.iter().filter(|(at, _)| *at >= after && *at < after + SECOND).count();
        assert!((14..=20).contains(&then), "{then} in a second after the refusal, at 32 before");
    });
}

#[test]
fn a_rate_nobody_has_told_is_learned_from_what_was_taken_until_a_refusal() {
    run(async {
        let stub = Stub::new(|number| match number {
            40 => (Duration::ZERO, Act::Fail(FailureClass::RateLimited, Some(SECOND))),
            41.. => (Duration::from_millis(10), Act::Say("fine")),
            _ => (SECOND, Act::Say("fine")),
        });
        let eight = GovernorLimits { concurrency_start: 8, concurrency_max: 8, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), eight));
        crowd(&governor, 100).await.join_all().await;
        let came = stub.came();
        // Forty in five seconds are eight a second; a little less than that from then on, and slowly more again.
        let took = came[99].0 - came[41].0;
        assert!(took > Duration::from_millis(6_000) && took < Duration::from_millis(9_000), "{took:?}");
    });
}

#[test]
fn who_leaves_the_line_holds_up_nobody() {
    run(async {
        let stub = Stub::new(|_| (SECOND, Act::Say("fine")));
        let governor = Arc::new(Governor::new(
            stub.clone(),
            GovernorLimits { concurrency_start: 1, concurrency_max: 1, ..limits() },
        ));
        let first = crowd(&governor, 1).await;
        let second = crowd(&governor, 5).await;
        let third = crowd(&governor, 1).await;
        assert_eq!(stub.count(), 1);
        drop(second);
        settle().await;
        assert_eq!(first.join_all().await, [true]);
        assert_eq!(third.join_all().await, [true]);
        assert_eq!(stub.count(), 2);
    });
}

#[test]
fn a_line_that_is_full_refuses_and_says_when_to_come_again() {
    run(async {
        let stub = Stub::new(|_| (Duration::ZERO, Act::Hang));
        let few = GovernorLimits { concurrency_start: 1, concurrency_max: 1, waiting_max: 2, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), few));
        let waiting = crowd(&governor, 3).await;
        let error = ask(&*governor).await.unwrap_err();
        assert_eq!((error.class(), error.retry_after), (FailureClass::RateLimited, Some(SECOND)));
        assert_eq!(error.failure.message, "2 requests wait for stub already");
        drop(waiting);
    });
}

#[test]
fn a_long_pause_is_not_waited_for_but_told() {
    run(async {
        let stub = Stub::new(|_| (Duration::ZERO, Act::Fail(FailureClass::RateLimited, Some(3600 * SECOND))));
        let governor = Governor::new(stub.clone(), GovernorLimits { wait_max: 60 * SECOND, ..limits() });
        ask(&governor).await.unwrap_err();
        advance(600 * SECOND).await;
        let error = ask(&governor).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::RateLimited);
        assert!(error.retry_after.is_some_and(|rest| (2999..3002).contains(&rest.as_secs())), "{error:?}");
        assert_eq!(stub.count(), 1);
    });
}

#[test]
fn time_in_the_line_is_told_while_it_passes_and_with_the_answer() {
    run(async {
        let stub = Stub::new(|_| (2 * SECOND, Act::Say("fine")));
        let governor = Governor::new(stub, GovernorLimits { requests_per_minute: Some(6), ..limits() });
        ask(&governor).await.unwrap();
        let mut watching = Watching::default();
        let answer = ask_as(&governor, "k", None, &mut watching).await.unwrap();
        assert_eq!((answer.parked.as_secs(), watching.waited), (8, answer.parked));
        assert_eq!(watching.text, "fine");
    });
}

#[test]
fn eight_run_at_once_at_first_and_two_hundred_and_fifty_six_at_most() {
    run(async {
        let stub = Stub::new(|_| (SECOND, Act::Say("fine")));
        let governor = Arc::new(Governor::new(stub.clone(), limits()));
        let tasks = crowd(&governor, 4_000).await;
        assert_eq!(stub.running(), 8);
        assert!(tasks.join_all().await.into_iter().all(|well| well));
        assert_eq!(stub.peak(), 256);
    });
}

#[test]
fn pauses_nobody_asked_for_double_from_one_second_to_a_minute() {
    run(async {
        let stub = Stub::failing(FailureClass::RateLimited);
        let governor = Governor::new(stub.clone(), limits());
        for _ in 0..9 {
            ask(&governor).await.unwrap_err();
        }
        let came = stub.came();
        let pauses: Vec<Duration> = came.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        for (pause, least) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            // With up to a quarter on top, so that not everybody comes back together.
            let least = least * SECOND;
            assert!(*pause >= least && *pause <= least + least / 4 + Duration::from_millis(1), "{pauses:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the limits and the service: all are answered in the order they came, and no limit is passed.
    #[test]
    fn all_are_served_in_order_within_the_limits(
        per_minute in 1..3_000_u32,
        concurrency in 1..20_u32,
        requests in 1..60_usize,
        latencies in prop::collection::vec(0..5_000_u64, 1..20),
        refusals in prop::collection::btree_set(0..60_usize, 0..5),
    ) {
        let refused = refusals.iter().filter(|number| **number < requests).count();
        let stub = Stub::new(move |number| {
            let thinks = Duration::from_millis(latencies[number % latencies.len()]);
            let refuses = refusals.contains(&number);
            (thinks, if refuses { Act::Fail(FailureClass::RateLimited, None) } else { Act::Say("fine") })
        });
        let limits = GovernorLimits {
            requests_per_minute: Some(per_minute),
            concurrency_start: concurrency,
            concurrency_max: concurrency,
            ..limits()
        };
        let governor = Arc::new(Governor::new(stub.clone(), limits));
        let outcomes = run(async { crowd(&governor, requests).await.join_all().await });
        prop_assert_eq!(outcomes.iter().filter(|well| !**well).count(), refused);
        let came = stub.came();
        let order: Vec<usize> = came.iter().map(|(_, key)| key.parse().unwrap()).collect();
        prop_assert_eq!(order, (0..requests).collect::<Vec<_>>());
        prop_assert!(stub.peak() <= concurrency as usize);
        for (at, _) in &came {
            let minute = came.iter().filter(|(other, _)| other >= at && *other - *at < 60 * SECOND).count();
            prop_assert!(minute <= per_minute as usize, "{} of {}", minute, per_minute);
        }
    }
}
