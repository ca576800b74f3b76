//! What readers get: pages of one log, hints, the order over all logs. Owns shapes only.

use bytes::Bytes;
use mcp_orchestrator_domain::{Recorded, Seq, WorkflowId};
use serde::{Deserialize, Serialize};

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Page {
    /// Consecutive records.
    pub records: Vec<Recorded>,
    /// The last position of the whole log at the time.
    pub head: Seq,
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A log has grown to this position at least.
    Appended(WorkflowId, Seq),
    /// Something to show now.
    Ephemeral(WorkflowId, Bytes),
    /// Another process has written; nobody knows what.
    Elsewhere,
}

/// A position in the order over all workflows. Opaque; 0 is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct FeedPosition(pub u64);

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct FeedEntry {
    /// Its position.
    pub position: FeedPosition,
    /// Its workflow.
    pub id: WorkflowId,
    /// The record.
    pub recorded: Recorded,
}
