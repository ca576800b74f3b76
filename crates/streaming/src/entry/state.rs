//! The plain data behind an entry's lock. Owns which record and which delta come next for a place; wakes nobody.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::Waker,
};

use bytes::Bytes;
use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::Lineage;

use super::Place;
use crate::{ClientProgress, StreamError, sent::SentRecord};

/// Records kept for readers that are nearly current; who is further behind reads the store.
pub(super) const RING_RECORDS_MAX: usize = 64;

/// Deltas kept for each workflow that is watched; the oldest go first.
const DELTAS_MAX: usize = 256;

/// Bytes of deltas kept for each workflow that is watched.
const DELTA_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct State {
    pub(super) readers: usize,
    /// Those of them that are shown deltas.
    pub(super) hearers: usize,
    /// The record the ring ends with. `None` until a reader has read up to the end of the log.
    pub(super) end: Option<Seq>,
    /// The lineage of the record at `end`.
    pub(super) lineage: Lineage,
    /// The progress at `end`.
    pub(super) progress: ClientProgress,
    /// As far as hints say the log goes.
    pub(super) hinted: Seq,
    /// As far as readers have seen it go.
    pub(super) seen: Seq,
    pub(super) fetch: Fetch,
    pub(super) over: Option<Over>,
    /// Whether anything came since memory was last given back.
    grew: bool,
    /// Consecutive records up to `end`, at most [`RING_RECORDS_MAX`].
    ring: VecDeque<Arc<SentRecord>>,
    /// The lineage of the record before the first in the ring.
    before_ring: Lineage,
    deltas: VecDeque<Delta>,
    delta_bytes: usize,
    /// The number of the next delta.
    pub(super) delta_next: u64,
    waiting: HashMap<u64, Waker>,
    waiting_hearers: HashMap<u64, Waker>,
}

/// A delta and the record it follows.
struct Delta {
    after: Seq,
    bytes: Bytes,
}

/// The reading of what is new, which one does for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fetch {
    #[default]
    Idle,
    /// Somebody was asked to.
    Wanted,
    UnderWay,
}

/// Why nothing more comes from here.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// The last record is in the ring, or was.
    Ended,
    /// The log is shorter than it was, or was written anew.
    Regressed,
    Failed(StreamError),
}

impl State {
    /// The record after a position, if it is in the ring.
    pub(super) fn after(&self, seq: Seq) -> Option<&Arc<SentRecord>> {
        self.at(seq.plus(1))
    }

    /// The record after that of a lineage, if it is in the ring and known to follow it.
    pub(super) fn following(&self, seq: Seq, lineage: Lineage) -> Option<&Arc<SentRecord>> {
        let is_seen = lineage == Lineage::UNKNOWN || lineage == self.lineage_at(seq);
        self.after(seq).filter(|_| is_seen)
    }

    /// Whether a place is in another history than the ring: one of the two is lost.
    pub(super) fn contradicts(&self, place: &Place) -> bool {
        self.lineage_at(place.sent).contradicts(place.lineage)
    }

    /// The lineage of the record at a position, as far as it is kept.
    fn lineage_at(&self, seq: Seq) -> Lineage {
        if self.end == Some(seq) {
            return self.lineage;
        }
        match (self.at(seq), self.after(seq)) {
            (Some(record), _) => record.lineage,
            (None, Some(_)) => self.before_ring,
            (None, None) => Lineage::UNKNOWN,
        }
    }

    /// The record at a position, if it is in the ring.
    pub(super) fn at(&self, seq: Seq) -> Option<&Arc<SentRecord>> {
        let first = self.ring.front()?.seq;
        let index = usize::try_from(seq.value().checked_sub(first.value())?).ok()?;
        self.ring.get(index)
    }

    /// Takes records that follow the ring.
    pub(super) fn take(&mut self, records: Vec<Arc<SentRecord>>) {
        for record in records {
            self.grew = true;
            if self.ring.is_empty() {
                self.before_ring = self.lineage;
            }
            self.end = Some(record.seq);
            self.lineage = record.lineage;
            self.progress = record.progress;
            if record.is_terminal {
                self.over = Some(Over::Ended);
            }
            if self.ring.len() >= RING_RECORDS_MAX {
                self.before_ring = self.ring.pop_front().map_or(Lineage::UNKNOWN, |oldest| oldest.lineage);
            }
            self.ring.push_back(record);
        }
    }

    /// Whether somebody is to be asked to read because the log is said to be longer.
    pub(super) fn want(&mut self) -> bool {
        let longer = self.end.is_some_and(|end| self.hinted.max(self.seen) > end);
        longer && self.want_now()
    }

    /// Whether somebody is to be asked to read, whatever is said: not if one is at it, or nothing more comes.
    pub(super) fn want_now(&mut self) -> bool {
        let wanted = self.fetch == Fetch::Idle && self.end.is_some() && self.over.is_none();
        if wanted {
            self.fetch = Fetch::Wanted;
        }
        wanted
    }

    /// Keeps a delta, after the records that are known of.
    pub(super) fn show(&mut self, bytes: Bytes) {
        self.grew = true;
        self.delta_bytes += bytes.len();
        self.delta_next += 1;
        let after = self.hinted.max(self.end.unwrap_or(Seq::ZERO));
        self.deltas.push_back(Delta { after, bytes });
        while self.deltas.len() > DELTAS_MAX || self.delta_bytes > DELTA_BYTES_MAX {
            let Some(oldest) = self.deltas.pop_front() else { break };
            self.delta_bytes -= oldest.bytes.len();
        }
    }

    /// The next delta for a place, if it comes before the next record.
    pub(super) fn delta(&self, place: &mut Place) -> Option<Bytes> {
        let first = self.delta_next - self.deltas.len() as u64;
        place.delta = place.delta.max(first);
        let index = usize::try_from(place.delta - first).ok()?;
        let delta = self.deltas.get(index).filter(|delta| delta.after <= place.sent)?;
        place.delta += 1;
        Some(delta.bytes.clone())
    }

    pub(super) fn forget_deltas(&mut self) {
        self.deltas = VecDeque::new();
        self.delta_bytes = 0;
    }

    /// Gives back the memory if nothing has come since this was last called.
    pub(super) fn let_go(&mut self) {
        if !std::mem::take(&mut self.grew) {
            self.ring = VecDeque::new();
            self.forget_deltas();
        }
    }

    pub(super) fn wait(&mut self, place: &Place, waker: &Waker) {
        let waiting = if place.hears { &mut self.waiting_hearers } else { &mut self.waiting };
        waiting.insert(place.reader, waker.clone());
    }

    pub(super) fn forget(&mut self, reader: u64) {
        self.waiting.remove(&reader);
        self.waiting_hearers.remove(&reader);
    }

    pub(super) fn hearing(&mut self) -> Vec<Waker> {
        self.waiting_hearers.drain().map(|(_, waker)| waker).collect()
    }

    pub(super) fn everybody(&mut self) -> Vec<Waker> {
        let all = self.waiting.drain().chain(self.waiting_hearers.drain());
        all.map(|(_, waker)| waker).collect()
    }
}
