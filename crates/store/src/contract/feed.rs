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
    /// The lineage of the record after which the page was read. Unknown before the first record of a log.
    pub before: Lineage,
    /// The lineages of the records, in their order. Empty: all are unknown.
    pub lineages: Vec<Lineage>,
}

impl Page {
    /// The lineage of a record of the page, by its place in it.
    #[must_use]
    pub fn lineage(&self, place: usize) -> Lineage {
        self.lineages.get(place).copied().unwrap_or_default()
    }
}

/// Where a log ends, or where it ended with an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Head {
    /// Its last position; zero when there is no such log.
    pub seq: Seq,
    /// The lineage of the record there.
    pub lineage: Lineage,
}

impl Head {
    /// Where a log ends that is never written anew.
    #[must_use]
    pub const fn of(seq: Seq) -> Self {
        Self { seq, lineage: Lineage::UNKNOWN }
    }
}

/// Which history a record is of. Opaque.
///
/// A store that can lose the end of a log it had acknowledged gives every record a number that no other record of the
/// same log ever has, not even one that later takes its position. So whoever has seen a record and finds its position with
/// another number has seen what is lost. A store that cannot lose anything gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Lineage(pub u64);

impl Lineage {
    /// Nothing is known: it contradicts nothing.
    pub const UNKNOWN: Self = Self(0);

    /// Whether two records at one position cannot be the same one.
    #[must_use]
    pub const fn contradicts(self, other: Self) -> bool {
        self.0 != Self::UNKNOWN.0 && other.0 != Self::UNKNOWN.0 && self.0 != other.0
    }
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
