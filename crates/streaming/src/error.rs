//! Why a stream ends before its workflow does. Owns the error alone.

use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::StoreError;

/// Why a stream broke off. It is the stream's last item; a new stream from the last cursor goes on where it ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The caller asked for a workflow that does not exist, or it was purged.
    #[error("no such workflow: {0}")]
    Unknown(WorkflowId),
    /// The store could not be read.
    #[error("the log cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The store broke its promise that a log has no gaps.
    #[error("the log goes on at {found} after {expected_after}")]
    Gap {
        /// The last record that was read.
        expected_after: Seq,
        /// The record the store gave next.
        found: Seq,
    },
}
