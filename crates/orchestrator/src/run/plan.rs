//! What happens next: asks the strategy, moves every step forward, and ends the workflow when it is time.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallNo, Completed, Event, Failure, FailureClass, StepFailed, StepId, StepKind, StepSpec,
    TimerFired, Timestamp, ToolName,
};
use mcp_orchestrator_strategies::{Finish, Next};

use super::{Run, Stop};
use crate::caught::{caught_now, panic_text};

/// Steps a workflow may have.
const STEPS_MAX: usize = 2_000;
/// Rounds of planning that may follow from one round of inputs.
const ROUNDS_MAX: usize = 64;

impl Run {
    /// Plans until nothing more follows. Adds to the batch and to the calls to start; makes nothing happen itself.
    pub(super) fn plan(&mut self) -> Result<(), Stop> {
        self.wake = None;
        for _ in 0..ROUNDS_MAX {
            if self.workflow.status().is_terminal() || self.rendering {
                return self.set_deadline();
            }
            if std::mem::take(&mut self.replan) && self.ask_strategy()? {
                return self.set_deadline();
            }
            self.advance_steps()?;
            if !self.replan {
                self.hedge_slow()?;
                return self.settle();
            }
        }
        self.fail(Self::bug(format!("the strategy {} planned without end", self.strategy.name())))
    }

    /// A moment has come: the workflow's deadline, a retry, or one a strategy asked for.
    pub(super) fn woken(&mut self) -> Result<(), Stop> {
        let now = self.parts.clock.now();
        if self.workflow.deadline().is_some_and(|deadline| now >= deadline) {
            let limit_ms = self.workflow.request().timeouts.workflow_ms;
            let failure = Failure::new(FailureClass::Deadline, format!("not finished within {} s", limit_ms / 1000));
            return self.fail(failure);
        }
        if let Some(due) = self.timer.take_if(|due| now >= *due) {
            self.advance(Event::TimerFired(TimerFired { due }))?;
            self.replan = true;
        }
        Ok(())
    }

    /// Asks the strategy and plans what it says. Whether the workflow is about to end.
    fn ask_strategy(&mut self) -> Result<bool, Stop> {
        let Next { run, stop, wake, finish } = match caught_now(|| self.strategy.next(&self.workflow)) {
            Ok(next) => next,
            Err(panic) => {
                let text = panic_text(panic.as_ref());
                self.fail(Self::bug(format!("the strategy {} panicked: {text}", self.strategy.name())))?;
                return Ok(true);
            }
        };
        if wake.zip(self.workflow.timer_fired()).is_some_and(|(wake, fired)| wake <= fired) {
            let name = self.strategy.name();
            self.fail(Self::bug(format!("the strategy {name} asks to be woken when it was woken already")))?;
            return Ok(true);
        }
        self.timer = wake;
        for step in stop {
            self.stop_step(&step)?;
        }
        match finish {
            Some(Finish::Fail(failure)) => self.fail(failure).map(|()| true),
            Some(Finish::Report(step)) => self.finish(step).map(|()| true),
            None => {
                for spec in run {
                    if let Err(failure) = self.may_plan(&spec) {
                        self.fail(failure)?;
                        return Ok(true);
                    }
                    self.advance(Event::StepPlanned(Arc::new(spec)))?;
                }
                Ok(false)
            }
        }
    }

    fn may_plan(&self, spec: &StepSpec) -> Result<(), Failure> {
        let name = self.strategy.name();
        if self.workflow.steps().len() >= STEPS_MAX {
            return Err(Self::bug(format!("the strategy {name} planned more than {STEPS_MAX} steps")));
        }
        if self.workflow.step(spec.id.as_str()).is_some() {
            return Err(Self::bug(format!("the strategy {name} planned step {} twice", spec.id)));
        }
        let needed: &[ToolName] = match &spec.kind {
            StepKind::Agent { tools, .. } => tools,
            StepKind::Tool { name, .. } => std::slice::from_ref(name),
            _ => &[],
        };
        if let Some(unknown) = needed.iter().find(|tool| self.parts.tools.find(tool.as_str()).is_none()) {
            let message = format!("the strategy {name} gives {} the tool {unknown}, which is not registered", spec.id);
            return Err(Self::bug(message));
        }
        let read = |id: &StepId| self.workflow.step(id.as_str()).is_some_and(|step| step.is_completed());
        match spec.reads.iter().find(|id| !read(id)) {
            Some(id) => {
                Err(Self::bug(format!("the strategy {name} lets {} read {id}, which has not completed", spec.id)))
            }
            None => Ok(()),
        }
    }

    /// A step whose result nobody wants.
    fn stop_step(&mut self, id: &StepId) -> Result<(), Stop> {
        self.fail_step(id, Failure::new(FailureClass::Cancelled, "its result was no longer wanted"))
    }

    /// Ends a step badly: its open calls are abandoned, and aborted once that is durable. Its siblings go on.
    pub(super) fn fail_step(&mut self, id: &StepId, failure: Failure) -> Result<(), Stop> {
        let Some(step) = self.workflow.step(id.as_str()).filter(|step| step.is_open()) else { return Ok(()) };
        let is_open = |no: &CallNo| self.workflow.call(*no).is_some_and(|call| call.is_open());
        let open: Vec<CallNo> = step.calls().iter().copied().filter(is_open).collect();
        for call in open {
            self.starts.retain(|start| start.call() != call);
            self.aborts.push(call);
            self.advance(Event::CallAbandoned(CallAbandoned::new(call, id.clone(), Abandoned::Stopped)))?;
        }
        let Some(step) = self.workflow.step(id.as_str()) else { return Ok(()) };
        let facts = step.spec().facts(*step.used());
        self.agents.remove(id);
        self.replan = true;
        self.advance(Event::StepFailed(StepFailed { step: id.clone(), facts, failure }))
    }

    /// The report is there: whatever is still open is abandoned, documents are rendered, and the workflow completes.
    fn finish(&mut self, report: StepId) -> Result<(), Stop> {
        let Some(outcome) =
            self.workflow.step(report.as_str()).and_then(|step| step.check()).map(|check| check.outcome)
        else {
            let name = self.strategy.name();
            let message = format!("the strategy {name} finished with {report}, which has checked no report");
            return self.fail(Self::bug(message));
        };
        let open: Vec<StepId> = self.workflow.open_steps().map(|step| step.id().clone()).collect();
        for step in open {
            self.stop_step(&step)?;
        }
        self.starts.clear();
        if self.workflow.request().formats.is_empty() {
            return self.advance(Event::Completed(Completed { report, outcome }));
        }
        self.rendering = true;
        self.start_rendering(report, outcome);
        Ok(())
    }

    /// Nothing more follows now. If nothing ever can, the strategy is at fault.
    fn settle(&mut self) -> Result<(), Stop> {
        let idle = self.workflow.open_calls().next().is_none()
            && self.starts.is_empty()
            && self.locals.is_empty()
            && self.wake.is_none()
            && self.timer.is_none();
        // Who waits leaves memory, and a retry that is due later would be forgotten: then nobody is asked yet.
        let works = self.workflow.open_calls().next().is_some();
        if (idle || works) && self.ask_people(idle)? {
            return Ok(());
        }
        if idle {
            let name = self.strategy.name();
            return self.fail(Self::bug(format!("the strategy {name} waits while nothing runs")));
        }
        self.set_deadline()
    }

    fn set_deadline(&mut self) -> Result<(), Stop> {
        for at in [self.timer, self.workflow.deadline()].into_iter().flatten() {
            self.wake_at(at);
        }
        Ok(())
    }

    /// Has the loop wake at this moment at the latest.
    pub(super) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }
}
