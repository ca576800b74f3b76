//! A step as the log tells it. Owns its state and what a strategy may ask of it.

use std::sync::Arc;

use crate::{
    CallNo, EvidenceId, Failure, Finding, Outcome, Payload, Role, Stage, StepId, StepOutput, StepSpec, StepUsage,
    Timestamp,
};

/// One step of a workflow.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) spec: Arc<StepSpec>,
    pub(super) state: StepState,
    pub(super) planned: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) order: Option<u32>,
    pub(super) calls: Vec<CallNo>,
    pub(super) open_calls: u32,
    pub(super) evidence: Vec<EvidenceId>,
    pub(super) used: StepUsage,
    pub(super) asked: bool,
    pub(super) answer: Option<String>,
    pub(super) check: Option<CheckSummary>,
    pub(super) is_cut: bool,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// It has not ended.
    Open,
    /// It ended well with this output.
    Completed(StepOutput),
    /// It failed.
    Failed(Failure),
}

/// What the gate said in a check step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckSummary {
    /// The report that remains, as JSON.
    pub report: Payload,
    /// What kind of answer remains.
    pub outcome: Outcome,
    /// Sentences proved.
    pub proved: u32,
    /// Sentences marked.
    pub marked: u32,
    /// Sentences dropped.
    pub dropped: u32,
    /// What an editor should repair.
    pub repairs: Vec<Finding>,
}

impl Step {
    /// Its plan.
    #[must_use]
    pub const fn spec(&self) -> &Arc<StepSpec> {
        &self.spec
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &StepId {
        &self.spec.id
    }

    /// The part it plays.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.spec.role
    }

    /// Its stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.spec.stage
    }

    /// What became of it.
    #[must_use]
    pub const fn state(&self) -> &StepState {
        &self.state
    }

    /// Whether it has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, StepState::Open)
    }

    /// Whether it ended well.
    #[must_use]
    pub const fn is_completed(&self) -> bool {
        matches!(self.state, StepState::Completed(_))
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.state {
            StepState::Failed(failure) => Some(failure),
            StepState::Open | StepState::Completed(_) => None,
        }
    }

    /// Its output, once completed.
    #[must_use]
    pub const fn output(&self) -> Option<&StepOutput> {
        match &self.state {
            StepState::Completed(output) => Some(output),
            StepState::Open | StepState::Failed(_) => None,
        }
    }

    /// Its output in words, for steps planned with [`StepSpec::inline`].
    #[must_use]
    pub fn inline_text(&self) -> Option<&str> {
        match &self.state {
            StepState::Completed(StepOutput::Inline(text)) => Some(text),
            StepState::Completed(StepOutput::Call(_) | StepOutput::Report) | StepState::Open | StepState::Failed(_) => {
                None
            }
        }
    }

    /// Whether the token limit cut its output: the end is missing.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Its place in the order in which steps ended, from 0. This is the order of arrival.
    #[must_use]
    pub const fn end_order(&self) -> Option<u32> {
        self.order
    }

    /// When it was planned.
    #[must_use]
    pub const fn planned(&self) -> Timestamp {
        self.planned
    }

    /// When it ended.
    #[must_use]
    pub const fn ended(&self) -> Option<Timestamp> {
        self.ended
    }

    /// Its calls in the order of their intents.
    #[must_use]
    pub fn calls(&self) -> &[CallNo] {
        &self.calls
    }

    /// Whether a call of it is open.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.open_calls > 0
    }

    /// Evidence its tools found, each once, in the order found.
    #[must_use]
    pub fn evidence(&self) -> &[EvidenceId] {
        &self.evidence
    }

    /// What its calls used, every attempt included. Waits are not counted as time.
    #[must_use]
    pub const fn used(&self) -> &StepUsage {
        &self.used
    }

    /// Whether a person was asked and has not answered.
    #[must_use]
    pub const fn waits_for_answer(&self) -> bool {
        self.asked && self.answer.is_none() && self.is_open()
    }

    /// What a person answered.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }

    /// What the gate said, for a check step.
    #[must_use]
    pub const fn check(&self) -> Option<&CheckSummary> {
        self.check.as_ref()
    }
}
