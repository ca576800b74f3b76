//! A workflow as the fold of its log. Owns the state, its indexes and its invariants; plans and performs nothing.

mod apply;
mod call;
mod decide;
mod fork;
mod illegal;
mod status;
mod step;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    CallNo, Completed, DocumentRef, EvidenceId, Failure, Money, Principal, Progress, Request, RequestId, Seq, Span,
    Spent, StepId, Timestamp, WorkflowId,
};

pub use call::{Call, CallState};
pub use decide::{Command, Rejected};
pub use fork::{ForkedFrom, fork, fork_at_head, whole_plans};
pub use illegal::{IllegalTransition, Rule};
pub use status::Status;
pub use step::{CheckSummary, Step, StepState};

/// A workflow: everything its log says, indexed so that nothing has to look through all steps.
///
/// [`Workflow::open`] takes the first record and [`Workflow::apply`] each further one. Whoever writes uses
/// [`Workflow::advance`], which does the same to an event that is not recorded yet.
#[derive(Clone, Debug)]
pub struct Workflow {
    id: WorkflowId,
    principal: Principal,
    request: Arc<Request>,
    seed: u64,
    strategy_version: u32,
    request_id: Option<RequestId>,
    status: Status,
    head: Seq,
    created: Timestamp,
    updated: Timestamp,
    worked: Timestamp,
    started: Option<Timestamp>,
    deadline: Option<Timestamp>,
    forked_from: Option<ForkedFrom>,
    inheriting: bool,
    steps: Vec<Step>,
    index: HashMap<StepId, usize>,
    open_steps: BTreeSet<usize>,
    open_by_stage: [u32; 8],
    ended_steps: u32,
    planned_agents: u32,
    calls: Vec<Call>,
    open_calls: BTreeSet<CallNo>,
    busy_steps: usize,
    reserved_tokens: u64,
    reserved_cost: Money,
    held_tokens: u64,
    held_cost: Money,
    unbounded_calls: u32,
    starts: u32,
    poisoned: Option<u32>,
    progress: Progress,
    evidence: HashMap<EvidenceId, Arc<Span>>,
    timer_fired: Option<Timestamp>,
    documents: Vec<DocumentRef>,
    result: Option<Completed>,
    failure: Option<Failure>,
}

impl Workflow {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &WorkflowId {
        &self.id
    }

    /// Whose it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What was asked.
    #[must_use]
    pub const fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// What everything that looks random is derived from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The version of the strategy it was submitted for.
    #[must_use]
    pub const fn strategy_version(&self) -> u32 {
        self.strategy_version
    }

    /// The request of a client it came in with, if that had a name.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The position of its last record.
    #[must_use]
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// When it was submitted.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// When its last record was written.
    #[must_use]
    pub const fn updated(&self) -> Timestamp {
        self.updated
    }

    /// When somebody last worked on it: the time from then until a worker takes over is nobody's. An answer is no work,
    /// nor is finding out that a worker is gone.
    #[must_use]
    pub const fn worked(&self) -> Timestamp {
        self.worked
    }

    /// When it first began to run.
    #[must_use]
    pub const fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// When its time is up; `None` before it runs.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// The workflow whose history it goes on from, up to where, and what that had spent.
    #[must_use]
    pub const fn forked_from(&self) -> Option<&ForkedFrom> {
        self.forked_from.as_ref()
    }

    /// Every step in the order of planning.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step with this name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.index.get(id).map(|position| &self.steps[*position])
    }

    /// Steps that have not ended, in the order of planning.
    pub fn open_steps(&self) -> impl Iterator<Item = &Step> {
        self.open_steps.iter().map(|position| &self.steps[*position])
    }

    /// A call.
    #[must_use]
    pub fn call(&self, call: CallNo) -> Option<&Call> {
        self.calls.get(call.value() as usize)
    }

    /// Every call in the order of their intents.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Calls that have not ended.
    pub fn open_calls(&self) -> impl Iterator<Item = &Call> {
        self.open_calls.iter().filter_map(|call| self.call(*call))
    }

    /// Steps with an open call.
    #[must_use]
    pub const fn busy_steps(&self) -> usize {
        self.busy_steps
    }

    /// The number of the next call.
    #[must_use]
    pub fn next_call(&self) -> CallNo {
        CallNo::new(u32::try_from(self.calls.len()).unwrap_or(u32::MAX))
    }

    /// How far it is and what was spent.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What was spent.
    #[must_use]
    pub const fn spent(&self) -> &Spent {
        &self.progress.spent
    }

    /// Tokens and money set aside for open calls.
    #[must_use]
    pub const fn reserved(&self) -> (u64, Money) {
        (self.reserved_tokens, self.reserved_cost)
    }

    /// Tokens and money still set aside for calls that ended without anybody knowing what they took: abandoned, cut off,
    /// or answered without a count. Their worst case stays taken, so budgets hold all the same.
    #[must_use]
    pub const fn held(&self) -> (u64, Money) {
        (self.held_tokens, self.held_cost)
    }

    /// Calls of unknown cost for which not even a worst case is known.
    #[must_use]
    pub const fn unbounded_calls(&self) -> u32 {
        self.unbounded_calls
    }

    /// How often a worker has begun with it or taken it over.
    #[must_use]
    pub const fn starts(&self) -> u32 {
        self.starts
    }

    /// How many workers in a row died of it, while it is held back because of that.
    #[must_use]
    pub const fn poisoned(&self) -> Option<u32> {
        self.poisoned
    }

    /// Evidence any tool has found.
    #[must_use]
    pub const fn evidence(&self) -> &HashMap<EvidenceId, Arc<Span>> {
        &self.evidence
    }

    /// The last moment a strategy had asked for that has come.
    #[must_use]
    pub const fn timer_fired(&self) -> Option<Timestamp> {
        self.timer_fired
    }

    /// The rendered documents.
    #[must_use]
    pub fn documents(&self) -> &[DocumentRef] {
        &self.documents
    }

    /// The result, once it has completed.
    #[must_use]
    pub const fn result(&self) -> Option<&Completed> {
        self.result.as_ref()
    }

    /// Why it failed.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}
