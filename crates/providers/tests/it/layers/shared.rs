//! Limits that several processes share: two governors with one place are held to one rate.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{FailureClass, Timestamp};
use mcp_orchestrator_providers::{
    NoDeltas,
    layers::{Governor, GovernorLimits, SharedBucket, SharedLimits},
};
use mcp_orchestrator_testkit::{
    shared_limits::{SharedPlace, SharedSubject},
    store_suite::Dial,
};
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep, timeout},
};

use super::{
    ask, ask_as, run,
    stub::{Act, Stub},
};

async fn place(dial: Dial) -> SharedSubject {
    let place: Arc<dyn SharedLimits> = Arc::new(SharedPlace::new(dial.clock()));
    SharedSubject::new(Arc::clone(&place), place, dial, ())
}

mod place_in_memory {
    mcp_orchestrator_testkit::shared_limits_suite!(super::place);
}

const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> GovernorLimits {
    GovernorLimits { wait_max: Duration::from_hours(24), ..GovernorLimits::default() }
}

/// A place on the clock that moves when nothing else can.
fn on_this_clock() -> Arc<SharedPlace> {
    let began = Instant::now();
    let now = move || Timestamp::from_millis(1_000 + u64::try_from(began.elapsed().as_millis()).unwrap());
    Arc::new(SharedPlace::new(Arc::new(now)))
}

fn pair(stub: &Stub, limits: GovernorLimits) -> [Arc<Governor>; 2] {
    pair_at(&on_this_clock(), stub, limits)
}

fn pair_at(place: &Arc<SharedPlace>, stub: &Stub, limits: GovernorLimits) -> [Arc<Governor>; 2] {
    [(), ()].map(|()| {
        let place: Arc<dyn SharedLimits> = Arc::<SharedPlace>::clone(place);
        Arc::new(Governor::new(stub.clone(), limits).with_shared(place))
    })
}

#[test]
fn two_processes_together_keep_to_one_rate_and_each_line_to_its_order() {
    run(async {
        let stub = Stub::saying("fine");
        let pair = pair(&stub, GovernorLimits { requests_per_minute: Some(120), ..limits() });
        let mut tasks = JoinSet::new();
        for number in 0..240 {
            let governor = Arc::clone(&pair[number % 2]);
            tasks.spawn(async move { ask_as(&*governor, &number.to_string(), None, &mut NoDeltas).await.is_ok() });
        }
        assert!(tasks.join_all().await.into_iter().all(|well| well));
        let came = stub.came();
        for (at, _) in &came {
            let minute = came.iter().filter(|(other, _)| other >= at && *other - *at < Duration::from_secs(60)).count();
            assert!(minute <= 120, "{minute} in a minute");
        }
        for line in 0..2 {
            let order: Vec<usize> =
                came.iter().map(|(_, key)| key.parse::<usize>().unwrap()).filter(|number| number % 2 == line).collect();
            assert!(order.is_sorted(), "{order:?}");
        }
    });
}

#[test]
fn whoever_shares_a_rate_is_told_how_long_his_share_of_it_takes() {
    run(async {
        let half_a_minute = GovernorLimits { requests_per_minute: Some(60), wait_max: MINUTE / 2, ..limits() };
        let pair = pair(&Stub::saying("fine"), half_a_minute);
        let mut tasks = JoinSet::new();
        for number in 0..80 {
            let governor = Arc::clone(&pair[number % 2]);
            tasks.spawn(async move {
                while let Err(error) = ask_as(&*governor, &number.to_string(), None, &mut NoDeltas).await {
                    sleep(error.retry_after.unwrap()).await;
                }
            });
        }
        sleep(MINUTE / 3).await;
        // Thirty are before him, and every second request is one of the other process.
        let asked = Instant::now();
        let error = ask_as(&*pair[0], "late", None, &mut NoDeltas).await.unwrap_err();
        let expected = asked.elapsed() + error.retry_after.unwrap();
        assert!((50..=65).contains(&expected.as_secs()), "{expected:?}");
        tasks.join_all().await;
    });
}

#[test]
fn whoever_waits_for_others_goes_earlier_when_an_answer_used_less() {
    run(async {
        // Sixty at once and nine a second: the first one takes 109, and the second would have to wait twelve seconds.
        let stub = Stub::new(|_| (Duration::from_secs(1), Act::Say("fine")));
        let [one, other] = pair(&stub, GovernorLimits { tokens_per_minute: Some(600), ..limits() });
        let began = Instant::now();
        let (first, second) = tokio::join!(ask(&*one), ask(&*other));
        assert!(first.is_ok() && second.is_ok());
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    });
}

#[test]
fn whoever_waits_for_others_does_not_go_into_a_pause_that_begins_meanwhile() {
    run(async {
        let (seconds, place) = (Duration::from_secs, on_this_clock());
        let stub = Stub::new(move |number| match number {
            0 => (seconds(5), Act::Fail(FailureClass::RateLimited, Some(seconds(30)))),
            _ => (Duration::ZERO, Act::Say("fine")),
        });
        let [one, _] = pair_at(&place, &stub, GovernorLimits { requests_per_minute: Some(60), ..limits() });
        let bucket = SharedBucket { name: "stub//requests", capacity: 1, per_second: 1.0 };
        let second = async {
            sleep(seconds(1)).await;
            place.take(bucket, 10, Duration::ZERO).await;
            ask_as(&*one, "second", None, &mut NoDeltas).await
        };
        let (first, second) = tokio::join!(ask(&*one), second);
        assert!(first.is_err() && second.is_ok());
        let came = stub.came();
        assert!(came[1].0 - came[0].0 >= seconds(35), "{came:?}");
    });
}

#[test]
fn a_refusal_of_one_parks_the_lane_of_all() {
    run(async {
        let stub = Stub::new(|number| match number {
            0 => (Duration::ZERO, Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(30)))),
            _ => (Duration::ZERO, Act::Say("fine")),
        });
        let [one, other] = pair(&stub, GovernorLimits::default());
        ask(&*one).await.unwrap_err();
        assert!(timeout(Duration::from_secs(29), ask(&*other)).await.is_err());
        assert!(timeout(Duration::from_secs(2), ask(&*other)).await.unwrap().is_ok());
        assert_eq!(stub.count(), 2);
    });
}

#[test]
fn what_answers_did_not_use_is_given_back_to_all_processes() {
    run(async {
        // 109 are set aside, 20 are used: a thousand a minute are fifty answers and not nine.
        let stub = Stub::saying("fine");
        let pair = pair(&stub, GovernorLimits { tokens_per_minute: Some(1_000), ..limits() });
        let mut tasks = JoinSet::new();
        for number in 0..100 {
            let governor = Arc::clone(&pair[number % 2]);
            tasks.spawn(async move { ask_as(&*governor, &number.to_string(), None, &mut NoDeltas).await.is_ok() });
        }
        let began = Instant::now();
        assert!(tasks.join_all().await.into_iter().all(|well| well));
        assert!(began.elapsed() > MINUTE && began.elapsed() < 3 * MINUTE, "{:?}", began.elapsed());
    });
}

#[test]
fn a_large_request_of_one_process_is_not_forgotten_while_the_others_take_small_ones() {
    run(async {
        let stub = Stub::new(|_| (Duration::from_millis(100), Act::Say("fine")));
        // Six hundred at once and ninety a second. The small ones want four hundred a second, and set aside more.
        let [one, other] = pair(&stub, GovernorLimits { tokens_per_minute: Some(6_000), ..limits() });
        let mut small = JoinSet::new();
        for number in 0..2 {
            let other = Arc::clone(&other);
            small.spawn(async move {
                loop {
                    ask_as(&*other, &number.to_string(), None, &mut NoDeltas).await.unwrap();
                }
            });
        }
        sleep(Duration::from_secs(10)).await;
        // More than there is at once: it waits until nothing is in use.
        let large = "x".repeat(3_000);
        let answer = timeout(MINUTE, ask_as(&*one, &large, None, &mut NoDeltas)).await;
        assert!(answer.is_ok_and(|answer| answer.is_ok()), "it starves");
        assert!(stub.count() > 20, "{}", stub.count());
        drop(small);
    });
}

#[test]
fn who_leaves_while_it_waits_for_others_leaves_its_turn_to_the_next_of_its_line() {
    run(async {
        let (stub, place) = (Stub::saying("fine"), on_this_clock());
        let [one, _] = pair_at(&place, &stub, GovernorLimits { tokens_per_minute: Some(600), ..limits() });
        // Another process has taken the next half minute.
        let bucket = SharedBucket { name: "stub//tokens", capacity: 60, per_second: 9.0 };
        place.take(bucket, 330, Duration::ZERO).await;
        assert!(timeout(Duration::from_secs(5), ask(&*one)).await.is_err(), "it waits");
        // The bucket is full 36.7 s after the beginning; twelve more if the second one had to take what the first one took.
        assert!(timeout(Duration::from_secs(33), ask(&*one)).await.is_ok_and(|answer| answer.is_ok()));
    });
}

#[test]
fn a_wait_for_other_processes_is_bounded_too() {
    run(async {
        let (stub, place) = (Stub::saying("fine"), on_this_clock());
        let limits = GovernorLimits { requests_per_minute: Some(60), wait_max: Duration::from_secs(30), ..limits() };
        let [one, _] = pair_at(&place, &stub, limits);
        let bucket = SharedBucket { name: "stub//requests", capacity: 1, per_second: 1.0 };
        place.take(bucket, 41, Duration::ZERO).await;
        let error = ask(&*one).await.unwrap_err();
        assert_eq!(
            (error.class(), error.retry_after.map(|pause| pause.as_secs())),
            (FailureClass::RateLimited, Some(41))
        );
        assert_eq!(stub.count(), 0);
        advance(Duration::from_secs(20)).await;
        assert!(timeout(Duration::from_secs(22), ask(&*one)).await.unwrap().is_ok());
    });
}
