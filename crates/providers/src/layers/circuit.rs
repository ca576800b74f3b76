//! The states of a circuit breaker. Pure: it is told what time it is and what became of calls; it makes none.

use std::time::Duration;

use tokio::time::Instant;

/// A circuit: closed while calls succeed, open after too many failures in a row, then tried by one call.
#[derive(Debug)]
pub(super) struct Circuit {
    failures_max: u32,
    pause: Duration,
    state: State,
    /// Grows with every change of state, so that what was begun under an earlier one cannot speak for a later one.
    turn: u64,
}

#[derive(Debug)]
enum State {
    /// The moments of the last failures in a row, at most `failures_max`, none older than the pause.
    Closed(Vec<Instant>),
    Open {
        until: Instant,
    },
    /// The pause is over; one call may be under way to see whether it was long enough.
    HalfOpen {
        probing: bool,
    },
}

/// Leave to make one call, to be given back with what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leave {
    turn: u64,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// The service is there: it answered, or refused as one that works does.
    Well,
    /// The service failed.
    Failed,
    /// Nobody knows: the call was dropped.
    Unknown,
}

impl Circuit {
    pub(super) const fn new(failures_max: u32, pause: Duration) -> Self {
        Self { failures_max, pause, state: State::Closed(Vec::new()), turn: 0 }
    }

    /// Leave to make a call, or how long to wait before asking again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Leave, Duration> {
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            self.enter(State::HalfOpen { probing: false });
        }
        match &mut self.state {
            State::HalfOpen { probing: true } => Err(self.pause / 4),
            State::HalfOpen { probing } => {
                *probing = true;
                Ok(Leave { turn: self.turn })
            }
            State::Closed(_) | State::Open { .. } => Ok(Leave { turn: self.turn }),
        }
    }

    /// Takes leave back.
    pub(super) fn give_back(&mut self, leave: Leave, became: Became, now: Instant) {
        if leave.turn != self.turn {
            return;
        }
        match (&mut self.state, became) {
            (State::Closed(failures), Became::Well) => failures.clear(),
            (State::Closed(failures), Became::Failed) => {
                failures.retain(|at| now.duration_since(*at) < self.pause);
                failures.push(now);
                if failures.len() >= self.failures_max as usize {
                    self.enter(State::Open { until: now + self.pause });
                }
            }
            (State::HalfOpen { .. }, Became::Well) => self.enter(State::Closed(Vec::new())),
            (State::HalfOpen { .. }, Became::Failed) => self.enter(State::Open { until: now + self.pause }),
            (State::HalfOpen { probing }, Became::Unknown) => *probing = false,
            (State::Closed(_), Became::Unknown) | (State::Open { .. }, _) => {}
        }
    }

    /// Whether a call is under way to see whether the pause was long enough.
    pub(super) const fn is_probing(&self) -> bool {
        matches!(self.state, State::HalfOpen { probing: true })
    }

    /// Whether it has nothing to remember.
    pub(super) fn is_idle(&self) -> bool {
        matches!(&self.state, State::Closed(failures) if failures.is_empty())
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.turn += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    #[derive(Clone, Copy, Debug)]
    enum Move {
        Ask,
        Pass(u64),
        End(usize, Became),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let became = prop_oneof![Just(Became::Well), Just(Became::Failed), Just(Became::Unknown)];
        let one = prop_oneof![
            3 => Just(Move::Ask),
            2 => (0..70_u64).prop_map(Move::Pass),
            4 => (0..8_usize, became).prop_map(|(which, became)| Move::End(which, became)),
        ];
        prop::collection::vec(one, 1..200)
    }

    proptest! {
        /// Whatever happens in whatever order: while it is half open one call is under way at most, and it never stays open
        /// once its pause is over and no probe is under way.
        #[test]
        fn never_two_probes_and_never_stuck(moves in moves()) {
            let mut circuit = Circuit::new(5, PAUSE);
            let mut now = Instant::now();
            let mut under_way: Vec<Leave> = Vec::new();
            for each in moves {
                match each {
                    Move::Ask => if let Ok(leave) = circuit.admit(now) {
                        under_way.push(leave);
                    },
                    Move::Pass(seconds) => now += Duration::from_secs(seconds),
                    Move::End(which, became) => if !under_way.is_empty() {
                        let leave = under_way.remove(which % under_way.len());
                        circuit.give_back(leave, became, now);
                    },
                }
                let probes = under_way.iter().filter(|leave| leave.turn == circuit.turn).count();
                if matches!(circuit.state, State::HalfOpen { .. }) {
                    prop_assert!(probes <= 1, "{probes} probes");
                }
                if let State::Closed(failures) = &circuit.state {
                    prop_assert!(failures.len() < 5);
                }
                if let State::HalfOpen { probing: true } = circuit.state {
                    prop_assert_eq!(probes, 1, "a probe nobody makes");
                }
            }
            // Whoever is still under way goes; after one pause a call is let through, and its success closes the circuit.
            for leave in under_way.drain(..) {
                circuit.give_back(leave, Became::Unknown, now);
            }
            now += PAUSE;
            let leave = circuit.admit(now);
            prop_assert!(leave.is_ok());
            circuit.give_back(leave.unwrap(), Became::Well, now);
            prop_assert!(circuit.admit(now).is_ok() && circuit.admit(now).is_ok());
        }
    }
}
