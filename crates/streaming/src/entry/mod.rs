//! What the readers of one workflow share: its newest records, its newest deltas, and who waits. Owns the lock and the
//! waking; reads no store and knows no socket.

mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use bytes::Bytes;
use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::{Head, Lineage, Page};

use crate::{
    ClientProgress, Cursor, StreamError,
    page::{self, Known},
    sent::SentRecord,
};
use state::{Fetch, Over, State};

/// Records read at once for all.
pub(crate) const FETCH_RECORDS_MAX: usize = state::RING_RECORDS_MAX;

/// One workflow that is being read.
pub(crate) struct Entry {
    pub(crate) id: WorkflowId,
    state: Mutex<State>,
}

/// Who looks, and where it stands.
pub(crate) struct Place {
    pub(crate) reader: u64,
    /// Whether it is shown deltas.
    pub(crate) hears: bool,
    /// The last record it has.
    pub(crate) sent: Seq,
    /// The lineage of that record.
    pub(crate) lineage: Lineage,
    /// The next delta for it.
    pub(crate) delta: u64,
}

/// Where a new reader begins.
pub(crate) enum Join {
    /// With the shared records; the progress at the place, and the lineage of the record there.
    Shared(ClientProgress, Lineage),
    /// Nowhere: the workflow has ended and it has seen all.
    Ended,
    /// It must ask the store.
    Ask,
}

/// What there is for a reader.
pub(crate) enum Look {
    Record(Arc<SentRecord>),
    Delta(Bytes),
    /// It must read the store.
    Behind,
    /// Nothing yet; it will be woken. Whether somebody must be asked to read what is new.
    Wait {
        fetch: bool,
    },
    Ended,
    /// What was seen is not the log any more, nor what is shared here.
    Regressed,
    Failed(StreamError),
}

/// What is to be read for all.
pub(crate) struct Task {
    pub(crate) known: Known,
    /// Where hints said it was.
    hinted: Seq,
}

/// What a fetch led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    Current,
    /// There is more, and somebody must be asked to read it.
    More,
    /// Nothing more comes from this entry; it must leave the map.
    Broken,
}

impl Entry {
    pub(crate) fn new(id: WorkflowId) -> Self {
        Self { id, state: Mutex::default() }
    }

    /// Every section leaves the state whole, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader comes. Returns the number of its first delta.
    pub(crate) fn enter(&self, hears: bool) -> u64 {
        let mut state = self.lock();
        state.readers += 1;
        state.hearers += usize::from(hears);
        state.delta_next
    }

    /// A reader goes; true if it was the last.
    pub(crate) fn leave(&self, place: &Place) -> bool {
        let mut state = self.lock();
        state.readers -= 1;
        state.hearers -= usize::from(place.hears);
        state.forget(place.reader);
        if state.hearers == 0 {
            state.forget_deltas();
        }
        state.readers == 0
    }

    /// Where a reader at a cursor begins, if the shared records say it.
    pub(crate) fn join(&self, cursor: Cursor) -> Join {
        let state = self.lock();
        let sent = cursor.seq();
        let is_broken = matches!(state.over, Some(Over::Regressed | Over::Failed(_)));
        let Some(end) = state.end.filter(|_| !is_broken) else { return Join::Ask };
        let is_whole = cursor.seen_of_next() == 0;
        if sent == end && is_whole && cursor.is_of(state.lineage) {
            return if state.over.is_some() { Join::Ended } else { Join::Shared(state.progress, state.lineage) };
        }
        let Some(next) = state.after(sent) else { return Join::Ask };
        match state.at(sent) {
            Some(seen) if cursor.is_of(if is_whole { seen.lineage } else { next.lineage }) => {
                Join::Shared(seen.progress, seen.lineage)
            }
            None if sent == Seq::ZERO && (is_whole || cursor.is_of(next.lineage)) => {
                Join::Shared(ClientProgress::default(), Lineage::UNKNOWN)
            }
            Some(_) | None => Join::Ask,
        }
    }

    /// What there is for a reader that is, or was, current and has seen `progress`. If there is nothing, it is woken when
    /// there may be.
    pub(crate) fn look(&self, place: &mut Place, progress: ClientProgress, waker: &Waker) -> Look {
        let mut state = self.lock();
        match &state.over {
            Some(Over::Regressed) => return Look::Regressed,
            Some(Over::Failed(error)) => return Look::Failed(error.clone()),
            Some(Over::Ended) | None => {}
        }
        if place.hears
            && let Some(bytes) = state.delta(place)
        {
            return Look::Delta(bytes);
        }
        if state.end.is_none() {
            (state.end, state.lineage) = (Some(place.sent), place.lineage);
        } else if state.contradicts(place) {
            // Whoever is right, nothing that is shared here can be trusted.
            state.over = Some(Over::Regressed);
            let wakers = state.everybody();
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
            return Look::Regressed;
        }
        let end = state.end.unwrap_or(place.sent);
        if place.sent < end {
            let next = state.following(place.sent, place.lineage);
            return next.map_or(Look::Behind, |record| Look::Record(Arc::clone(record)));
        }
        if state.over.is_some() {
            return Look::Ended;
        }
        state.seen = state.seen.max(place.sent);
        if place.sent == end {
            state.progress = progress;
        }
        state.wait(place, waker);
        Look::Wait { fetch: state.want() }
    }

    /// Has a reader woken when there may be something for it, also when everything is closed.
    pub(crate) fn wait(&self, place: &Place, waker: &Waker) {
        self.lock().wait(place, waker);
    }

    /// Takes a hint; true if somebody must be asked to read what is new.
    pub(crate) fn hint(&self, head: Seq) -> bool {
        let mut state = self.lock();
        state.hinted = state.hinted.max(head);
        state.want()
    }

    /// Compares with where the store says the log is; true if somebody must be asked to read.
    pub(crate) fn compare(&self, head: Head) -> bool {
        let mut state = self.lock();
        let is_other = head.lineage.contradicts(state.lineage);
        state.end.is_some_and(|end| head.seq != end || is_other) && state.want_now()
    }

    /// Keeps a delta for those who are shown deltas.
    pub(crate) fn show(&self, bytes: Bytes) {
        let mut state = self.lock();
        if state.hearers > 0 {
            state.show(bytes);
            let wakers = state.hearing();
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Begins to read what is new for all; `None` if nobody needs it any more.
    pub(crate) fn begin_fetch(&self) -> Option<Task> {
        let mut state = self.lock();
        let after = state.end.filter(|_| state.over.is_none() && state.readers > 0);
        state.fetch = if after.is_some() { Fetch::UnderWay } else { Fetch::Idle };
        let (lineage, hinted) = (state.lineage, state.hinted);
        after.map(|after| Task { known: Known { after, lineage, head: after.max(state.seen) }, hinted })
    }

    /// Takes what a fetch brought and wakes who waits for it.
    pub(crate) fn fetched(&self, task: &Task, page: Result<Page, StreamError>) -> Fetched {
        let page = page.and_then(|page| {
            let last = page::check(&self.id, task.known, &page)?;
            Ok(last.map(|_| page))
        });
        let over = match &page {
            Ok(Some(_)) => None,
            Ok(None) => Some(Over::Regressed),
            Err(error) => Some(Over::Failed(error.clone())),
        };
        let page = page.ok().flatten().unwrap_or_default();
        let records = page.records.iter().enumerate();
        let records: Vec<_> = records
            .map(|(place, recorded)| Arc::new(SentRecord::new(&self.id, recorded, page.lineage(place))))
            .collect();

        let mut state = self.lock();
        state.fetch = Fetch::Idle;
        let fetched = if over.is_some() {
            state.over = over;
            Fetched::Broken
        } else if records.is_empty() {
            // A hint the store does not bear out is no reason to ask again and again.
            if state.hinted == task.hinted {
                state.hinted = task.known.after;
            }
            return if state.want() { Fetched::More } else { Fetched::Current };
        } else {
            state.take(records);
            state.hinted = state.hinted.max(page.head);
            if state.want() { Fetched::More } else { Fetched::Current }
        };
        let wakers = state.everybody();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        fetched
    }

    /// Wakes everybody.
    pub(crate) fn wake(&self) {
        let wakers = self.lock().everybody();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Gives back the memory of a workflow in which nothing has happened since this was last called: who still needs those
    /// records reads the store.
    pub(crate) fn let_go(&self) {
        self.lock().let_go();
    }

    /// Whether a reader has read to the end of the log and more may come.
    pub(crate) fn is_live(&self) -> bool {
        let state = self.lock();
        state.end.is_some() && state.over.is_none()
    }
}
