//! What one lane of a governor lets through, and when. Pure: it is told what time it is and what became of calls.

use std::time::Duration;

use tokio::time::Instant;

use super::{bucket::Bucket, governor::GovernorLimits, pace::Pace};
use crate::{Allowance, Backoff, RateLimits};

/// A refusal comes quickly. A probe that runs for longer than twice the slowest refusal so far, and this, is taken.
const PROBE_MIN: Duration = Duration::from_millis(250);

/// However slow refusals are, a probe is not waited for longer than this.
const PROBE_MAX: Duration = Duration::from_secs(5);

/// One lane: the rates, how many may run at once, and until when nobody may.
#[derive(Debug)]
pub(super) struct Lane {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// The rate learned from refusals, whatever is configured.
    pace: Pace,
    /// The longest a refusal has taken.
    slowest_refusal: Duration,
    /// How many may run at once: grows while all goes well, is halved by a refusal (additive increase, multiplicative
    /// decrease; D.-M. Chiu, R. Jain, 1989).
    window: f64,
    window_max: f64,
    /// Until the first refusal, and behind a rate that was learned, the window grows by one with each answer, as TCP's slow
    /// start does.
    slow_start: bool,
    /// Whether somebody has waited for room since the window was last half empty. One that nobody fills says nothing of what
    /// the service bears.
    is_wanted: bool,
    running: usize,
    /// How long answers take and how many tokens they use, on the average of the last ones: seconds, tokens.
    latency: Option<f64>,
    used: Option<f64>,
    /// How long each one waits for other processes, in seconds.
    shared: Option<f64>,
    park: Park,
    /// What the service said is left, and until when that counts.
    requests_left: Option<Left>,
    tokens_left: Option<Left>,
    /// Refusals since the last answer.
    refusals: u32,
    /// Grows with every refusal that counts: what was begun before it says nothing about what came of it.
    epoch: u64,
    backoff: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Park {
    /// Anybody may go.
    Open,
    /// Nobody may go until then.
    Until(Instant),
    /// The pause is over. One call goes ahead to see whether it was long enough.
    Proving { since: Option<Instant> },
}

#[derive(Clone, Copy, Debug)]
struct Left {
    remaining: u64,
    until: Instant,
}

/// A call that was let through, to be given back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pass {
    at: Instant,
    epoch: u64,
    tokens: u64,
    is_probe: bool,
}

/// Whether the call at the head of the line may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Admission {
    Go(Pass),
    /// Not before then, unless something changes.
    At(Instant),
    /// When one that runs has ended.
    WhenOneEnds,
}

impl Lane {
    pub(super) fn new(limits: &GovernorLimits, now: Instant) -> Self {
        let window_max = f64::from(limits.concurrency_max.max(1));
        Self {
            requests: limits.requests_per_minute.map(|limit| Bucket::of_things(limit, now)),
            tokens: limits.tokens_per_minute.map(|limit| Bucket::of_amounts(limit, now)),
            pace: Pace::new(now),
            slowest_refusal: Duration::ZERO,
            window: f64::from(limits.concurrency_start.max(1)).min(window_max),
            window_max,
            slow_start: true,
            is_wanted: false,
            running: 0,
            latency: None,
            used: None,
            shared: None,
            park: Park::Open,
            requests_left: None,
            tokens_left: None,
            refusals: 0,
            epoch: 0,
            backoff: limits.backoff,
        }
    }

    /// Lets a call through that may take so many tokens, or says when to ask again.
    pub(super) fn admit(&mut self, tokens: u64, now: Instant) -> Admission {
        if let Some(until) = self.parked_until(now) {
            return Admission::At(until);
        }
        if let Park::Proving { since: Some(since) } = self.park {
            let taken_at = since + (self.slowest_refusal * 2).clamp(PROBE_MIN, PROBE_MAX);
            if taken_at > now {
                return Admission::At(taken_at);
            }
            self.park = Park::Open;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
        if self.running >= self.window as usize {
            self.is_wanted = true;
            return Admission::WhenOneEnds;
        }
        let of_said = [said(&mut self.requests_left, 1, now), said(&mut self.tokens_left, tokens, now)];
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let of_rates = [
            self.pace.ready_at(),
            self.requests.as_mut().map(|bucket| bucket.ready_at(1.0, now)),
            self.tokens.as_mut().map(|bucket| bucket.ready_at(tokens as f64, now)),
        ];
        if let Some(at) = of_said.into_iter().chain(of_rates).flatten().max().filter(|at| *at > now) {
            return Admission::At(at);
        }
        Admission::Go(self.go(tokens, now))
    }

    fn go(&mut self, tokens: u64, now: Instant) -> Pass {
        self.pace.take(now);
        if let Some(bucket) = &mut self.requests {
            bucket.take(1.0, now);
        }
        if let Some(bucket) = &mut self.tokens {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            bucket.take(tokens as f64, now);
        }
        for (left, amount) in [(&mut self.requests_left, 1), (&mut self.tokens_left, tokens)] {
            if let Some(left) = left {
                left.remaining = left.remaining.saturating_sub(amount);
            }
        }
        let is_probe = match &mut self.park {
            Park::Proving { since } => {
                *since = Some(now);
                true
            }
            Park::Open | Park::Until(_) => false,
        };
        self.running += 1;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let is_half_empty = (self.running as f64) < self.window / 2.0;
        self.is_wanted &= !is_half_empty;
        Pass { at: now, epoch: self.epoch, tokens, is_probe }
    }

    /// The call was answered, with so many tokens if they were counted, and the service said what is left.
    pub(super) fn answered(&mut self, pass: Pass, tokens: Option<u64>, limits: RateLimits, now: Instant) {
        self.ended(pass, tokens, now);
        averaged(&mut self.latency, now.saturating_duration_since(pass.at).as_secs_f64());
        if let Some(tokens) = tokens {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            averaged(&mut self.used, tokens as f64);
        }
        if pass.epoch == self.epoch {
            self.refusals = 0;
            self.park = Park::Open;
            if self.is_wanted {
                let step = if self.slow_start { 1.0 } else { 1.0 / self.window };
                self.window = (self.window + step).min(self.window_max);
            }
        }
        let running = self.running as u64;
        self.requests_left = limits.requests.map(|said| left(said, running, now)).or(self.requests_left);
        self.tokens_left = limits.tokens.map(|said| left(said, 0, now)).or(self.tokens_left);
    }

    /// The service refused the call because there are too many: the lane is parked, for as long as it was asked for at
    /// least. Returns for how long from now.
    pub(super) fn refused(&mut self, pass: Pass, is_overload: bool, asked: Option<Duration>, now: Instant) -> Duration {
        self.ended(pass, Some(0), now);
        self.slowest_refusal = self.slowest_refusal.max(now.saturating_duration_since(pass.at));
        let is_first = pass.epoch == self.epoch;
        if is_first {
            self.epoch += 1;
            self.refusals = self.refusals.saturating_add(1);
        }
        let pause = self.backoff.pause(self.refusals.max(1), asked, self.epoch);
        self.park(pause, now);
        let resumes = self.parked_until(now).unwrap_or(now);
        self.pace.refused(is_first, resumes, now);
        if is_first {
            // Of a service whose rate is known, the rate was too high and not the number at once: the rate holds from now on,
            // and the number grows to what the rate needs.
            if is_overload || !self.pace.is_known() {
                self.window = (self.window / 2.0).max(1.0);
            }
            self.slow_start = !is_overload && self.pace.is_known();
        }
        resumes - now
    }

    /// How long until a call that has so many before it may go, as far as can be told: hardly more than it will be. What is
    /// not known yet, such as how long answers take, holds nobody up.
    pub(super) fn wait_behind(&mut self, ahead: usize, tokens: u64, now: Instant) -> Duration {
        let open = self.parked_until(now).unwrap_or(now);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (before, tokens) = (ahead as f64, tokens as f64);
        let used = self.used.unwrap_or(0.0);
        let rates = [
            (open - now).saturating_add(self.pace.wait_behind(before, open)),
            self.requests.as_mut().map_or(Duration::ZERO, |bucket| bucket.wait_behind(before, 1.0, now)),
            self.tokens.as_mut().map_or(Duration::ZERO, |bucket| bucket.wait_behind(before * used, tokens, now)),
            self.wait_for_room(ahead),
            Duration::try_from_secs_f64(before * self.shared.unwrap_or(0.0)).unwrap_or(Duration::from_hours(24)),
        ];
        // While a lane is parked what was taken before flows back, and those who run end.
        let until = rates.into_iter().map(|wait| now + wait).fold(open, Instant::max);
        let of_said = [(&self.requests_left, ahead as u64), (&self.tokens_left, 0)];
        let of_said = of_said.into_iter().filter_map(|(left, taken)| left.filter(|left| left.remaining <= taken));
        of_said.map(|left| left.until).fold(until, Instant::max).saturating_duration_since(now)
    }

    /// How long until there is room for one more behind so many, by how long answers take.
    fn wait_for_room(&self, ahead: usize) -> Duration {
        let Some(latency) = self.latency else { return Duration::ZERO };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (mut beyond, mut window) = ((ahead + 1 + self.running) as f64 - self.window, self.window);
        let mut rounds = 0.0;
        // While it grows, each round is twice the one before.
        while self.slow_start && beyond > window && window < self.window_max {
            (beyond, rounds) = (beyond - window, rounds + 1.0);
            window = (window * 2.0).min(self.window_max);
        }
        rounds += beyond.max(0.0) / window;
        Duration::try_from_secs_f64(rounds * latency).unwrap_or(Duration::from_hours(24))
    }

    /// The call that was let through waited so long for other processes.
    pub(super) fn waited_for_others(&mut self, wait: Duration) {
        averaged(&mut self.shared, wait.as_secs_f64());
    }

    /// The call was let through and not made: it took nothing but its turn.
    pub(super) fn unused(&mut self, pass: Pass, now: Instant) {
        self.ended(pass, Some(0), now);
    }

    /// The call ended otherwise, or was dropped. What it used is not known unless said.
    pub(super) fn ended(&mut self, pass: Pass, used: Option<u64>, now: Instant) {
        self.running -= 1;
        if pass.is_probe
            && let Park::Proving { since } = &mut self.park
        {
            *since = None;
        }
        if let (Some(bucket), Some(used)) = (&mut self.tokens, used) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            bucket.settle(pass.tokens as f64, used as f64, now);
        }
    }

    /// Nobody goes for so long.
    pub(super) fn park(&mut self, pause: Duration, now: Instant) {
        let until = now + pause;
        self.park = Park::Until(match self.park {
            Park::Until(earlier) => earlier.max(until),
            Park::Open | Park::Proving { .. } => until,
        });
    }

    /// Until when nobody may go, if so.
    pub(super) fn parked_until(&mut self, now: Instant) -> Option<Instant> {
        match self.park {
            Park::Until(until) if until > now => Some(until),
            Park::Until(_) => {
                self.park = Park::Proving { since: None };
                None
            }
            Park::Open | Park::Proving { .. } => None,
        }
    }

    /// Whether forgetting it would let nobody through who must wait.
    pub(super) fn is_idle(&mut self, now: Instant) -> bool {
        self.running == 0 && self.park == Park::Open && {
            let ready = |bucket: &mut Option<Bucket>| bucket.as_mut().is_none_or(|bucket| bucket.is_full(now));
            ready(&mut self.requests) && ready(&mut self.tokens)
        }
    }
}

/// An average of the last ones, each worth less the longer ago it was.
fn averaged(average: &mut Option<f64>, value: f64) {
    *average = Some(average.map_or(value, |average| average + (value - average) / 8.0));
}

/// When so much of what the service said is left may be used; `None`: at once.
fn said(left: &mut Option<Left>, amount: u64, now: Instant) -> Option<Instant> {
    left.take_if(|left| left.until <= now);
    left.filter(|left| left.remaining < amount).map(|left| left.until)
}

/// What is left for calls to come: those under way may not have been counted.
fn left(said: Allowance, running: u64, now: Instant) -> Left {
    Left { remaining: said.remaining.saturating_sub(running), until: now + said.reset }
}
