//! Properties of buckets: rates that all who share a store keep to together, first come, first served.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_store::{BucketAct, BucketAnswer, BucketAsk, Store};

use super::Subject;
use crate::Luck;

/// What the bucket of these properties holds, and what flows in each second.
const CAPACITY: u64 = 10;
const FLOW: u64 = 2;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ask(act: BucketAct) -> BucketAsk {
    BucketAsk { key: "bucket".to_owned(), capacity: CAPACITY, per_second: FLOW as f64, act }
}

/// Takes now or not at all.
const fn now(amount: u64) -> BucketAct {
    BucketAct::Take { amount, wait_max: Duration::ZERO }
}

/// Takes within a minute.
const fn soon(amount: u64) -> BucketAct {
    BucketAct::Take { amount, wait_max: seconds(60) }
}

async fn answer(store: &dyn Store, act: BucketAct) -> BucketAnswer {
    store.bucket(ask(act)).await.unwrap()
}

/// And says how long to wait.
pub async fn a_bucket_gives_what_it_holds_and_refills(subject: Subject) {
    let store = &*subject.store;
    let taken = |answer: BucketAnswer| matches!(answer, BucketAnswer::Taken { wait: Duration::ZERO, .. });
    assert!(taken(answer(store, now(10)).await));
    assert_eq!(answer(store, now(4)).await, BucketAnswer::Wait(seconds(2)));
    subject.dial.turn(seconds(1));
    assert_eq!(answer(store, now(4)).await, BucketAnswer::Wait(seconds(1)));
    subject.dial.turn(seconds(1));
    assert!(taken(answer(store, now(4)).await));
    let other = BucketAsk { key: "other".to_owned(), ..ask(now(10)) };
    assert!(taken(store.bucket(other).await.unwrap()));
    subject.dial.turn(seconds(3600));
    assert!(taken(answer(store, now(10)).await), "it never holds more than it can");
    assert_eq!(answer(store, now(1)).await, BucketAnswer::Wait(Duration::from_millis(500)));
    let dry = BucketAsk { key: "dry".to_owned(), per_second: 0.0, ..ask(now(10)) };
    assert!(taken(store.bucket(dry.clone()).await.unwrap()));
    assert!(matches!(store.bucket(dry).await, Ok(BucketAnswer::Wait(wait)) if wait > seconds(3600)));
}

/// A take above the capacity is not refused for ever.
pub async fn a_bucket_pays_a_large_take_back(subject: Subject) {
    let store = &*subject.store;
    assert_eq!(answer(store, now(14)).await, BucketAnswer::Taken { place: 14, wait: Duration::ZERO });
    assert_eq!(answer(store, now(1)).await, BucketAnswer::Wait(Duration::from_millis(2500)));
}

/// Whoever asks, and how many at once, here and in another process.
pub async fn a_bucket_never_gives_more_than_it_holds(subject: Subject) {
    let mut tasks = Vec::new();
    for number in 0..40 {
        let shared = if number % 2 == 0 { Some(Arc::clone(&subject.store)) } else { subject.peer.clone() };
        let store = shared.unwrap_or_else(|| Arc::clone(&subject.store));
        tasks.push(tokio::spawn(async move { answer(&*store, now(1)).await }));
    }
    let mut taken = 0;
    for task in tasks {
        taken += u32::from(matches!(task.await.unwrap(), BucketAnswer::Taken { .. }));
    }
    assert_eq!(taken, 10);
}

/// However small what others take, and however large one's own: the moment one is told does not move away.
pub async fn a_bucket_has_a_line_in_which_nobody_is_overtaken(subject: Subject) {
    let store = &*subject.store;
    let other = subject.peer.clone().unwrap_or_else(|| Arc::clone(&subject.store));
    let mut told = Vec::new();
    for amount in [4, 30, 1, 1, 10] {
        let BucketAnswer::Taken { place, wait } = answer(store, soon(amount)).await else { panic!("taken") };
        told.push((amount, place, wait));
    }
    let waits: Vec<u64> = told.iter().map(|(.., wait)| u64::try_from(wait.as_millis()).unwrap()).collect();
    // Six are left: the large one waits until it is full, the next one until what it took beyond is paid back and one is there.
    assert_eq!(waits, [0, 2_000, 12_500, 13_000, 18_000]);
    for _ in 0..20 {
        subject.dial.turn(Duration::from_millis(100));
        let _ = answer(&*other, now(1)).await;
    }
    for (amount, place, wait) in told {
        let look = answer(store, BucketAct::Look { amount, place }).await;
        assert_eq!(look, BucketAnswer::Taken { place, wait: wait.saturating_sub(seconds(2)) });
    }
    let late = answer(store, BucketAct::Take { amount: 2, wait_max: seconds(16) }).await;
    assert_eq!(late, BucketAnswer::Wait(seconds(17)), "and takes nothing");
    let late = answer(store, BucketAct::Take { amount: 2, wait_max: seconds(17) }).await;
    assert_eq!(late, BucketAnswer::Taken { place: 48, wait: seconds(17) });
}

/// And those who wait go earlier, in their order.
pub async fn a_bucket_takes_back_what_was_not_used(subject: Subject) {
    let store = &*subject.store;
    answer(store, now(10)).await;
    let waits = async |amount: u64, place: u64| match answer(store, BucketAct::Look { amount, place }).await {
        BucketAnswer::Taken { wait, .. } => wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(store, soon(4)).await, BucketAnswer::Taken { place: 14, wait: seconds(2) });
    assert_eq!(answer(store, soon(6)).await, BucketAnswer::Taken { place: 20, wait: seconds(5) });
    assert_eq!(answer(store, BucketAct::Give { amount: 4 }).await, BucketAnswer::Given(4));
    assert_eq!((waits(4, 14).await, waits(6, 20).await), (Duration::ZERO, seconds(3)));
    answer(store, BucketAct::Give { amount: 1_000 }).await;
    assert_eq!(waits(6, 20).await, Duration::ZERO);
    assert_eq!(answer(store, now(11)).await, BucketAnswer::Taken { place: 31, wait: Duration::ZERO });
    assert_eq!(answer(store, now(1)).await, BucketAnswer::Wait(seconds(1)), "it never holds more than it can");
}

/// Nobody goes earlier than he may because somebody else will not go: what stands behind was told when by reckoning with him.
pub async fn a_bucket_lets_only_the_last_in_line_leave_with_what_he_took(subject: Subject) {
    let store = &*subject.store;
    answer(store, now(10)).await;
    for (amount, place) in [(2, 12), (4, 16)] {
        assert!(matches!(answer(store, soon(amount)).await, BucketAnswer::Taken { place: at, .. } if at == place));
    }
    assert_eq!(answer(store, BucketAct::Leave { amount: 2, place: 12 }).await, BucketAnswer::Given(0));
    assert_eq!(answer(store, now(1)).await, BucketAnswer::Wait(Duration::from_millis(3_500)));
    assert_eq!(answer(store, BucketAct::Leave { amount: 4, place: 16 }).await, BucketAnswer::Given(4));
    assert_eq!(answer(store, BucketAct::Leave { amount: 4, place: 16 }).await, BucketAnswer::Given(0), "once");
    assert_eq!(answer(store, now(1)).await, BucketAnswer::Wait(Duration::from_millis(1_500)));
}

/// What is asked in any order by anybody has the answers that a list of all takes predicts.
pub async fn a_bucket_answers_as_its_model_does(subject: Subject) {
    let peer = subject.peer.clone().unwrap_or_else(|| Arc::clone(&subject.store));
    let (luck, mut model) = (Luck(7), Model { held: real(CAPACITY), takes: Vec::new() });
    for step in 0..300_u64 {
        let store = if luck.happens(50, ("who", step)) { &*subject.store } else { &*peer };
        let amount = 1 + luck.below(14, ("amount", step));
        let known = usize::try_from(luck.number(("which", step))).unwrap() % model.takes.len().max(1);
        let known = model.takes.get(known).copied();
        let act = match (luck.below(10, ("act", step)), known) {
            (0..=3, _) | (_, None) => BucketAct::Take { amount, wait_max: luck.millis(0, 12_000, ("wait", step)) },
            (4..=5, Some((place, amount))) => BucketAct::Look { amount, place },
            (6..=7, Some(_)) => BucketAct::Give { amount: amount / 3 },
            (_, Some((place, amount))) => BucketAct::Leave { amount, place },
        };
        let (said, predicted) = (answer(store, act).await, model.answer(act));
        let near = |one: Duration, other: Duration| one.abs_diff(other) <= Duration::from_millis(1);
        let same = match (said, predicted) {
            (BucketAnswer::Taken { place, wait }, BucketAnswer::Taken { place: there, wait: other }) => {
                place == there && near(wait, other)
            }
            (BucketAnswer::Wait(wait), BucketAnswer::Wait(other)) => near(wait, other),
            (said, predicted) => said == predicted,
        };
        assert!(same, "step {step}: {act:?} is answered with {said:?}, not {predicted:?}");
        let turn = luck.below(4, ("turn", step)) * 250;
        subject.dial.turn(Duration::from_millis(turn));
        model.held = (model.held + i64::try_from(turn * FLOW).unwrap()).min(real(CAPACITY));
    }
}

/// All takes that stand, as place and amount; what is held, in thousandths.
struct Model {
    held: i64,
    takes: Vec<(u64, u64)>,
}

fn real(amount: u64) -> i64 {
    i64::try_from(amount * 1_000).unwrap()
}

impl Model {
    fn answer(&mut self, act: BucketAct) -> BucketAnswer {
        let sum = self.takes.iter().map(|(_, amount)| amount).sum::<u64>();
        match act {
            BucketAct::Take { amount, wait_max } => {
                let place = sum + amount;
                let (held, takes) = (self.held, self.takes.clone());
                self.held -= real(amount);
                self.takes.push((place, amount));
                let wait = self.wait(amount, place);
                if wait <= wait_max {
                    return BucketAnswer::Taken { place, wait };
                }
                (self.held, self.takes) = (held, takes);
                BucketAnswer::Wait(wait)
            }
            BucketAct::Look { amount, place } => BucketAnswer::Taken { place, wait: self.wait(amount, place) },
            BucketAct::Give { amount } => {
                self.held = (self.held + real(amount)).min(real(CAPACITY));
                BucketAnswer::Given(amount)
            }
            BucketAct::Leave { amount, place } if self.takes.last() == Some(&(place, amount)) => {
                self.takes.pop();
                self.held = (self.held + real(amount)).min(real(CAPACITY));
                BucketAnswer::Given(amount)
            }
            BucketAct::Leave { .. } => BucketAnswer::Given(0),
        }
    }

    /// What was taken after a place is as if it were not.
    fn wait(&self, amount: u64, place: u64) -> Duration {
        let later = self.takes.iter().filter(|(other, _)| *other > place).map(|(_, amount)| real(*amount)).sum::<i64>();
        let before = self.held + later + real(amount);
        let missing = (real(amount.min(CAPACITY)) - before).max(0);
        Duration::from_micros(u64::try_from(missing).unwrap() * 1_000 / FLOW)
    }
}
