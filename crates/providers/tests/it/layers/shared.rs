//! Limits that several processes share: two governors with one place are held to one rate.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_providers::{
    NoDeltas,
    layers::{Governor, GovernorLimits, SharedLimits},
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    ask, ask_as, run,
    stub::{Act, Stub},
};

/// Buckets and pauses in memory.
#[derive(Default)]
struct Place {
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
    parked: Mutex<HashMap<String, Instant>>,
}

#[async_trait]
impl SharedLimits for Place {
    async fn take(&self, bucket: &str, amount: u64, capacity: u64, per_second: f64) -> Option<Duration> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap();
        let (held, at) = buckets.entry(bucket.to_owned()).or_insert((capacity as f64, now));
        *held = (*held + (now - *at).as_secs_f64() * per_second).min(capacity as f64);
        *at = now;
        let missing = (amount.min(capacity) as f64) - *held;
        if missing > 1e-9 {
            return Some(Duration::from_secs_f64(missing / per_second).max(Duration::from_millis(1)));
        }
        *held -= amount as f64;
        None
    }

    async fn park(&self, lane: &str, pause: Duration) {
        self.parked.lock().unwrap().insert(lane.to_owned(), Instant::now() + pause);
    }

    async fn parked(&self, lane: &str) -> Option<Duration> {
        let until = self.parked.lock().unwrap().get(lane).copied()?;
        Some(until.saturating_duration_since(Instant::now())).filter(|pause| !pause.is_zero())
    }
}

fn pair(stub: &Stub, limits: GovernorLimits) -> [Arc<Governor>; 2] {
    let place: Arc<dyn SharedLimits> = Arc::new(Place::default());
    [(), ()].map(|()| Arc::new(Governor::new(stub.clone(), limits).with_shared(Arc::clone(&place))))
}

#[test]
fn two_processes_together_keep_to_one_rate_and_each_line_to_its_order() {
    run(async {
        let stub = Stub::saying("fine");
        let pair = pair(&stub, GovernorLimits { requests_per_minute: Some(120), ..GovernorLimits::default() });
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
