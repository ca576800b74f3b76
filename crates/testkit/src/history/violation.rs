//! What must not be. Owns the closed list of it, in words.

use mcp_orchestrator_domain::{IllegalTransition, Seq, Status, WorkflowId};

/// Something that must not be. Every message names where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A submission was acknowledged and its workflow is not there.
    #[error("{id}: acknowledged under {key:?} and not there")]
    Lost {
        /// The workflow.
        id: WorkflowId,
        /// The idempotency key.
        key: String,
    },
    /// One key made two workflows.
    #[error("{key:?} made {first} and {second}")]
    Duplicated {
        /// The idempotency key.
        key: String,
        /// The workflow it made first.
        first: WorkflowId,
        /// The other.
        second: WorkflowId,
    },
    /// A workflow is there that nobody was told of.
    #[error("{0}: there, and nobody was told of it")]
    Unasked(WorkflowId),
    /// The positions of a log are not 1, 2, 3 …
    #[error("{id}: {found} where {expected} should be")]
    Gap {
        /// The workflow.
        id: WorkflowId,
        /// The position that should be.
        expected: Seq,
        /// The one that is.
        found: Seq,
    },
    /// A record was seen that is not what the store has at that place.
    #[error("{id}: record {seq} is not what it was")]
    Rewritten {
        /// The workflow.
        id: WorkflowId,
        /// The record.
        seq: Seq,
    },
    /// The log says what no log may say.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// A record follows the last one.
    #[error("{id}: record {seq} follows the end")]
    AfterEnd {
        /// The workflow.
        id: WorkflowId,
        /// The record.
        seq: Seq,
    },
    /// A call or a step ended twice.
    #[error("{id}: {what} ended twice, at {seq} again")]
    EndedTwice {
        /// The workflow.
        id: WorkflowId,
        /// The call or step.
        what: String,
        /// The second end.
        seq: Seq,
    },
    /// A step that had ended, or a call that had its answer or runs, was started again.
    #[error("{id}: {what} was started again at {seq}")]
    Rerun {
        /// The workflow.
        id: WorkflowId,
        /// The call or step.
        what: String,
        /// The second start.
        seq: Seq,
    },
    /// The workflow has not ended.
    #[error("{id}: is still {status}")]
    Unfinished {
        /// The workflow.
        id: WorkflowId,
        /// Its status.
        status: Status,
    },
    /// A cancellation was acknowledged and the workflow did not end with it.
    #[error("{id}: its cancellation was acknowledged and it is {status}")]
    CancelLost {
        /// The workflow.
        id: WorkflowId,
        /// Its status.
        status: Status,
    },
    /// An answer was acknowledged and is not in the log, or is in it twice.
    #[error("{id}: the answer {answer:?} was acknowledged and is in the log {times} times")]
    AnswerLost {
        /// The workflow.
        id: WorkflowId,
        /// The answer.
        answer: String,
        /// How often it is there.
        times: usize,
    },
    /// A client was told of a status the workflow did not have there, or that went back.
    #[error("{id}: a client was told {status} after {before}, at {head:?}")]
    StatusWrong {
        /// The workflow.
        id: WorkflowId,
        /// What it was told.
        status: Status,
        /// What it had been told before.
        before: Status,
        /// Where the log was, as it was told.
        head: Option<Seq>,
    },
    /// A reader missed events.
    #[error("{id}: a reader saw {saw} where {expected} should be")]
    ReaderGap {
        /// The workflow.
        id: WorkflowId,
        /// What it saw.
        saw: String,
        /// What it should have seen.
        expected: String,
    },
    /// A reader saw an event twice.
    #[error("{id}: a reader saw {saw} again")]
    ReaderTwice {
        /// The workflow.
        id: WorkflowId,
        /// What it saw.
        saw: String,
    },
    /// A reader saw what no reader sees in the end.
    #[error("{id}: a reader saw {saw}, which is not so")]
    ReaderRewritten {
        /// The workflow.
        id: WorkflowId,
        /// What it saw.
        saw: String,
    },
    /// A reader was reset though the store lost nothing.
    #[error("{0}: a reader was reset")]
    ReaderReset(WorkflowId),
    /// More requests reached a model than the log has intents for.
    #[error("{id}: {what} was asked {asked} times and the log has {intents} intents")]
    Unlogged {
        /// The workflow.
        id: WorkflowId,
        /// Which call, or all of them.
        what: String,
        /// Requests the model got.
        asked: usize,
        /// Intents in the log.
        intents: usize,
    },
}

impl Violation {
    /// Whether something that was acknowledged is gone.
    #[must_use]
    pub const fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Lost { .. }
                | Self::CancelLost { .. }
                | Self::AnswerLost { .. }
                | Self::Rewritten { .. }
                | Self::Unfinished { .. }
        )
    }

    /// Whether it is what a store does that loses what it had acknowledged.
    #[must_use]
    pub(super) const fn is_a_lost_tail(&self) -> bool {
        matches!(
            self,
            Self::Lost { .. }
                | Self::Duplicated { .. }
                | Self::Unasked(_)
                | Self::CancelLost { .. }
                | Self::AnswerLost { .. }
                | Self::Rewritten { .. }
                | Self::StatusWrong { .. }
                | Self::Unlogged { .. }
        )
    }

    /// Whether something is there or happened twice.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        matches!(
            self,
            Self::Duplicated { .. }
                | Self::Unasked(_)
                | Self::EndedTwice { .. }
                | Self::Rerun { .. }
                | Self::ReaderTwice { .. }
                | Self::Unlogged { .. }
        )
    }

    /// Whether something is missing in between.
    #[must_use]
    pub const fn is_gap(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::ReaderGap { .. } | Self::ReaderRewritten { .. } | Self::ReaderReset(_))
    }
}
