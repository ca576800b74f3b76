//! The fold over calls: intents, answers, failures, and what each does to reservations and sums.

use std::sync::Arc;

use super::super::{Call, CallState, Rule, Workflow};
use crate::{
    CallAbandoned, CallCompleted, CallFailed, CallNo, CallStarted, Cost, Money, Stage, StepId, Target, Timestamp, Usage,
};

impl Workflow {
    pub(super) fn open_call(&self, call: CallNo, step: &StepId) -> Result<(), Rule> {
        if !self.open_calls.contains(&call) {
            return Err(Rule::CallNotOpen(call));
        }
        let owner = self.call(call).map(|call| self.steps[call.step].id());
        if owner == Some(step) { Ok(()) } else { Err(Rule::CallOfAnother(call, step.clone())) }
    }

    pub(super) fn start_call(&mut self, started: &CallStarted, at: Timestamp) -> Result<(), Rule> {
        let step = self.open_step(&started.step)?;
        if started.call != self.next_call() {
            return Err(Rule::CallNumber(started.call));
        }
        if let Some(hedged) = started.hedges
            && !self.may_be_hedged(hedged, step, started)
        {
            return Err(Rule::Hedge(hedged));
        }
        self.calls.push(Call {
            no: started.call,
            step,
            turn: started.turn,
            position: started.position,
            attempt: started.attempt,
            target: started.target.clone(),
            reserved: started.reserved,
            started: at,
            hedges: started.hedges,
            inherited: self.inheriting,
            state: CallState::Open,
        });
        self.open_calls.insert(started.call);
        // Steps that are written down are known before they are planned.
        let written = if self.request.definition.is_some() { self.request.agents.into() } else { 0 };
        let step = &mut self.steps[step];
        step.calls.push(started.call);
        step.open_calls += 1;
        if step.open_calls == 1 {
            self.busy_steps += 1;
        }
        if step.stage() == Stage::Agents {
            self.progress.total_agents = self.planned_agents.max(written);
        }
        self.reserved_tokens = self.reserved_tokens.saturating_add(started.reserved.tokens);
        self.reserved_cost = self.reserved_cost.plus(started.reserved.cost.unwrap_or_default());
        self.progress.spent.calls += 1;
        if matches!(started.target, Target::Model { .. }) {
            self.progress.spent.model_calls += 1;
        }
        Ok(())
    }

    /// A hedge is a second call of a model beside an open one of the same turn, and there is no third.
    fn may_be_hedged(&self, hedged: CallNo, step: usize, hedge: &CallStarted) -> bool {
        let is_model = |target: &Target| matches!(target, Target::Model { .. });
        let Some(call) = self.call(hedged).filter(|call| call.is_open() && call.hedges.is_none()) else { return false };
        let mut others = self.steps[step].calls.iter().filter_map(|no| self.call(*no));
        call.step == step
            && call.turn == hedge.turn
            && is_model(&call.target)
            && is_model(&hedge.target)
            && !others.any(|other| other.is_open() && other.hedges == Some(hedged))
    }

    /// Ends a call without an answer anybody waited for.
    pub(super) fn abandon_call(&mut self, abandoned: &CallAbandoned) -> Result<(), Rule> {
        self.open_call(abandoned.call, &abandoned.step)?;
        let call = &self.calls[abandoned.call.value() as usize];
        let is_free = abandoned.cost == Cost::Unknown && call.reserved.cost == Some(Money::ZERO);
        let cost = if is_free { Cost::FREE } else { abandoned.cost };
        self.steps[call.step].used.run_ms += abandoned.run_ms;
        let state = CallState::Abandoned { reason: abandoned.reason, run_ms: abandoned.run_ms };
        self.end_call(abandoned.call, state, cost, abandoned.usage);
        Ok(())
    }

    pub(super) fn complete_call(&mut self, completed: &CallCompleted) -> Result<(), Rule> {
        self.open_call(completed.call, &completed.step)?;
        let mut ids = Vec::with_capacity(completed.evidence.len());
        let step = self.calls[completed.call.value() as usize].step;
        for span in &completed.evidence {
            ids.push(span.id.clone());
            if !self.steps[step].evidence.contains(&span.id) {
                self.steps[step].evidence.push(span.id.clone());
            }
            self.evidence.entry(span.id.clone()).or_insert_with(|| Arc::clone(span));
        }
        let state = CallState::Completed {
            output: completed.output.clone(),
            is_error: completed.is_error,
            evidence: ids,
            run_ms: completed.run_ms,
        };
        self.steps[step].used.run_ms += completed.run_ms;
        self.end_call(completed.call, state, completed.cost, completed.usage);
        Ok(())
    }

    pub(super) fn fail_call(&mut self, failed: &CallFailed) -> Result<(), Rule> {
        self.open_call(failed.call, &failed.step)?;
        let step = self.calls[failed.call.value() as usize].step;
        self.steps[step].used.run_ms += failed.run_ms;
        let state =
            CallState::Failed { failure: failed.failure.clone(), retry_at: failed.retry_at, run_ms: failed.run_ms };
        self.end_call(failed.call, state, failed.cost, failed.usage);
        Ok(())
    }

    pub(super) fn end_call(&mut self, no: CallNo, state: CallState, cost: Cost, usage: Usage) {
        self.open_calls.remove(&no);
        let call = &mut self.calls[no.value() as usize];
        call.state = state;
        let reserved = call.reserved;
        self.reserved_tokens = self.reserved_tokens.saturating_sub(reserved.tokens);
        self.reserved_cost = self.reserved_cost.minus(reserved.cost.unwrap_or_default());
        if cost == Cost::Unknown {
            match reserved.cost {
                Some(worst) => self.held_cost = self.held_cost.plus(worst),
                None => self.unbounded_calls += 1,
            }
        }
        // A service that says what it charged and counts no tokens was not asked; one that does not say may have been.
        let is_completed = matches!(call.state, CallState::Completed { .. });
        let uncounted = match usage.total() {
            0 if cost == Cost::Unknown || is_completed => reserved.tokens,
            // What broke off has counted what came until then.
            counted if cost == Cost::Unknown && !is_completed => reserved.tokens.saturating_sub(counted),
            _ => 0,
        };
        self.held_tokens = self.held_tokens.saturating_add(uncounted);
        let step = &mut self.steps[call.step];
        step.open_calls -= 1;
        if step.open_calls == 0 {
            self.busy_steps -= 1;
        }
        let used = &mut step.used;
        used.cost = used.cost.plus(cost);
        used.usage = used.usage.plus(usage);
        self.progress.spent.settle(cost, usage);
    }

    pub(super) fn no_open_calls_of(&self, position: usize) -> Result<(), Rule> {
        let step = &self.steps[position];
        if step.is_busy() { Err(Rule::Busy(step.id().clone())) } else { Ok(()) }
    }
}
