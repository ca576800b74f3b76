//! What every place of shared limits must do, as properties to run against each. Owns the harness and the list; whoever has
//! such a place brings a way to see it from two processes, on a clock that is turned by hand.
//!
//! ```ignore
//! mcp_orchestrator_testkit::shared_limits_suite!(my_subject); // async fn my_subject(dial: Dial) -> SharedSubject
//! ```

mod place;

use std::{any::Any, fmt, sync::Arc, time::Duration};

use mcp_orchestrator_providers::layers::{SharedBucket, SharedLimits, SharedTurn};

use crate::{Luck, store_suite::Dial};

pub use place::SharedPlace;

/// A place to be tested.
#[non_exhaustive]
pub struct SharedSubject {
    /// As one process sees it.
    pub one: Arc<dyn SharedLimits>,
    /// As another one does.
    pub other: Arc<dyn SharedLimits>,
    /// Its clock.
    pub dial: Dial,
    _keep: Box<dyn Any + Send + Sync>,
}

impl SharedSubject {
    /// A place on a clock. `keep` lives as long as the subject: a folder, a server.
    pub fn new(
        one: Arc<dyn SharedLimits>,
        other: Arc<dyn SharedLimits>,
        dial: Dial,
        keep: impl Any + Send + Sync,
    ) -> Self {
        Self { one, other, dial, _keep: Box::new(keep) }
    }
}

impl fmt::Debug for SharedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSubject").field("dial", &self.dial).finish_non_exhaustive()
    }
}

/// Makes one `#[tokio::test]` of every property, for the place that `$subject`, an `async fn(Dial) -> SharedSubject`, opens.
#[macro_export]
macro_rules! shared_limits_suite {
    ($subject:path) => {
        $crate::shared_limits_suite!(@each $subject;
            what_one_takes_the_other_lacks
            a_large_request_is_not_overtaken_by_small_ones
            what_was_not_used_is_there_for_the_others
            who_leaves_gives_back_only_what_nobody_reckons_with
            the_rate_of_all_together_is_never_passed
            a_pause_holds_for_all_and_the_longest_wins
        );
    };
    (@each $subject:path; $($property:ident)*) => {
        $(
            #[tokio::test]
            async fn $property() {
                let dial = $crate::store_suite::Dial::new();
                $crate::shared_limits::$property($subject(dial).await).await;
            }
        )*
    };
}

const MINUTE: Duration = Duration::from_secs(60);

/// Ten at once, two a second.
const BUCKET: SharedBucket<'static> = SharedBucket { name: "p/m/tokens", capacity: 10, per_second: 2.0 };

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Takes within a minute: the place, and how long to wait.
async fn taken(limits: &Arc<dyn SharedLimits>, amount: u64) -> (u64, Duration) {
    match limits.take(BUCKET, amount, MINUTE).await {
        SharedTurn::Taken { place, wait } => (place, wait),
        other => panic!("{other:?}"),
    }
}

/// Whoever of them asks.
pub async fn what_one_takes_the_other_lacks(subject: SharedSubject) {
    let SharedSubject { one, other, dial, .. } = &subject;
    assert_eq!(taken(one, 10).await.1, Duration::ZERO);
    assert_eq!(other.take(BUCKET, 1, Duration::ZERO).await, SharedTurn::Later(ms(500)));
    let elsewhere = SharedBucket { name: "p/other/tokens", ..BUCKET };
    let answer = other.take(elsewhere, 10, Duration::ZERO).await;
    assert!(matches!(answer, SharedTurn::Taken { wait: Duration::ZERO, .. }), "another bucket is another one");
    dial.turn(ms(500));
    assert_eq!(taken(other, 1).await.1, Duration::ZERO);
    assert_eq!(taken(one, 1).await.1, ms(500), "and waits for its turn");
}

/// It is told a moment, and that moment does not move away.
pub async fn a_large_request_is_not_overtaken_by_small_ones(subject: SharedSubject) {
    let SharedSubject { one, other, dial, .. } = &subject;
    assert_eq!(taken(other, 5).await.1, Duration::ZERO);
    let (place, wait) = taken(one, 40).await;
    assert_eq!(wait, ms(2_500), "when the bucket is full");
    for left in [2_000, 1_500, 1_000, 500, 0] {
        dial.turn(ms(500));
        assert_eq!(other.take(BUCKET, 1, ms(2_000)).await, SharedTurn::Later(ms(15_500 + left)));
        assert_eq!(one.look(BUCKET, 40, place).await, ms(left));
    }
}

/// At once, and those who wait go earlier in their order.
pub async fn what_was_not_used_is_there_for_the_others(subject: SharedSubject) {
    let SharedSubject { one, other, .. } = &subject;
    taken(one, 10).await;
    let ((first, _), (second, wait)) = (taken(one, 4).await, taken(other, 8).await);
    assert_eq!(wait, ms(6_000));
    one.give(BUCKET, 5).await;
    assert_eq!((one.look(BUCKET, 4, first).await, other.look(BUCKET, 8, second).await), (Duration::ZERO, ms(3_500)));
    other.give(BUCKET, 1_000).await;
    assert_eq!(other.look(BUCKET, 8, second).await, Duration::ZERO);
    assert_eq!(taken(one, 11).await.1, Duration::ZERO);
    assert_eq!(one.take(BUCKET, 1, Duration::ZERO).await, SharedTurn::Later(ms(1_000)), "never more than it can hold");
}

/// Those behind him were told when they may go.
pub async fn who_leaves_gives_back_only_what_nobody_reckons_with(subject: SharedSubject) {
    let SharedSubject { one, other, .. } = &subject;
    taken(one, 10).await;
    let ((first, _), (second, _)) = (taken(one, 2).await, taken(other, 4).await);
    one.leave(BUCKET, 2, first).await;
    assert_eq!(one.take(BUCKET, 1, Duration::ZERO).await, SharedTurn::Later(ms(3_500)));
    other.leave(BUCKET, 4, second).await;
    assert_eq!(one.take(BUCKET, 1, Duration::ZERO).await, SharedTurn::Later(ms(1_500)));
}

/// In no span of time more goes than the bucket holds and what flows in, but for what a request is larger than the bucket.
pub async fn the_rate_of_all_together_is_never_passed(subject: SharedSubject) {
    let luck = Luck(11);
    let mut gone: Vec<(u64, u64)> = Vec::new();
    let mut now = 0;
    for step in 0..150_u64 {
        let limits = if luck.happens(50, ("who", step)) { &subject.one } else { &subject.other };
        let amount = 1 + luck.below(12, ("amount", step));
        match limits.take(BUCKET, amount, ms(luck.below(20_000, ("wait", step)))).await {
            SharedTurn::Taken { place, .. } if luck.happens(20, ("leaves", step)) => {
                limits.leave(BUCKET, amount, place).await;
            }
            SharedTurn::Taken { wait, .. } => {
                gone.push((now + u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX), amount));
            }
            SharedTurn::Later(_) => {}
            SharedTurn::Alone => panic!("it can be reached"),
        }
        let pause = luck.below(6, ("turn", step)) * 250;
        subject.dial.turn(ms(pause));
        now += pause;
    }
    assert!(gone.is_sorted_by_key(|(at, _)| *at), "first come, first served: {gone:?}");
    for (from, (begin, _)) in gone.iter().enumerate() {
        let mut sum = 0;
        for (at, amount) in &gone[from..] {
            sum += (*amount).min(BUCKET.capacity);
            // Thousandths: two flow in each millisecond.
            assert!(sum * 1_000 <= BUCKET.capacity * 1_000 + (at - begin + 1) * 2, "{sum} in {} ms", at - begin);
        }
    }
    assert!(gone.len() > 20, "{gone:?}");
}

/// Until it is over.
pub async fn a_pause_holds_for_all_and_the_longest_wins(subject: SharedSubject) {
    let SharedSubject { one, other, dial, .. } = &subject;
    assert_eq!(other.parked("p/m").await, None);
    one.park("p/m", ms(10_000)).await;
    other.park("p/m", ms(4_000)).await;
    assert_eq!((one.parked("p/m").await, other.parked("p/m").await), (Some(ms(10_000)), Some(ms(10_000))));
    assert_eq!(other.parked("p/other").await, None);
    other.park("p/m", ms(20_000)).await;
    dial.turn(ms(19_000));
    assert_eq!(one.parked("p/m").await, Some(ms(1_000)));
    dial.turn(ms(1_000));
    assert_eq!(one.parked("p/m").await, None);
}
