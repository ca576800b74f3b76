//! What those who run a store ask of it: what to keep, whether it is sound, where the unfinished work is. Owns shapes
//! only; knows no adapter.

#[cfg(any(feature = "redis", feature = "sqlite"))]
use std::collections::HashSet;

use mcp_orchestrator_domain::{Seq, Status, Timestamp, WorkflowId};

use super::WorkerId;

/// The most findings one [`Store::check`](crate::Store::check) tells; it stops looking there.
pub const FINDINGS_MAX: usize = 100;

/// The most [`Store::standings`](crate::Store::standings) answers with.
pub const STANDINGS_MAX: usize = 10_000;

/// Which ended workflows are kept. All of it that is set must hold, and nothing set keeps them all.
///
/// Ended workflows stand in the order of their end ([`Summary::finished`](crate::Summary::finished)). What a retention
/// lets go is always the beginning of that order, and never a workflow that has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct Retention {
    /// Those that ended before this moment go.
    pub finished_before: Option<Timestamp>,
    /// So many are kept: of 100, the 101st that ends lets the first go.
    pub finished_max: Option<u64>,
    /// So many bytes of logs of ended workflows are kept, the youngest last to go. Counted is the text of their records
    /// as the adapter stores it (see [`StoreInfo::finished_bytes`](crate::StoreInfo::finished_bytes)); blobs, indexes and
    /// the workflows' own rows are not.
    pub bytes_max: Option<u64>,
}

impl Retention {
    /// All that ended before a moment go, the others stay.
    #[must_use]
    pub const fn until(finished_before: Timestamp) -> Self {
        Self { finished_before: Some(finished_before), finished_max: None, bytes_max: None }
    }

    /// Whether the first of the order goes: it ended at this moment, and with it there are so many, of so many bytes.
    #[must_use]
    pub fn lets_go(&self, first_finished: Timestamp, finished: u64, bytes: u64) -> bool {
        self.finished_before.is_some_and(|before| first_finished < before)
            || self.finished_max.is_some_and(|most| finished > most)
            || self.bytes_max.is_some_and(|most| bytes > most)
    }
}

/// What [`Store::purge`](crate::Store::purge) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Purged {
    /// Workflows deleted.
    pub workflows: usize,
    /// Blobs deleted.
    pub blobs: usize,
    /// Small records deleted.
    pub records: usize,
}

/// What [`Store::check`](crate::Store::check) has looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Checked {
    /// Workflows looked at.
    pub workflows: u64,
    /// Records of logs looked at.
    pub records: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// What is wrong, each in a sentence that names where; empty: nothing. At most [`FINDINGS_MAX`]: at so many it
    /// stopped looking, and the counts say how far it came.
    pub findings: Vec<String>,
}

impl Checked {
    /// Adds a finding while there is room for one.
    pub(crate) fn find(&mut self, finding: String) {
        if !self.is_full() {
            self.findings.push(finding);
        }
    }

    /// Whether there is room for no further finding.
    pub(crate) fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }
}

/// Where an unfinished workflow is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Standing {
    /// The workflow.
    pub id: WorkflowId,
    /// Its status, as lists show it.
    pub status: Status,
    /// Between queue and worker.
    pub place: Place,
    /// As [`Lease::attempt`](crate::Lease::attempt).
    pub attempt: u32,
    /// The last position of its log.
    pub head: Seq,
}

/// Where a workflow is between queue and worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every adapter must do each")]
pub enum Place {
    /// In the queue.
    Ready {
        /// Claimable from then on.
        from: Timestamp,
        /// Who alone may claim it; `None`: any able worker, also when the worker it was reserved for has ended.
        reserved_for: Option<WorkerId>,
    },
    /// A worker's.
    Leased {
        /// Who has it.
        worker: WorkerId,
        /// Until when, unless it is renewed. Not in the future if that worker is known to have ended: it may be claimed.
        until: Timestamp,
    },
    /// Not claimable until an append asks for it: it waits for an answer, or for whoever can settle it.
    Waiting,
}

#[cfg(any(feature = "redis", feature = "sqlite"))]
impl Place {
    /// The worker it names.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn worker(&self) -> Option<&WorkerId> {
        match self {
            Self::Ready { reserved_for, .. } => reserved_for.as_ref(),
            Self::Leased { worker, .. } => Some(worker),
            Self::Waiting => None,
        }
    }

    /// What it is when some workers have ended.
    pub(crate) fn without(&mut self, ended: &HashSet<WorkerId>, now: Timestamp) {
        match self {
            Self::Ready { reserved_for, .. } => {
                reserved_for.take_if(|worker| ended.contains(worker));
            }
            Self::Leased { worker, until } if ended.contains(worker) => *until = now.min(*until),
            Self::Leased { .. } | Self::Waiting => {}
        }
    }
}
