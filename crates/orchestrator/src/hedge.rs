//! When a model that takes long is asked a second time. Owns the operator's choice and what this process has seen of how long
//! answers take; who is asked, and which answer counts, is the run's.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_domain::{ModelName, ProviderName, Role, millis};

/// When a second call is made beside one that takes long, see [`Builder::with_hedge`](crate::Builder::with_hedge).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hedge {
    /// Once the first has run for so long. Time it waited for permission to run is not counted.
    After(Duration),
    /// Once the first has run longer than 95 of the last 100 did that the same model was asked in the same part, planning,
    /// research or synthesis; at least a second. Each process learns that by itself: for its first 20 calls of a kind it
    /// makes no second one.
    P95,
}

/// What calls have in common whose times are compared: provider, model, part.
pub(crate) type Class = (ProviderName, Option<ModelName>, &'static str);

/// How long calls ran that this process has made.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    seen: Mutex<HashMap<Class, VecDeque<u64>>>,
}

/// Classes kept at most; when there are more, all are forgotten and learned anew.
const CLASSES_MAX: usize = 256;
/// Calls of a class that are remembered, the last ones.
const SEEN_MAX: usize = 100;
/// Calls of a class that say something about it.
const SEEN_MIN: usize = 20;
/// Nobody is asked twice sooner, however fast the others were.
const SOONEST: Duration = Duration::from_secs(1);

impl Hedge {
    /// After how long a call of this class gets a second one; `None`: not at all.
    pub(crate) fn after(self, class: &Class, pace: &Pace) -> Option<Duration> {
        match self {
            Self::After(after) => Some(after),
            Self::P95 => pace.p95(class).map(|p95| p95.max(SOONEST)),
        }
    }
}

/// The class of a call.
pub(crate) fn class(provider: &ProviderName, model: Option<&ModelName>, role: &Role) -> Class {
    (provider.clone(), model.cloned(), role.agent_type())
}

impl Pace {
    /// A call ran so long. One that was given up counts with the time until then: it would have taken longer.
    pub(crate) fn saw(&self, class: Class, ran: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CLASSES_MAX && !seen.contains_key(&class) {
            seen.clear();
        }
        let last = seen.entry(class).or_default();
        if last.len() >= SEEN_MAX {
            last.pop_front();
        }
        last.push_back(millis(ran));
    }

    /// How long all but five of a hundred ran at most.
    fn p95(&self, class: &Class) -> Option<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times: Vec<u64> = seen.get(class)?.iter().copied().collect();
        drop(seen);
        if times.len() < SEEN_MIN {
            return None;
        }
        let place = (times.len() * 95).div_ceil(100) - 1;
        let (_, p95, _) = times.select_nth_unstable(place);
        Some(Duration::from_millis(*p95))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: &str) -> Class {
        class(&ProviderName::new(provider).unwrap(), None, &Role::Researcher)
    }

    #[test]
    fn a_kind_of_call_is_known_after_twenty_of_it_by_the_last_hundred() {
        let pace = Pace::default();
        let after = |name: &str| Hedge::P95.after(&of(name), &pace);
        for seconds in 1..20 {
            pace.saw(of("slow"), Duration::from_secs(seconds));
        }
        assert_eq!(after("slow"), None);
        pace.saw(of("slow"), Duration::from_secs(20));
        assert_eq!(after("slow"), Some(Duration::from_secs(19)));
        for _ in 0..100 {
            pace.saw(of("slow"), Duration::from_millis(30));
        }
        assert_eq!(after("slow"), Some(SOONEST), "what was long ago is forgotten, and nobody is asked twice at once");
        assert_eq!(after("other"), None);
        assert_eq!(Hedge::After(Duration::from_secs(7)).after(&of("other"), &pace), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_bounded_number_of_kinds_is_kept() {
        let pace = Pace::default();
        for number in 0..=CLASSES_MAX {
            pace.saw(of(&format!("p{number}")), SOONEST);
        }
        assert_eq!(pace.seen.lock().unwrap().len(), 1);
    }
}
