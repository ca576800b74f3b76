//! Client events as a stream. Owns resuming in the middle of a record; order and density are `tail`'s.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use mcp_orchestrator_domain::{Recorded, WorkflowId};
use mcp_orchestrator_store::Store;

use crate::{ClientData, ClientEvent, Cursor, StreamError, Tail, TailItem, tail, translate};

/// Follows what clients are told of a workflow, from a position on.
///
/// `cursor` is [`Cursor::START`] or the id of the last event seen. The last event of every workflow is `stream_closed`;
/// after it the stream ends. A cursor the log does not have gives `stream_reset` and then everything. Ephemeral deltas
/// are not events and not shown here.
///
/// Dropping the stream stops everything: there is no task behind it.
pub fn client_events(store: Arc<dyn Store>, id: WorkflowId, cursor: Cursor) -> ClientEvents {
    ClientEvents {
        tail: tail(store, id.clone(), cursor),
        id,
        seen: cursor.seen_of_next() as usize,
        was_reset: false,
        waiting: VecDeque::new(),
    }
}

/// The stream [`client_events`] makes.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ClientEvents {
    tail: Tail,
    id: WorkflowId,
    /// Events of the next record that the reader has seen already.
    seen: usize,
    /// Whether the reader is to be told, with the next record, that what it saw is void.
    was_reset: bool,
    /// Events of one record and the reset before it.
    waiting: VecDeque<ClientEvent>,
}

impl Stream for ClientEvents {
    type Item = Result<ClientEvent, StreamError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.waiting.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match ready!(Pin::new(&mut this.tail).poll_next(context)) {
                Some(Ok(TailItem::Record(recorded))) => this.take(&recorded),
                Some(Ok(TailItem::Reset)) => {
                    this.was_reset = true;
                    this.seen = 0;
                }
                Some(Ok(TailItem::Ephemeral(_))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl ClientEvents {
    fn take(&mut self, recorded: &Recorded) {
        let events = translate(&self.id, recorded);
        // The log begins with a submission, which always gives an event to take time and progress from.
        if let Some(first) = events.first().filter(|_| self.was_reset) {
            self.was_reset = false;
            let reset =
                ClientEvent { id: Cursor::START, agent_id: None, data: ClientData::StreamReset {}, ..first.clone() };
            self.waiting.push_back(reset);
        }
        let seen = std::mem::take(&mut self.seen);
        self.waiting.extend(events.into_iter().skip(seen));
    }
}
