//! The line before a governor: how long anybody waits at most, what he is told, and that he stands where he stood.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_providers::{
    NoDeltas,
    layers::{Governor, GovernorLimits},
};
use proptest::prelude::*;
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep},
};

use super::{
    Watching, ask_as,
    governor::{SECOND, crowd, limits, settle},
    run,
    stub::{Act, Stub},
};

#[test]
fn whoever_would_wait_for_too_long_by_his_place_is_told_so_at_once() {
    run(async {
        let stub = Stub::saying("fine");
        let half_a_minute = GovernorLimits { requests_per_minute: Some(60), wait_max: 30 * SECOND, ..limits() };
        let (governor, began) = (Arc::new(Governor::new(stub.clone(), half_a_minute)), Instant::now());
        let mut tasks = JoinSet::new();
        for number in 0..100_u64 {
            let governor = Arc::clone(&governor);
            tasks.spawn(async move {
                let outcome = ask_as(&*governor, &number.to_string(), None, &mut NoDeltas).await;
                (number, outcome.map_err(|error| (error.class(), error.retry_after, Instant::now())).err())
            });
        }
        let outcomes = tasks.join_all().await;
        let refused: Vec<_> = outcomes.into_iter().filter_map(|(number, error)| Some((number, error?))).collect();
        assert!((70..=80).contains(&refused.len()), "{}", refused.len());
        for (number, (class, pause, at)) in &refused {
            assert_eq!((*class, *at), (FailureClass::RateLimited, began));
            // One goes each second; he is to come a little earlier.
            assert!((0..=3).contains(&number.saturating_sub(pause.unwrap().as_secs())), "the {number}th: {pause:?}");
        }
        assert_eq!(stub.count() + refused.len(), 100);
    });
}

#[test]
fn whoever_was_sent_away_and_comes_again_stands_where_he_stood() {
    run(async {
        let stub = Stub::saying("fine");
        let few = GovernorLimits { requests_per_minute: Some(60), wait_max: 10 * SECOND, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), few));
        crowd(&governor, 9).await.detach_all();
        let error = ask_as(&*governor, "sent away", None, &mut NoDeltas).await.unwrap_err();
        // Others come meanwhile, and wait when he is there again.
        advance(error.retry_after.unwrap() - 5 * SECOND).await;
        settle().await;
        for name in ["later", "much later"] {
            let governor = Arc::clone(&governor);
            tokio::spawn(async move { ask_as(&*governor, name, None, &mut NoDeltas).await });
            settle().await;
        }
        ask_as(&*governor, "sent away", None, &mut NoDeltas).await.unwrap();
        let order: Vec<String> = stub.came().into_iter().map(|(_, key)| key).collect();
        let place = |name: &str| order.iter().position(|other| other == name);
        assert_eq!(place("much later"), None, "{order:?}");
        assert!(place("sent away") <= Some(10), "{order:?}");
    });
}

#[test]
fn nobody_waits_for_longer_than_is_allowed_for_what_nobody_can_tell() {
    run(async {
        let stub = Stub::new(|_| (Duration::ZERO, Act::Hang));
        let one = GovernorLimits { concurrency_start: 1, concurrency_max: 1, wait_max: 30 * SECOND, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), one));
        let hanging = crowd(&governor, 1).await;
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for number in 0..3 {
            let governor = Arc::clone(&governor);
            tasks.spawn(async move {
                ask_as(&*governor, &format!("next {number}"), None, &mut NoDeltas).await.unwrap_err()
            });
        }
        for error in tasks.join_all().await {
            assert_eq!((error.class(), error.retry_after), (FailureClass::RateLimited, Some(31 * SECOND)));
        }
        assert_eq!(began.elapsed(), 30 * SECOND);
        drop(hanging);
    });
}

#[test]
fn whoever_stands_before_others_for_his_old_place_makes_nobody_wait_for_longer() {
    run(async {
        let stub = Stub::new(|_| (Duration::ZERO, Act::Hang));
        let one = GovernorLimits { concurrency_start: 1, concurrency_max: 1, wait_max: 30 * SECOND, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), one));
        let hanging = crowd(&governor, 1).await;
        let refused = async |name: &'static str| {
            let began = Instant::now();
            ask_as(&*governor, name, None, &mut NoDeltas).await.unwrap_err();
            began.elapsed()
        };
        let at = async |seconds: u32, name: &'static str| {
            sleep(seconds * SECOND).await;
            refused(name).await
        };
        let again = async {
            refused("old").await;
            at(31, "old").await
        };
        let waits = tokio::join!(again, at(35, "head"), at(40, "next"));
        assert_eq!(waits, (30 * SECOND, 30 * SECOND, 30 * SECOND));
        drop(hanging);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the limits, the service and the bound of the wait: no wait is longer, no window of a minute has more than is
    /// allowed, whoever comes again when he was told to is served, and all of it takes little longer than the limit allows.
    #[test]
    fn nobody_waits_beyond_the_bound_and_all_who_come_again_are_served(
        per_minute in 30..600_u32,
        bound in 2..60_u32,
        requests in 1..80_usize,
        latency in 0..2_000_u64,
    ) {
        let stub = Stub::new(move |_| (Duration::from_millis(latency), Act::Say("fine")));
        let wait_max = bound * SECOND;
        let limits = GovernorLimits { requests_per_minute: Some(per_minute), wait_max, concurrency_start: 64, ..limits() };
        let governor = Arc::new(Governor::new(stub.clone(), limits));
        let (took, longest) = run(async {
            let (mut tasks, began) = (JoinSet::new(), Instant::now());
            for number in 0..requests {
                let governor = Arc::clone(&governor);
                tasks.spawn(async move { persistent(&governor, &number.to_string()).await });
            }
            let longest = tasks.join_all().await.into_iter().max();
            (began.elapsed(), longest.unwrap_or_default())
        });
        prop_assert!(longest <= wait_max, "{longest:?} of {wait_max:?}");
        prop_assert_eq!(stub.count(), requests);
        let came = stub.came();
        for (at, _) in &came {
            let minute = came.iter().filter(|(other, _)| other >= at && *other - *at < 60 * SECOND).count();
            prop_assert!(minute <= per_minute as usize, "{} of {}", minute, per_minute);
        }
        let ideal = Duration::from_secs_f64(requests as f64 * 60.0 / f64::from(per_minute)) + Duration::from_millis(latency);
        prop_assert!(took <= ideal.mul_f64(1.2) + 3 * SECOND, "{took:?} of {ideal:?}");
    }
}

/// Asks until it is answered, and comes again when it is told to. The longest time it waited in the line at once.
async fn persistent(governor: &Governor, name: &str) -> Duration {
    let mut longest = Duration::ZERO;
    loop {
        let (began, mut watching) = (Instant::now(), Watching::default());
        match ask_as(governor, name, None, &mut watching).await {
            Ok(answer) => return longest.max(answer.parked),
            Err(error) => {
                longest = longest.max(began.elapsed());
                sleep(error.retry_after.unwrap()).await;
            }
        }
    }
}
