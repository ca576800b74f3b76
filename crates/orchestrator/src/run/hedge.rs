//! A second call beside one that takes long: when it is made, whom it asks, and what becomes of the one that is beaten.
//!
//! Time decides here and nowhere else, so what was decided is in the log: a call says beside which other one it was made, and
//! the one nobody waits for any more says why.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{
    Abandoned, AgentNext, Call, CallAbandoned, CallNo, CallState, Cost, Event, StepId, StepSpec, Target, Usage, millis,
};

use super::{
    CallHere, Run, Stop,
    ask::Ask,
    calls::{CallError, Start},
    ended::{CallEnded, CallOutcome},
};
use crate::hedge::class;

/// How often a call that waits for permission to run is looked at: meanwhile its time does not run.
const LOOK: Duration = Duration::from_millis(250);

impl Run {
    /// After how long a call that begins gets a second one beside it; `None`: never.
    pub(super) fn hedge_after(&self, start: &Start) -> Option<Duration> {
        let Start::Model { provider, model, input, is_hedge: false, .. } = start else { return None };
        let hedge = self.parts.hedge?;
        hedge.after(&class(provider.name(), model.as_ref(), &input.role), &self.parts.pace)
    }

    /// Makes a second call beside each that has run for so long, once in a turn and if there is money for it. It is made
    /// as any other call is: it waits for permission to run where it must.
    pub(super) fn hedge_slow(&mut self) -> Result<(), Stop> {
        if self.parts.hedge.is_none() {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let mut due: Vec<CallNo> = Vec::new();
        let mut next = None;
        for call in self.workflow.open_calls() {
            let Some(here) = self.open_here.get(&call.no) else { continue };
            let Some(after) = here.hedge_after else { continue };
            match after.checked_sub(self.ran(here)).filter(|left| !left.is_zero()) {
                None => due.push(call.no),
                Some(left) => {
                    let left = if here.parked.is_parked() { left.max(LOOK) } else { left };
                    let at = now.after(left);
                    next = Some(next.map_or(at, |next: mcp_orchestrator_domain::Timestamp| next.min(at)));
                }
            }
        }
        if let Some(next) = next {
            self.wake_at(next);
        }
        for call in due {
            if let Some(here) = self.open_here.get_mut(&call) {
                here.hedge_after = None;
            }
            self.hedge(call)?;
        }
        Ok(())
    }

    /// Makes a second call beside this one, unless its turn has had one, nobody may be asked, or the agent is out of time.
    fn hedge(&mut self, slow: CallNo) -> Result<(), Stop> {
        let Some(call) = self.workflow.call(slow).filter(|call| !self.was_hedged(call)) else { return Ok(()) };
        let Some(here) = self.open_here.get(&slow) else { return Ok(()) };
        let spec: Arc<StepSpec> = Arc::clone(self.workflow.steps()[call.step].spec());
        let run_ms = self.run_ms(&spec.id).saturating_add(millis(self.ran(here)));
        let asks = self.agents.get(&spec.id).map(|at_work| at_work.agent.next());
        let (Some(AgentNext::AskModel { turn, tools }), Some(provider)) = (asks, self.provider_beside(call)) else {
            return Ok(());
        };
        if turn != call.turn || run_ms >= spec.time_limit_ms {
            return Ok(());
        }
        let attempt = call.attempt.saturating_add(1);
        let ask = Ask { spec: &spec, turn, with_tools: tools, attempt, provider, hedges: Some(slow), run_ms };
        match self.question(ask) {
            Ok(Some((started, start))) => self.start_model(started, start),
            // The first call goes on as if nothing had been thought of.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Whether the call's turn has had a hedge. One that nobody answers for, because its process is gone, is none.
    fn was_hedged(&self, call: &Call) -> bool {
        let mut calls = self.workflow.steps()[call.step].calls().iter().filter_map(|no| self.workflow.call(*no));
        calls.any(|other| {
            let is_gone =
                matches!(other.state, CallState::Abandoned { reason: Abandoned::Crash | Abandoned::Shutdown, .. });
            other.turn == call.turn && other.hedges.is_some() && !is_gone
        })
    }

    /// The other one of a call and its hedge, if that has answered.
    fn beaten_by(&self, call: &Call) -> Option<CallNo> {
        if !matches!(call.target, Target::Model { .. }) {
            return None;
        }
        let calls = self.workflow.steps()[call.step].calls().iter().filter_map(|no| self.workflow.call(*no));
        let mut others = calls.filter(|other| call.hedges == Some(other.no) || other.hedges == Some(call.no));
        others.find(|other| matches!(other.state, CallState::Completed { .. })).map(|other| other.no)
    }

    /// Abandons every call that was beaten and has not come back. They are aborted once that is durable.
    pub(super) fn drop_beaten(&mut self) -> Result<(), Stop> {
        if self.parts.hedge.is_none() {
            return Ok(());
        }
        let beaten: Vec<(CallNo, StepId)> = self
            .workflow
            .open_calls()
            .filter(|call| self.beaten_by(call).is_some())
            .map(|call| (call.no, self.workflow.steps()[call.step].id().clone()))
            .collect();
        for (call, step) in beaten {
            let ran = self.open_here.get(&call).map_or(Duration::ZERO, |here| self.ran(here));
            self.note_pace(call, ran);
            self.aborts.push(call);
            let abandoned = CallAbandoned { run_ms: millis(ran), ..CallAbandoned::new(call, step, Abandoned::Hedge) };
            self.advance(Event::CallAbandoned(abandoned))?;
        }
        Ok(())
    }

    /// Takes what came back when the other call had answered, if so: what it cost is known, and what it says is not needed.
    pub(super) fn take_too_late(&mut self, ended: &CallEnded) -> Result<bool, Stop> {
        if self.workflow.call(ended.call).is_none_or(|call| self.beaten_by(call).is_none()) {
            return Ok(false);
        }
        let (cost, usage) = match &ended.outcome {
            CallOutcome::Model(Ok(answered)) => (answered.cost, answered.usage),
            CallOutcome::Model(Err(CallError::Provider(error))) => (error.cost, error.usage),
            CallOutcome::Model(Err(CallError::Unkept(_, cost, usage))) => (*cost, *usage),
            CallOutcome::Model(Err(CallError::Own(_) | CallError::Store(_))) | CallOutcome::Tool(_) => {
                (Cost::Unknown, Usage::default())
            }
        };
        self.advance(Event::CallAbandoned(CallAbandoned {
            call: ended.call,
            step: ended.step.clone(),
            reason: Abandoned::Hedge,
            cost,
            usage,
            run_ms: ended.run_ms,
        }))?;
        Ok(true)
    }

    /// Remembers how long a call of a model ran.
    pub(super) fn note_pace(&self, call: CallNo, ran: Duration) {
        let Some(call) = self.workflow.call(call).filter(|_| self.parts.hedge.is_some()) else { return };
        if let Target::Model { provider, model } = &call.target {
            let role = self.workflow.steps()[call.step].role();
            self.parts.pace.saw(class(provider, model.as_ref(), role), ran);
        }
    }

    /// How long a call has run until now, its waits not counted.
    fn ran(&self, here: &CallHere) -> Duration {
        self.parts.clock.now().since(here.began).saturating_sub(here.parked.so_far())
    }
}
