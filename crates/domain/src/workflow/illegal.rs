//! What a log may not say. Owns the closed list of broken rules.

use crate::{CallNo, Seq, StepId, WorkflowId};

use super::Status;

/// An event that may not follow: a bug of whoever wrote it, or a damaged log. The workflow is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {event} may not follow in status {status}: {rule}")]
#[non_exhaustive]
pub struct IllegalTransition {
    /// The workflow.
    pub id: WorkflowId,
    /// Its status.
    pub status: Status,
    /// The event's kind.
    pub event: &'static str,
    /// The broken rule.
    pub rule: Rule,
}

/// The rule an event broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Positions are dense.
    #[error("record {found} does not follow {head}")]
    Dense {
        /// The last position.
        head: Seq,
        /// The offered position.
        found: Seq,
    },
    /// The first event, and only it, is a submission.
    #[error("a log begins with one submission")]
    Submission,
    /// This status does not allow the event.
    #[error("the status does not allow it")]
    Status,
    /// A step is planned once.
    #[error("step {0} is planned already")]
    Planned(StepId),
    /// A step is planned before anything happens to it.
    #[error("step {0} is not planned")]
    Unplanned(StepId),
    /// A step reads completed steps only.
    #[error("step {0} is read before it has completed")]
    Unread(StepId),
    /// A step ends once.
    #[error("step {0} has ended")]
    Ended(StepId),
    /// A step with open calls does not end.
    #[error("step {0} has open calls")]
    Busy(StepId),
    /// Calls are numbered densely.
    #[error("call {0} is not the next")]
    CallNumber(CallNo),
    /// A hedge stands beside an open call of a model in the same turn that has none.
    #[error("call {0} cannot have another one beside it")]
    Hedge(CallNo),
    /// A call is started before it ends, and ends once.
    #[error("call {0} is not open")]
    CallNotOpen(CallNo),
    /// What ended a call names the step it belongs to.
    #[error("call {0} does not belong to step {1}")]
    CallOfAnother(CallNo, StepId),
    /// A workflow with open calls does not end.
    #[error("{0} calls are open")]
    OpenCalls(usize),
    /// The result is a checked report.
    #[error("step {0} has checked no report")]
    NoReport(StepId),
    /// An output refers to a completed call of its own step.
    #[error("call {0} has no output of this step")]
    NoOutput(CallNo),
}
