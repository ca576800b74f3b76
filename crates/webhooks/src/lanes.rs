//! What waits, endpoint by endpoint. Owns order and fairness; knows neither the store nor a receiver, and no clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use mcp_orchestrator_domain::Timestamp;

use crate::keys::{EndpointKey, Owner, Slot};

/// Lanes in which nothing waits that are kept for the next event.
const IDLE_MAX: usize = 1024;

/// The lanes of all endpoints. There is one for each endpoint for which something waits, and some idle ones.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: BTreeMap<EndpointKey, Lane>,
    /// Whose turn it was last.
    served: Option<EndpointKey>,
    /// Attempts that run, by owner: those of one owner are not to take the places of all.
    running: BTreeMap<Owner, usize>,
}

/// What waits for one endpoint. One attempt at a time, so a receiver sees first attempts in the order of events.
#[derive(Default)]
pub(crate) struct Lane {
    /// Without an attempt yet, in order. At most `pending_max` with `retries`.
    firsts: BTreeSet<Slot>,
    /// To be tried again, by time.
    retries: BTreeMap<Slot, Timestamp>,
    due: BTreeSet<(Timestamp, Slot)>,
    /// Taken, and still kept. At most `kept_max`, and one while it is being forgotten.
    taken: BTreeSet<Slot>,
    /// Dead letters, likewise: many deliveries that went well do not push them out.
    dead: BTreeSet<Slot>,
    running: bool,
    /// Whether a retry had the last turn: the next one is a first attempt's.
    was_retry: bool,
    blocked_until: Option<Timestamp>,
}

impl Lanes {
    pub(crate) fn get(&mut self, key: &EndpointKey) -> Option<&mut Lane> {
        self.lanes.get_mut(key)
    }

    /// Puts a lane in place of the one before; an attempt that runs there goes on.
    pub(crate) fn put(&mut self, key: EndpointKey, mut lane: Lane) {
        lane.running = self.lanes.get(&key).is_some_and(|before| before.running);
        if self.lanes.len() >= IDLE_MAX {
            self.lanes.retain(|_, lane| !lane.is_idle());
        }
        self.lanes.insert(key, lane);
    }

    /// The next attempt to make now, and marks its lane as running. Lanes take turns, and of one owner at most `owner_max`
    /// run at a time.
    pub(crate) fn next(&mut self, now: Timestamp, owner_max: usize) -> Option<(EndpointKey, Slot)> {
        let after = self.served.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.lanes.range((after, Bound::Unbounded)).map(|(key, _)| key);
        let may_run = |owner: &Owner| self.running.get(owner).is_none_or(|running| *running < owner_max);
        let ready = |key: &&EndpointKey| {
            may_run(&key.owner) && self.lanes.get(*key).is_some_and(|lane| lane.ready(now).is_some())
        };
        let key = behind.chain(self.lanes.keys()).find(ready)?.clone();
        let lane = self.lanes.get_mut(&key)?;
        let slot = lane.ready(now)?;
        lane.was_retry = lane.retries.contains_key(&slot);
        lane.running = true;
        self.served = Some(key.clone());
        *self.running.entry(key.owner.clone()).or_default() += 1;
        Some((key, slot))
    }

    /// An attempt has ended; what came of it is told to its lane.
    pub(crate) fn ended(&mut self, key: &EndpointKey) {
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.running = false;
        }
        if let Some(running) = self.running.get_mut(&key.owner) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(&key.owner);
            }
        }
    }

    /// When the next attempt is due that is not due yet.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.lanes.values().filter(|lane| !lane.running);
        waiting.filter_map(Lane::deadline).filter(|due| *due > now).min()
    }

    pub(crate) fn pending(&self) -> usize {
        self.lanes.values().map(Lane::pending).sum()
    }
}

impl Lane {
    pub(crate) fn pending(&self) -> usize {
        self.firsts.len() + self.retries.len()
    }

    /// Something waits, and it is due now or later.
    pub(crate) fn wait(&mut self, slot: Slot, first_and_due: bool, due: Timestamp) {
        self.take(slot);
        if first_and_due {
            self.firsts.insert(slot);
        } else {
            self.retries.insert(slot, due);
            self.due.insert((due, slot));
        }
    }

    /// Something is over and kept.
    pub(crate) fn keep(&mut self, slot: Slot, dead: bool) {
        self.take(slot);
        if dead {
            self.dead.insert(slot)
        } else {
            self.taken.insert(slot)
        };
    }

    /// Something is no more.
    pub(crate) fn take(&mut self, slot: Slot) {
        self.firsts.remove(&slot);
        if let Some(due) = self.retries.remove(&slot) {
            self.due.remove(&(due, slot));
        }
        self.taken.remove(&slot);
        self.dead.remove(&slot);
    }

    /// The oldest of its kind that is over, if more than `max` are kept; it is not counted any more.
    pub(crate) fn surplus(&mut self, max: usize) -> Option<Slot> {
        [&mut self.taken, &mut self.dead].into_iter().find(|kept| kept.len() > max)?.pop_first()
    }

    pub(crate) const fn block(&mut self, until: Timestamp) {
        self.blocked_until = Some(until);
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.firsts.clear();
        self.retries.clear();
        self.due.clear();
    }

    fn is_idle(&self) -> bool {
        !self.running && self.pending() == 0
    }

    /// What to try now. First attempts and retries take turns: neither can hold up the other for long.
    fn ready(&self, now: Timestamp) -> Option<Slot> {
        if self.running || self.blocked_until.is_some_and(|until| now < until) {
            return None;
        }
        let first = self.firsts.first().copied();
        let retry = self.due.first().filter(|(due, _)| *due <= now).map(|(_, slot)| *slot);
        if self.was_retry { first.or(retry) } else { retry.or(first) }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let due =
            if self.firsts.is_empty() { self.due.first().map(|(due, _)| *due) } else { Some(Timestamp::default()) };
        due.map(|due| due.max(self.blocked_until.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::{Principal, Timestamp};

    use super::{Lane, Lanes};
    use crate::{
        EndpointId,
        keys::{EndpointKey, Owner, Slot},
    };

    const MANY: usize = 99;

    fn key(name: &str) -> EndpointKey {
        EndpointKey { owner: Owner::of(&Principal::local()), id: EndpointId(name.to_owned()) }
    }

    const fn slot(ordinal: u64) -> Slot {
        Slot { ordinal, n: 0 }
    }

    const fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn lane(firsts: &[u64], retries: &[(u64, u64)]) -> Lane {
        let mut lane = Lane::default();
        firsts.iter().for_each(|first| lane.wait(slot(*first), true, at(0)));
        retries.iter().for_each(|(retry, due)| lane.wait(slot(*retry), false, at(*due)));
        lane
    }

    #[test]
    fn lanes_take_turns_and_each_has_one_attempt_at_a_time() {
        let mut lanes = Lanes::default();
        lanes.put(key("wh_a"), lane(&[1, 2], &[]));
        lanes.put(key("wh_b"), lane(&[1, 2], &[]));
        assert_eq!(lanes.next(at(5), MANY), Some((key("wh_a"), slot(1))));
        assert_eq!(lanes.next(at(5), MANY), Some((key("wh_b"), slot(1))));
        assert_eq!(lanes.next(at(5), MANY), None);
        for name in ["wh_a", "wh_b"] {
            lanes.get(&key(name)).unwrap().keep(slot(1), false);
            lanes.ended(&key(name));
        }
        assert_eq!(lanes.next(at(5), MANY), Some((key("wh_a"), slot(2))));
        assert_eq!(lanes.pending(), 2);
    }

    #[test]
    fn one_owner_does_not_take_the_places_of_all() {
        let mut lanes = Lanes::default();
        let stranger = EndpointKey { owner: Owner::of(&Principal::named("stranger")), ..key("wh_d") };
        for key in [key("wh_a"), key("wh_b"), key("wh_c"), stranger.clone()] {
            lanes.put(key, lane(&[1], &[]));
        }
        let mut begun = Vec::new();
        while let Some((key, _)) = lanes.next(at(5), 2) {
            begun.push(key);
        }
        begun.sort();
        let mut expected = [key("wh_a"), key("wh_b"), stranger];
        expected.sort();
        assert_eq!(begun, expected);
        lanes.ended(&key("wh_a"));
        assert!(lanes.next(at(5), 2).is_some());
    }

    #[test]
    fn first_attempts_and_retries_take_turns() {
        let mut lanes = Lanes::default();
        lanes.put(key("wh_a"), lane(&[3, 4], &[(1, 10), (2, 5), (9, 99)]));
        let mut order = Vec::new();
        while let Some((key, slot)) = lanes.next(at(50), MANY) {
            lanes.get(&key).unwrap().take(slot);
            lanes.ended(&key);
            order.push(slot.ordinal);
        }
        assert_eq!(order, [2, 3, 1, 4]);
        assert_eq!(lanes.deadline(at(50)), Some(at(99)));
    }

    #[test]
    fn a_blocked_lane_waits_and_a_replaced_one_keeps_its_attempt() {
        let mut lanes = Lanes::default();
        lanes.put(key("wh_a"), lane(&[1], &[]));
        lanes.get(&key("wh_a")).unwrap().block(at(20));
        assert_eq!((lanes.next(at(19), MANY), lanes.deadline(at(19))), (None, Some(at(20))));
        assert!(lanes.next(at(20), MANY).is_some());
        lanes.put(key("wh_a"), lane(&[1], &[]));
        assert_eq!(lanes.next(at(20), MANY), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut lane = lane(&[], &[]);
        lane.keep(slot(1), true);
        (2..=4).for_each(|ordinal| lane.keep(slot(ordinal), false));
        assert_eq!((lane.surplus(2), lane.surplus(2)), (Some(slot(2)), None));
    }
}
