//! What follows from an event's kind alone: its name, whether it ends a workflow, whether it is progress. Owns no shape.

use super::Event;
use crate::{Abandoned, CallAbandoned};

impl Event {
    /// The name of the event as persisted, for example `call_started`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Submitted(_) => "submitted",
            Self::Forked(_) => "forked",
            Self::Started(_) => "started",
            Self::StepPlanned(_) => "step_planned",
            Self::CallStarted(_) => "call_started",
            Self::CallCompleted(_) => "call_completed",
            Self::CallFailed(_) => "call_failed",
            Self::CallAbandoned(_) => "call_abandoned",
            Self::StepCompleted(_) => "step_completed",
            Self::StepFailed(_) => "step_failed",
            Self::InputRequested(_) => "input_requested",
            Self::InputGiven(_) => "input_given",
            Self::TimerFired(_) => "timer_fired",
            Self::Poisoned(_) => "poisoned",
            Self::Revived(_) => "revived",
            Self::CancelRequested(_) => "cancel_requested",
            Self::ReportChecked(_) => "report_checked",
            Self::DocumentsWritten(_) => "documents_written",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Whether the workflow got on with it: something is settled that no later worker does again. That a worker took
    /// over, what it gave up and what it was about to ask is not: it can be written over and over by workers that die.
    #[must_use]
    pub const fn is_progress(&self) -> bool {
        match self {
            Self::Started(_)
            | Self::CallStarted(_)
            | Self::CallAbandoned(_)
            | Self::Poisoned(_)
            | Self::CancelRequested(_) => false,
            Self::Submitted(_)
            | Self::Forked(_)
            | Self::StepPlanned(_)
            | Self::CallCompleted(_)
            | Self::CallFailed(_)
            | Self::StepCompleted(_)
            | Self::StepFailed(_)
            | Self::InputRequested(_)
            | Self::InputGiven(_)
            | Self::TimerFired(_)
            | Self::Revived(_)
            | Self::ReportChecked(_)
            | Self::DocumentsWritten(_)
            | Self::Completed(_)
            | Self::Failed(_)
            | Self::Cancelled(_) => true,
        }
    }

    /// Whether nothing may follow.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_) | Self::Cancelled(_))
    }

    /// Whether somebody worked on the workflow until then. Who finds that a worker is gone, holds back, tries again or answers
    /// has not.
    pub(crate) const fn is_work(&self) -> bool {
        match self {
            Self::InputGiven(_) | Self::Poisoned(_) | Self::Revived(_) => false,
            Self::CallAbandoned(CallAbandoned { reason, .. }) => !matches!(reason, Abandoned::Crash),
            Self::Submitted(_)
            | Self::Forked(_)
            | Self::Started(_)
            | Self::StepPlanned(_)
            | Self::CallStarted(_)
            | Self::CallCompleted(_)
            | Self::CallFailed(_)
            | Self::StepCompleted(_)
            | Self::StepFailed(_)
            | Self::InputRequested(_)
            | Self::TimerFired(_)
            | Self::CancelRequested(_)
            | Self::ReportChecked(_)
            | Self::DocumentsWritten(_)
            | Self::Completed(_)
            | Self::Failed(_)
            | Self::Cancelled(_) => true,
        }
    }
}
