//! The way into one lane: whose turn it is, how long he waits at most, and what he sets aside. What the lane lets through is
//! decided in `lane.rs`, the order in `line.rs`, what processes share in `shared.rs`.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    governor::GovernorLimits,
    lane::{Admission, Lane, Pass},
    line::{Line, Place},
    shared::SharedLane,
};
use crate::RateLimits;

/// Who has waited for as long as he may, and still cannot be told when he may go, is told a little more than that.
const BEYOND: Duration = Duration::from_secs(1);

/// Who is sent away comes again so much before his turn is expected, so that somebody is there when it comes.
const EARLY: Duration = Duration::from_secs(2);

/// A lane and the line before it.
pub(super) struct Entrance {
    lane: Mutex<Lane>,
    line: Line,
    /// Something has changed that the head of the line may have waited for.
    changed: Notify,
    shared: Option<SharedLane>,
    limits: GovernorLimits,
}

/// Why somebody is not let in, and after how long he should come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Too many wait.
    Full(Duration),
    /// He would wait for too long. His place is kept for him.
    Later(Duration),
}

/// A call under way; given back when dropped.
pub(super) struct Running {
    entrance: Arc<Entrance>,
    pass: Option<Pass>,
    /// The tokens that all processes together have set aside for it.
    taken: Option<u64>,
}

impl Entrance {
    pub(super) fn new(limits: GovernorLimits, shared: Option<SharedLane>, now: Instant) -> Self {
        let lane = Mutex::new(Lane::new(&limits, now));
        Self { lane, line: Line::default(), changed: Notify::new(), shared, limits }
    }

    /// Waits for permission, as long as [`GovernorLimits::wait_max`] says at most. `name` is whom to know again.
    pub(super) async fn admitted(self: &Arc<Self>, name: &str, tokens: u64) -> Result<Running, Closed> {
        let (came, wait_max) = (Instant::now(), self.limits.wait_max);
        let Some(place) = self.line.enter(name, self.limits.waiting_max) else {
            let parked = self.lane().parked_until(came);
            return Err(Closed::Full(parked.map_or(self.limits.backoff.first, |until| until - came)));
        };
        let until = came.checked_add(wait_max).unwrap_or_else(|| came + Duration::from_hours(24));
        let ahead = place.ahead();
        // Who would be sent away at the end of his wait had better be at once. The estimate may be a little too short.
        let promising = if ahead == 0 { wait_max } else { wait_max / 5 * 4 };
        let wait = self.lane().wait_behind(ahead, tokens, came);
        if wait > promising {
            return Err(self.sent_away(place, tokens, wait));
        }
        if timeout_at(until, place.is_head()).await.is_err() {
            return Err(self.sent_away(place, tokens, Duration::ZERO));
        }
        self.let_in(place, tokens, until).await
    }

    /// Lets the head of the line in.
    async fn let_in(self: &Arc<Self>, place: Place<'_>, tokens: u64, until: Instant) -> Result<Running, Closed> {
        if let Some(shared) = &self.shared
            && let Some(pause) = shared.parked().await
        {
            self.lane().park(pause, Instant::now());
        }
        loop {
            let pass = match self.pass(tokens, until).await {
                Ok(pass) => pass,
                Err(wait) => return Err(self.sent_away(place, tokens, wait)),
            };
            let mut running = Running { entrance: Arc::clone(self), pass: Some(pass), taken: None };
            let Some(shared) = &self.shared else { return Ok(running) };
            let began = Instant::now();
            let turns = match shared.turns(tokens, until.saturating_duration_since(began)).await {
                Ok(turns) => turns,
                Err(wait) => {
                    running.unused();
                    return Err(self.sent_away(place, tokens, wait));
                }
            };
            if self.lane().parked_until(Instant::now()).is_some() {
                // Somebody was refused while this one waited for others: what was taken is kept for the next round.
                running.unused();
                continue;
            }
            self.lane().waited_for_others(began.elapsed());
            running.taken = turns.used();
            return Ok(running);
        }
    }

    /// What the lane lets the head of the line through with, or how long it would take.
    async fn pass(&self, tokens: u64, until: Instant) -> Result<Pass, Duration> {
        loop {
            let now = Instant::now();
            let admission = self.lane().admit(tokens, now);
            let at = match admission {
                Admission::Go(pass) => return Ok(pass),
                Admission::At(at) if at > until => return Err(at - now),
                Admission::At(at) => at,
                Admission::WhenOneEnds => until,
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(at) => if admission == Admission::WhenOneEnds {
                    return Err(Duration::ZERO);
                },
            }
        }
    }

    /// Sends somebody away for at least so long, and for as long as those who go first will take. When that is not known he
    /// has waited for as long as he may, and is to ask somebody else if he can.
    fn sent_away(&self, place: Place<'_>, tokens: u64, wait: Duration) -> Closed {
        let now = Instant::now();
        let ahead = place.ahead_in_all(now);
        let expected = self.lane().wait_behind(ahead, tokens, now);
        let mut wait = expected.saturating_sub(if ahead == 0 { Duration::ZERO } else { EARLY }).max(wait);
        if wait.is_zero() {
            wait = if expected.is_zero() { self.limits.wait_max.saturating_add(BEYOND) } else { expected };
        }
        place.leave_for(wait, self.limits.waiting_max, now);
        Closed::Later(wait)
    }

    /// Whether forgetting it would let nobody through who must wait.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.lane().is_idle(now)
    }

    /// Says to all processes that the lane is parked.
    pub(super) async fn park_all(&self, pause: Duration) {
        if let Some(shared) = &self.shared {
            shared.park(pause).await;
        }
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// The call was answered, with so many tokens if they were counted, and the service said what is left.
    pub(super) async fn answered(mut self, used: Option<u64>, limits: RateLimits) {
        if let Some(pass) = self.pass.take() {
            self.entrance.lane().answered(pass, used, limits, Instant::now());
        }
        self.entrance.changed.notify_one();
        self.settle(used).await;
    }

    /// The service refused it because there are too many. Returns for how long the lane is parked from now.
    pub(super) async fn refused(mut self, is_overload: bool, asked: Option<Duration>) -> Duration {
        let pass = self.pass.take();
        let refused = |pass| self.entrance.lane().refused(pass, is_overload, asked, Instant::now());
        let pause = pass.map_or(Duration::ZERO, refused);
        self.settle(Some(0)).await;
        pause
    }

    /// It was let through and not made.
    fn unused(mut self) {
        if let Some(pass) = self.pass.take() {
            self.entrance.lane().unused(pass, Instant::now());
        }
    }

    async fn settle(&mut self, used: Option<u64>) {
        if let (Some(shared), Some(taken), Some(used)) = (&self.entrance.shared, self.taken.take(), used) {
            shared.settle(taken, used).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.entrance.lane().ended(pass, None, Instant::now());
        }
        self.entrance.changed.notify_one();
    }
}
