//! What the log says of the tries of a call, and whether a further one may be made. Reads the workflow, changes nothing.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::{
    Call, CallNo, CallState, Failure, FailureClass, ModelName, Role, Step, StepId, StepKind, StepSpec, Target,
    Timestamp, ToolCall, ToolName, clean_line,
};

use super::Run;

/// What the log says of the tries of one call.
pub(super) enum Tries {
    /// It runs.
    Open,
    /// It may be made, as this try.
    Due(u16),
    /// It may be made later.
    Parked(Timestamp),
    /// It failed for good.
    Failed(Failure),
    /// It was answered.
    Answered { is_error: bool, attempt: u16, inherited: bool },
}

impl Tries {
    /// What follows from two calls that were made side by side: the answer of either; as long as one runs nothing; else what
    /// gives the call its best chance, and the first one's failure when there is none.
    fn or(self, hedge: Self) -> Self {
        const fn rank(tries: &Tries) -> u8 {
            match tries {
                Tries::Answered { .. } => 0,
                Tries::Open => 1,
                Tries::Parked(_) => 2,
                Tries::Due(_) => 3,
                Tries::Failed(_) => 4,
            }
        }
        match (self, hedge) {
            (Self::Parked(first), Self::Parked(second)) => Self::Parked(first.min(second)),
            (Self::Due(first), Self::Due(second)) => Self::Due(first.max(second)),
            (first, second) if rank(&second) < rank(&first) => second,
            (first, _) => first,
        }
    }
}

impl Run {
    /// What an agent is told instead of a tool's answer: no such tool, failed for good, or cut off and not repeatable.
    /// Follows from the log alone, so it is not recorded.
    pub(super) fn refusal(&self, spec: &StepSpec, asked: &ToolCall, last: Option<&Call>) -> Option<String> {
        let StepKind::Agent { tools, .. } = &spec.kind else { return None };
        let Some(name) = ToolName::new(&asked.name).ok().filter(|name| tools.contains(name)) else {
            return Some(format!("There is no tool named {:?}.", clean_line(&asked.name, 80)));
        };
        match last.map(|call| &call.state) {
            Some(CallState::Failed { failure, .. }) => Some(format!("Not answered: {}", failure.message)),
            Some(CallState::Abandoned { .. }) => {
                let repeatable = self.parts.tools.find(name.as_str()).is_none_or(|tool| tool.description().repeatable);
                let text = "The call was cut off and may have had its effect; it is not made again.";
                (!repeatable).then(|| text.to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn last_try(&self, step: &StepId, turn: u16, position: u16) -> Option<&Call> {
        let calls = self.workflow.step(step.as_str())?.calls().iter().rev().filter_map(|no| self.workflow.call(*no));
        calls
            .filter(|call| call.turn == turn && call.position == position)
            .find(|call| matches!(call.target, Target::Tool { .. }))
    }

    /// What the log says of the tries of a call: a model call of a turn, or the tool call at a position of it.
    pub(super) fn tries(&self, id: &StepId, turn: u16, position: Option<u16>) -> Tries {
        let Some(step) = self.workflow.step(id.as_str()) else { return Tries::Due(1) };
        let is_tool = |call: &Call| matches!(call.target, Target::Tool { .. });
        let mut tries = step
            .calls()
            .iter()
            .rev()
            .filter_map(|no| self.workflow.call(*no))
            .filter(|call| call.turn == turn && is_tool(call) == position.is_some())
            .filter(|call| position.is_none_or(|position| call.position == position));
        let Some(last) = tries.next() else { return Tries::Due(1) };
        match last.hedges.and_then(|hedged| self.workflow.call(hedged)) {
            None => self.came_of(last, id),
            Some(hedged) => self.came_of(hedged, id).or(self.came_of(last, id)),
        }
    }

    /// What follows from one try, the last one of its call.
    fn came_of(&self, last: &Call, id: &StepId) -> Tries {
        let next = Tries::Due(last.attempt.saturating_add(1));
        let is_model = matches!(last.target, Target::Model { .. });
        match &last.state {
            CallState::Open => Tries::Open,
            CallState::Abandoned { .. } => next,
            CallState::Failed { .. } if last.inherited => next,
            CallState::Failed { failure, retry_at: None, .. }
                if is_model && self.another_is_left(id, last, failure.class) =>
            {
                next
            }
            CallState::Failed { failure, retry_at: None, .. } => Tries::Failed(failure.clone()),
            CallState::Failed { retry_at: Some(at), .. } if *at > self.parts.clock.now() => Tries::Parked(*at),
            CallState::Failed { .. } => next,
            CallState::Completed { is_error, .. } => {
                Tries::Answered { is_error: *is_error, attempt: last.attempt, inherited: last.inherited }
            }
            // A state this version does not know is nothing to act on.
            _ => Tries::Open,
        }
    }

    /// Whether the step may make a call beside those that run. Parked steps take no place.
    pub(super) fn has_slot(&self, step: &StepId) -> bool {
        self.workflow.busy_steps() < usize::from(self.workflow.request().concurrency_max)
            || self.workflow.step(step.as_str()).is_some_and(Step::is_busy)
    }

    pub(super) fn out_of_time(&self, spec: &StepSpec) -> Option<Failure> {
        (self.run_ms(&spec.id) >= spec.time_limit_ms)
            .then(|| Failure::new(FailureClass::Deadline, format!("not finished within {} ms", spec.time_limit_ms)))
    }

    /// How long the step's own calls ran. Tools of one turn run side by side, and so do a call and its hedge: of them the
    /// longest counts. What was taken over from another workflow counts for no limit.
    pub(super) fn run_ms(&self, id: &StepId) -> u64 {
        let Some(step) = self.workflow.step(id.as_str()) else { return 0 };
        let mut models: BTreeMap<CallNo, u64> = BTreeMap::new();
        let mut tools: BTreeMap<u16, u64> = BTreeMap::new();
        for call in step.calls().iter().filter_map(|no| self.workflow.call(*no)).filter(|call| !call.inherited) {
            let longest = match call.target {
                Target::Model { .. } => models.entry(call.hedges.unwrap_or(call.no)).or_default(),
                Target::Tool { .. } => tools.entry(call.turn).or_default(),
            };
            *longest = call.run_ms().max(*longest);
        }
        models.values().chain(tools.values()).fold(0, |sum: u64, longest| sum.saturating_add(*longest))
    }

    /// The call whose answer was the agent's last.
    pub(super) fn last_answer(&self, id: &StepId) -> Option<CallNo> {
        self.answers(id).next().map(|call| call.no)
    }

    /// The call whose answer was the agent's in a turn.
    pub(super) fn answer(&self, id: &StepId, turn: u16) -> Option<CallNo> {
        self.answers(id).find(|call| call.turn == turn).map(|call| call.no)
    }

    /// The calls in which models answered the step, the last one first.
    fn answers(&self, id: &StepId) -> impl Iterator<Item = &Call> {
        let calls = self.workflow.step(id.as_str()).into_iter().flat_map(|step| step.calls().iter().rev());
        let is_answer = |call: &&Call| {
            matches!(call.target, Target::Model { .. }) && matches!(call.state, CallState::Completed { .. })
        };
        calls.filter_map(|no| self.workflow.call(*no)).filter(is_answer)
    }

    pub(super) fn model(&self, role: &Role) -> Option<ModelName> {
        self.workflow.request().models.of(role.tier()).cloned()
    }
}
