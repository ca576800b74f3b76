//! One workflow's log as a stream. Owns order, density and the end of it; knows nothing of what records mean to clients.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use mcp_orchestrator_domain::{Recorded, Seq, WorkflowId};
use mcp_orchestrator_store::{Change, Store};
use tokio::{
    sync::broadcast::{self, error::RecvError, error::TryRecvError},
    time,
};

use crate::{Cursor, StreamError, steps::Steps};

/// Records held at once: one page of the log.
const PAGE_RECORDS_MAX: usize = 128;

/// The log is read at least this often, whatever the hints say. Hints make a stream quick; this makes it certain.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Waiting hints taken together before the log is read once for all of them.
const HINTS_MAX: usize = 1024;

/// Follows the log of a workflow from a position on.
///
/// It listens first, replays from the store page by page, then goes on live. Every record after the cursor comes
/// exactly once and in order; after the terminal one the stream ends and stays ended. [`Cursor::seen_of_next`] does not matter here:
/// the record it points into comes whole. Must be polled on a tokio runtime with time enabled.
///
/// Dropping the stream stops everything: there is no task behind it.
pub fn tail(store: Arc<dyn Store>, id: WorkflowId, cursor: Cursor) -> Tail {
    let follower = Follower {
        hints: store.changes(),
        store,
        id,
        cursor,
        sent: cursor.seq(),
        page: VecDeque::new(),
        ephemeral: None,
        state: State::Opening,
    };
    Tail { items: Box::pin(Steps::new(follower, Follower::step)) }
}

/// The stream [`tail`] makes.
#[must_use = "streams do nothing unless polled"]
pub struct Tail {
    items: Pin<Box<dyn Stream<Item = Result<TailItem, StreamError>> + Send>>,
}

/// What a [`Tail`] gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TailItem {
    /// The next record.
    Record(Recorded),
    /// Something to show now: not stored, not numbered, possibly lost.
    Ephemeral(Bytes),
    /// The position asked for is not one of this log. What was seen is void; the log follows from its beginning.
    Reset,
}

impl Stream for Tail {
    type Item = Result<TailItem, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").finish_non_exhaustive()
    }
}

struct Follower {
    store: Arc<dyn Store>,
    id: WorkflowId,
    hints: broadcast::Receiver<Change>,
    cursor: Cursor,
    /// The last record given to the reader.
    sent: Seq,
    /// Records read and not given yet, at most [`PAGE_RECORDS_MAX`].
    page: VecDeque<Recorded>,
    /// At most one, taken from the hints while looking for others.
    ephemeral: Option<Bytes>,
    state: State,
}

/// What to do when there is nothing to give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Check the cursor against the log.
    Opening,
    /// Read: the log may have grown.
    Behind,
    /// Wait for a hint.
    Current,
    /// Nothing: the workflow has ended or the stream has failed.
    Ended,
}

impl Follower {
    async fn step(mut self) -> Option<(Result<TailItem, StreamError>, Self)> {
        let item = self.next().await.transpose()?;
        if item.is_err() {
            self.state = State::Ended;
        }
        Some((item, self))
    }

    async fn next(&mut self) -> Result<Option<TailItem>, StreamError> {
        loop {
            if let Some(recorded) = self.page.pop_front() {
                self.sent = recorded.seq;
                if recorded.record.event.is_terminal() {
                    self.page.clear();
                    self.state = State::Ended;
                }
                return Ok(Some(TailItem::Record(recorded)));
            }
            let reset = match self.state {
                State::Ended => return Ok(None),
                State::Opening => self.open().await?,
                State::Behind => self.read().await?,
                State::Current => {
                    if let Some(bytes) = self.ephemeral.take() {
                        return Ok(Some(TailItem::Ephemeral(bytes)));
                    }
                    self.wait().await;
                    false
                }
            };
            if reset {
                self.sent = Seq::ZERO;
                self.state = State::Behind;
                return Ok(Some(TailItem::Reset));
            }
        }
    }

    /// Checks that the log has the position asked for; true if it does not. A log that had ended there gives nothing.
    async fn open(&mut self) -> Result<bool, StreamError> {
        self.state = State::Behind;
        if self.cursor == Cursor::START {
            return Ok(false);
        }
        let before = Seq::new(self.sent.value().saturating_sub(1));
        let last_seen = self.store.read(&self.id, before, 1).await?;
        if last_seen.head == Seq::ZERO {
            return Err(StreamError::Unknown(self.id.clone()));
        }
        let partly_seen = u64::from(self.cursor.seen_of_next() > 0);
        let beyond_head = self.sent.value().saturating_add(partly_seen) > last_seen.head.value();
        if beyond_head || self.cursor.epoch() != Cursor::EPOCH {
            return Ok(true);
        }
        let seen_to_the_end = last_seen.records.first().is_some_and(|recorded| {
            recorded.seq == self.sent && self.sent == last_seen.head && recorded.record.event.is_terminal()
        });
        if seen_to_the_end {
            self.state = State::Ended;
        }
        Ok(false)
    }

    /// Reads the next page; true if the log is shorter than what was given, as after the loss of a replica.
    async fn read(&mut self) -> Result<bool, StreamError> {
        let page = self.store.read(&self.id, self.sent, PAGE_RECORDS_MAX).await?;
        if page.head == Seq::ZERO {
            return Err(StreamError::Unknown(self.id.clone()));
        }
        if page.head < self.sent {
            return Ok(true);
        }
        let mut last = self.sent;
        for recorded in &page.records {
            if recorded.seq != last.plus(1) {
                return Err(StreamError::Gap { expected_after: last, found: recorded.seq });
            }
            last = recorded.seq;
        }
        if last == self.sent && page.head > last {
            return Err(StreamError::Gap { expected_after: last, found: page.head });
        }
        if last >= page.head {
            self.state = State::Current;
        }
        self.page = page.records.into();
        Ok(false)
    }

    /// Waits for a hint about this log, an ephemeral or the poll. Hints that wait already are taken along, so that a
    /// burst costs one read.
    async fn wait(&mut self) {
        match time::timeout(POLL_INTERVAL, self.hints.recv()).await {
            Ok(Ok(change)) => self.note(change),
            Ok(Err(RecvError::Lagged(_))) | Err(_) => self.state = State::Behind,
            Ok(Err(RecvError::Closed)) => {
                time::sleep(POLL_INTERVAL).await;
                self.state = State::Behind;
            }
        }
        for _ in 0..HINTS_MAX {
            if self.ephemeral.is_some() {
                break;
            }
            match self.hints.try_recv() {
                Ok(change) => self.note(change),
                Err(TryRecvError::Lagged(_)) => self.state = State::Behind,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
    }

    fn note(&mut self, change: Change) {
        match change {
            Change::Appended(id, seq) if id == self.id && seq > self.sent => self.state = State::Behind,
            Change::Ephemeral(id, bytes) if id == self.id => self.ephemeral = Some(bytes),
            Change::Appended(..) | Change::Ephemeral(..) => {}
            // `Elsewhere`, and any hint this version does not know.
            _ => self.state = State::Behind,
        }
    }
}
