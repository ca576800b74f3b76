//! What is shared by all readers of a workflow: events already made and rendered. Owns that each is made and rendered once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mcp_orchestrator_domain::{Recorded, Seq, WorkflowId};
use mcp_orchestrator_store::Lineage;

use crate::{ClientEvent, ClientProgress, translate};

/// What [`Watch`](crate::Watch) gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StreamItem {
    /// The next event.
    Event(Arc<SentEvent>),
    /// A piece of text while it is being written: JSON `{agent_id, text}`. It is not stored and not numbered, and it may
    /// be lost; the log has the whole text later.
    Delta(Bytes),
}

/// An event and its JSON, which is made once for all who ask for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct SentEvent {
    /// The event.
    pub event: ClientEvent,
    json: OnceLock<Bytes>,
}

impl SentEvent {
    pub(crate) fn new(event: ClientEvent) -> Self {
        Self { event, json: OnceLock::new() }
    }

    /// The event as JSON on one line. Cloning the bytes shares them.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        // Names, numbers and strings into memory: there is nothing in it that could fail.
        self.json.get_or_init(|| serde_json::to_vec(&self.event).unwrap_or_default().into())
    }
}

/// A record as clients see it: none to three events.
#[derive(Debug)]
pub(crate) struct SentRecord {
    pub(crate) seq: Seq,
    pub(crate) lineage: Lineage,
    pub(crate) is_terminal: bool,
    pub(crate) progress: ClientProgress,
    pub(crate) events: Box<[Arc<SentEvent>]>,
}

impl SentRecord {
    pub(crate) fn new(id: &WorkflowId, recorded: &Recorded, lineage: Lineage) -> Self {
        let events = translate(id, recorded).into_iter();
        let events = events.map(|event| ClientEvent { id: event.id.in_history(lineage), ..event });
        Self {
            seq: recorded.seq,
            lineage,
            is_terminal: recorded.record.event.is_terminal(),
            progress: ClientProgress::from(&recorded.record.progress),
            events: events.map(SentEvent::new).map(Arc::new).collect(),
        }
    }
}
