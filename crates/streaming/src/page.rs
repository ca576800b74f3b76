//! What a page of a log says, held against what its reader knows. Owns density; shared by all who read the store.

use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::Page;

use crate::StreamError;

/// The last position of a page that was read after `after`; `None` if the log is shorter than `known`, as after the loss of a
/// replica.
pub(crate) fn check(id: &WorkflowId, after: Seq, known: Seq, page: &Page) -> Result<Option<Seq>, StreamError> {
    if page.head == Seq::ZERO {
        return Err(StreamError::Unknown(id.clone()));
    }
    if page.head < known {
        return Ok(None);
    }
    let mut last = after;
    for recorded in &page.records {
        if recorded.seq != last.plus(1) {
            return Err(StreamError::Gap { expected_after: last, found: recorded.seq });
        }
        last = recorded.seq;
    }
    if last == after && page.head > last {
        return Err(StreamError::Gap { expected_after: last, found: page.head });
    }
    Ok(Some(last))
}
