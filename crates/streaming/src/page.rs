//! What a page of a log says, held against what its reader knows. Owns density; shared by all who read the store.

use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::{Lineage, Page};

use crate::StreamError;

/// What a reader knows of a log when it asks for the page after `after`.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) after: Seq,
    /// The lineage of the record there.
    pub(crate) lineage: Lineage,
    /// Where the log was at least.
    pub(crate) head: Seq,
}

/// The last position of a page; `None` if it is not of the log that is known: that one was longer or had another record at
/// the place, as after a failover to a replica that lagged.
pub(crate) fn check(id: &WorkflowId, known: Known, page: &Page) -> Result<Option<Seq>, StreamError> {
    if page.head == Seq::ZERO {
        return Err(StreamError::Unknown(id.clone()));
    }
    if page.head < known.head || page.before.contradicts(known.lineage) {
        return Ok(None);
    }
    let mut last = known.after;
    for recorded in &page.records {
        if recorded.seq != last.plus(1) {
            return Err(StreamError::Gap { expected_after: last, found: recorded.seq });
        }
        last = recorded.seq;
    }
    if last == known.after && page.head > last {
        return Err(StreamError::Gap { expected_after: last, found: page.head });
    }
    Ok(Some(last))
}
