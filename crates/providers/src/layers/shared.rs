//! Limits that several processes share. Owns the contract of the place they are kept in, and what a lane keeps there.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::ModelName;
use tokio::time::{Instant, sleep};

use super::{bucket, governor::GovernorLimits};

/// The longest pause between two looks at a bucket to which others give back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A turn that nobody has used for so long after it came is no longer one.
const TURN_KEPT: Duration = Duration::from_secs(1);

/// A debt that is longer than this is not made: who used more than he set aside has used it already.
const DEBT_MAX: Duration = Duration::from_hours(1);

/// A rate that processes keep to together: a bucket that holds so much and refills evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "governors build it")]
pub struct SharedBucket<'a> {
    /// Its name.
    pub name: &'a str,
    /// How much it holds when full, as it is at first.
    pub capacity: u64,
    /// How much flows in each second.
    pub per_second: f64,
}

/// What came of a wish to take from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three outcomes")]
pub enum SharedTurn {
    /// It is taken, at this place of a line, and may be used after this.
    Taken {
        /// Which of all that was ever taken it is.
        place: u64,
        /// From now.
        wait: Duration,
    },
    /// Nothing was taken: it could be used only after this.
    Later(Duration),
    /// The place cannot be reached: nothing was taken, and nobody need wait.
    Alone,
}

/// A place all processes that use one account can reach: where the rates of a [`Governor`](super::Governor) are kept for
/// all of them together.
///
/// Who takes from a bucket stands in a line with all who took before, of whatever process: what was taken may be used when the
/// bucket, without what was taken later, has had as much. More than it holds may be used when it is full, and holds up others
/// until it is paid back. So nobody is overtaken, however much he takes.
///
/// When the place cannot be reached, each process keeps to its own count.
#[async_trait]
pub trait SharedLimits: Send + Sync + 'static {
    /// Takes from a bucket, if it may be used after `wait_max` at the latest. Asked only by the head of a line. When the future
    /// is dropped it may be taken all the same.
    async fn take(&self, bucket: SharedBucket<'_>, amount: u64, wait_max: Duration) -> SharedTurn;

    /// When what was taken at a place may be used: earlier than was said when somebody before gave something back. Zero when the
    /// place cannot be reached.
    async fn look(&self, bucket: SharedBucket<'_>, amount: u64, place: u64) -> Duration;

    /// Gives back what was taken and not used. Never repeated: what is given back twice is used twice.
    async fn give(&self, bucket: SharedBucket<'_>, amount: u64);

    /// Gives back what was taken at a place before it might be used. It counts only while nobody has taken since.
    async fn leave(&self, bucket: SharedBucket<'_>, amount: u64, place: u64);

    /// Says that a lane is parked for so long.
    async fn park(&self, lane: &str, pause: Duration);

    /// For how long a lane is parked, if it is.
    async fn parked(&self, lane: &str) -> Option<Duration>;
}

/// Where the turn for tokens is among the turns; the one before is for the request.
const TOKENS: usize = 1;

/// What one lane keeps there.
pub(super) struct SharedLane {
    shared: Arc<dyn SharedLimits>,
    name: String,
    requests: Option<Rate>,
    tokens: Option<Rate>,
    /// What the last head of the line took and did not use: the next one takes it over, so that its place is not lost.
    left: Mutex<[Option<Turn>; 2]>,
}

/// One of the rates of a lane.
struct Rate {
    name: String,
    capacity: u64,
    per_second: f64,
}

/// What was taken and is not used yet.
#[derive(Clone, Copy, Debug)]
struct Turn {
    amount: u64,
    place: u64,
    due: Instant,
}

/// The turns of the head of a line. Dropped before they are used, they are the next one's.
pub(super) struct Turns<'a> {
    lane: &'a SharedLane,
    taken: [Option<Turn>; 2],
}

impl SharedLane {
    pub(super) fn new(
        shared: Arc<dyn SharedLimits>,
        provider: &str,
        model: Option<&ModelName>,
        limits: &GovernorLimits,
    ) -> Self {
        let name = format!("{provider}/{}", model.map_or("", ModelName::as_str));
        let rate = |what: &str, (capacity, per_second): (f64, f64)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u64, at least 1")]
            let capacity = capacity as u64;
            Rate { name: format!("{name}/{what}"), capacity, per_second }
        };
        let requests = limits.requests_per_minute.map(|limit| rate("requests", bucket::things(limit)));
        let tokens = limits.tokens_per_minute.map(|limit| rate("tokens", bucket::amounts(limit)));
        Self { shared, requests, tokens, name, left: Mutex::default() }
    }

    /// Waits until all processes together may make a further request with so many tokens, for `wait_max` at most.
    ///
    /// # Errors
    /// How long it would have to wait, when that is longer. Dropping the future leaves what was taken to the next one.
    pub(super) async fn turns(&self, tokens: u64, wait_max: Duration) -> Result<Turns<'_>, Duration> {
        let until = Instant::now() + wait_max;
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        let mut turns = Turns { lane: self, taken: left };
        for (at, (rate, amount)) in [(&self.requests, 1), (&self.tokens, tokens)].into_iter().enumerate() {
            let Some(rate) = rate else { continue };
            let now = Instant::now();
            match turns.taken[at].take() {
                Some(turn) if turn.amount >= amount && turn.due + TURN_KEPT > now => {
                    turns.taken[at] = Some(turn);
                    if turn.due > until {
                        return Err(turn.due - now);
                    }
                    continue;
                }
                // Its moment has passed. A request that was not made then is lost; tokens are not.
                Some(turn) if turn.due <= now && at == TOKENS => self.shared.give(rate.bucket(), turn.amount).await,
                Some(turn) if turn.due > now => self.shared.leave(rate.bucket(), turn.amount, turn.place).await,
                Some(_) | None => {}
            }
            let wait_max = until.saturating_duration_since(Instant::now());
            match self.shared.take(rate.bucket(), amount, wait_max).await {
                SharedTurn::Taken { place, wait } => {
                    turns.taken[at] = Some(Turn { amount, place, due: Instant::now() + wait });
                }
                SharedTurn::Later(wait) => return Err(wait),
                SharedTurn::Alone => {}
            }
        }
        turns.wait().await;
        Ok(turns)
    }

    /// Corrects an estimate: `used` tokens instead of `taken`.
    pub(super) async fn settle(&self, taken: u64, used: u64) {
        let Some(rate) = &self.tokens else { return };
        if used < taken {
            self.shared.give(rate.bucket(), taken - used).await;
        } else if used > taken {
            let _ = self.shared.take(rate.bucket(), used - taken, DEBT_MAX).await;
        }
    }

    pub(super) async fn park(&self, pause: Duration) {
        self.shared.park(&self.name, pause).await;
    }

    pub(super) async fn parked(&self) -> Option<Duration> {
        self.shared.parked(&self.name).await
    }
}

impl Rate {
    fn bucket(&self) -> SharedBucket<'_> {
        SharedBucket { name: &self.name, capacity: self.capacity, per_second: self.per_second }
    }
}

impl Turns<'_> {
    /// They are used. How many tokens were taken, if they are counted together.
    pub(super) fn used(mut self) -> Option<u64> {
        std::mem::take(&mut self.taken)[TOKENS].map(|turn| turn.amount)
    }

    /// Waits until they may be used. Nobody gives requests back, so there is nothing to look at while they are not due.
    async fn wait(&mut self) {
        if let [Some(turn), _] = self.taken {
            sleep(turn.due.saturating_duration_since(Instant::now())).await;
        }
        while let ([_, Some(turn)], Some(rate)) = (&mut self.taken, &self.lane.tokens) {
            let wait = turn.due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return;
            }
            sleep(wait.min(LOOK_EVERY)).await;
            let wait = self.lane.shared.look(rate.bucket(), turn.amount, turn.place).await;
            // Never later than was said.
            turn.due = turn.due.min(Instant::now() + wait);
        }
    }
}

impl Drop for Turns<'_> {
    fn drop(&mut self) {
        if self.taken.iter().any(Option::is_some) {
            *self.lane.left.lock().unwrap_or_else(PoisonError::into_inner) = self.taken;
        }
    }
}
