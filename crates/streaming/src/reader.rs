//! One reader of one workflow: replays the log, then goes on with what all its readers share. Owns order, density, resuming
//! in the middle of a record, and the last event; knows nothing of how what is new becomes known.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use mcp_orchestrator_domain::{Recorded, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{Lineage, Page, StoreError};

use crate::{
    ClientData, ClientEvent, ClientProgress, CloseReason, Cursor, SentEvent, StreamError, StreamItem,
    bridge::Shared,
    entry::{Entry, Join, Look, Place},
    page::{self, Known},
    sent::SentRecord,
};

/// Records a reader that replays holds at once: one page of the log.
const PAGE_RECORDS_MAX: usize = 128;

/// One reader. Dropping it ends everything it has begun.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    place: Place,
    /// The id of the last event given.
    cursor: Cursor,
    /// The progress last seen.
    progress: ClientProgress,
    /// Whether the reader is to be told, with the next record, that what it saw is void.
    was_reset: bool,
    /// An event to give before those of the record.
    reset: Option<Arc<SentEvent>>,
    /// The record whose events are being given, and the next of them.
    record: Option<Arc<SentRecord>>,
    next: usize,
    /// Whether the next record is one of which some was seen, by the cursor.
    is_partly_seen: bool,
    /// Records read and not given yet, at most [`PAGE_RECORDS_MAX`].
    page: VecDeque<(Recorded, Lineage)>,
    state: State,
}

type Reading = Pin<Box<dyn Future<Output = Result<Page, StoreError>> + Send>>;

/// What to do when there is nothing to give.
enum State {
    /// Check the cursor.
    Joining,
    /// Check it against the log.
    Opening(Reading),
    /// Read on from the store.
    Behind,
    Reading(Reading),
    /// See what is new.
    Current,
    /// Nothing: the workflow has ended, the stream has failed, or all is closed.
    Ended,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, id: &WorkflowId, cursor: Cursor, hears: bool) -> Self {
        let reader = shared.come();
        let (entry, delta) = shared.enter(id, hears);
        Self {
            shared,
            entry,
            place: Place { reader, hears, sent: cursor.seq(), lineage: Lineage::UNKNOWN, delta },
            cursor,
            progress: ClientProgress::default(),
            was_reset: false,
            reset: None,
            record: None,
            next: cursor.seen_of_next() as usize,
            is_partly_seen: cursor.seen_of_next() > 0,
            page: VecDeque::new(),
            state: State::Joining,
        }
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<StreamItem, StreamError>>> {
        loop {
            if let Some(event) = self.next_event() {
                return Poll::Ready(Some(Ok(StreamItem::Event(event))));
            }
            if matches!(self.state, State::Ended) {
                return Poll::Ready(None);
            }
            if let Some(at) = self.shared.closed() {
                return Poll::Ready(Some(Ok(StreamItem::Event(self.close(at)))));
            }
            if let Some((recorded, lineage)) = self.page.pop_front() {
                self.take(Arc::new(SentRecord::new(&self.entry.id, &recorded, lineage)));
                continue;
            }
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Joining => self.join(),
                State::Behind => {
                    self.page = VecDeque::new();
                    self.state = State::Reading(self.read(self.place.sent));
                }
                State::Opening(reading) | State::Reading(reading) => {
                    let Poll::Ready(page) = reading.as_mut().poll(context) else {
                        // To be woken when all is closed, however long the store takes.
                        self.entry.wait(&self.place, context.waker());
                        if self.shared.closed().is_none() {
                            return Poll::Pending;
                        }
                        continue;
                    };
                    if let Err(error) = self.turn(page) {
                        return Poll::Ready(Some(Err(self.fail(error))));
                    }
                }
                State::Current => match self.entry.look(&mut self.place, self.progress, context.waker()) {
                    Look::Record(record) => self.take(record),
                    Look::Delta(bytes) => return Poll::Ready(Some(Ok(StreamItem::Delta(bytes)))),
                    Look::Behind => self.state = State::Behind,
                    Look::Ended => self.state = State::Ended,
                    Look::Regressed => {
                        self.shared.detach(&self.entry);
                        self.begin_again();
                    }
                    Look::Failed(error) => return Poll::Ready(Some(Err(self.fail(error)))),
                    Look::Wait { fetch } => {
                        if fetch {
                            self.shared.want(&self.entry);
                        }
                        if self.shared.closed().is_none() {
                            return Poll::Pending;
                        }
                    }
                },
            }
        }
    }

    /// The next event of the record at hand.
    fn next_event(&mut self) -> Option<Arc<SentEvent>> {
        let event = match self.reset.take() {
            Some(reset) => reset,
            None => {
                let event = self.record.as_ref()?.events.get(self.next).cloned();
                self.next += 1;
                if event.is_none() {
                    (self.record, self.next) = (None, 0);
                }
                event?
            }
        };
        self.cursor = event.event.id;
        Some(event)
    }

    fn take(&mut self, record: Arc<SentRecord>) {
        if std::mem::take(&mut self.is_partly_seen) && !self.cursor.is_of(record.lineage) {
            return self.begin_again();
        }
        (self.place.sent, self.place.lineage) = (record.seq, record.lineage);
        self.progress = record.progress;
        // The log begins with a submission, which always gives an event to take time and progress from.
        if let Some(first) = record.events.first().filter(|_| self.was_reset) {
            self.was_reset = false;
            let data = ClientData::StreamReset {};
            let reset = ClientEvent { id: Cursor::START, agent_id: None, data, ..first.event.clone() };
            self.reset = Some(Arc::new(SentEvent::new(reset)));
        }
        if record.is_terminal {
            self.page = VecDeque::new();
            self.state = State::Ended;
        }
        self.record = Some(record);
    }

    /// The last event of a stream that is closed before its workflow has ended.
    fn close(&mut self, at: Timestamp) -> Arc<SentEvent> {
        self.page = VecDeque::new();
        self.state = State::Ended;
        Arc::new(SentEvent::new(ClientEvent {
            id: self.cursor,
            task_id: self.entry.id.clone(),
            timestamp: at,
            data: ClientData::StreamClosed { status: None, reason: CloseReason::Shutdown },
            agent_id: None,
            progress: self.progress,
        }))
    }

    fn fail(&mut self, error: StreamError) -> StreamError {
        self.page = VecDeque::new();
        self.state = State::Ended;
        error
    }

    fn join(&mut self) {
        self.state = match self.entry.join(self.cursor) {
            Join::Shared(progress, lineage) => {
                (self.progress, self.place.lineage) = (progress, lineage);
                State::Current
            }
            Join::Ended => State::Ended,
            // From the last record seen on, to see that it is there.
            Join::Ask => State::Opening(self.read(before(self.place.sent))),
        };
    }

    fn read(&self, after: Seq) -> Reading {
        let (shared, entry) = (Arc::clone(&self.shared), Arc::clone(&self.entry));
        Box::pin(async move { shared.store.read(&entry.id, after, PAGE_RECORDS_MAX).await })
    }

    /// Takes a page from the store.
    fn turn(&mut self, page: Result<Page, StoreError>) -> Result<(), StreamError> {
        let page = page?;
        let sent = self.place.sent;
        let is_opening = matches!(self.state, State::Opening(_));
        let known = Known {
            after: if is_opening { before(sent) } else { sent },
            lineage: self.place.lineage,
            head: sent.plus(u64::from(self.is_partly_seen)),
        };
        let last = page::check(&self.entry.id, known, &page)?;
        let is_of_this_log = !is_opening || self.is_partly_seen || self.cursor.is_of(page.lineage(0));
        let Some(last) = last.filter(|_| is_of_this_log) else {
            self.begin_again();
            return Ok(());
        };
        self.state = if last >= page.head { State::Current } else { State::Behind };
        let lineages = page.lineages.into_iter().chain(std::iter::repeat(Lineage::UNKNOWN));
        self.page = page.records.into_iter().zip(lineages).collect();
        if is_opening
            && sent > Seq::ZERO
            && let Some((seen, lineage)) = self.page.pop_front()
        {
            self.place.lineage = lineage;
            self.progress = ClientProgress::from(&seen.record.progress);
            if seen.record.event.is_terminal() {
                self.state = State::Ended;
            }
        }
        Ok(())
    }

    /// The log is not what was seen: everything follows again, from an entry of its own.
    fn begin_again(&mut self) {
        let (entry, delta) = self.shared.enter(&self.entry.id, self.place.hears);
        self.shared.leave(&self.entry, &self.place);
        self.entry = entry;
        self.place = Place { sent: Seq::ZERO, lineage: Lineage::UNKNOWN, delta, ..self.place };
        self.page = VecDeque::new();
        (self.record, self.next) = (None, 0);
        (self.was_reset, self.is_partly_seen) = (true, false);
        self.state = State::Behind;
    }
}

const fn before(seq: Seq) -> Seq {
    Seq::new(seq.value().saturating_sub(1))
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.leave(&self.entry, &self.place);
        self.shared.gone();
    }
}
