//! What came back from a call or a local task, and what follows for the log.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{
    AgentNext, CallCompleted, CallFailed, CallNo, CallState, Completed, Cost, DocumentRef, DocumentsWritten, Event,
    Failure, FailureClass, Message, Outcome, Payload, Reply, ReportChecked, Retry, Span, StepId, StepKind, StepOutput,
    Usage,
};

use super::{
    Run, Stop,
    backoff::{self, FailedCall},
    calls::CallError,
};
use crate::Error;

/// Something that ran outside the loop has ended.
#[derive(Debug)]
pub(super) enum Ended {
    Call(CallEnded),
    Checked { step: StepId, checked: Result<Box<ReportChecked>, LocalError> },
    Rendered { report: StepId, outcome: Outcome, documents: Result<Vec<DocumentRef>, LocalError> },
}

/// A call has ended.
#[derive(Debug)]
pub(super) struct CallEnded {
    pub(super) call: CallNo,
    pub(super) step: StepId,
    pub(super) position: u16,
    /// Without the time it waited for permission to run.
    pub(super) run_ms: u64,
    pub(super) outcome: CallOutcome,
}

#[derive(Debug)]
pub(super) enum CallOutcome {
    Model(Result<ModelAnswered, CallError>),
    Tool(Result<ToolAnswered, CallError>),
}

#[derive(Debug)]
pub(super) struct ModelAnswered {
    pub(super) reply: Reply,
    pub(super) output: Payload,
    pub(super) usage: Usage,
    pub(super) cost: Cost,
    pub(super) parked_ms: u64,
}

#[derive(Debug)]
pub(super) struct ToolAnswered {
    pub(super) content: String,
    pub(super) output: Payload,
    pub(super) is_error: bool,
    pub(super) spans: Vec<Arc<Span>>,
    pub(super) cost: Cost,
}

/// Why a task of our own brought nothing.
#[derive(Debug)]
pub(super) enum LocalError {
    /// The step, or the workflow, fails with it.
    Failure(Failure),
    /// The store is to blame.
    Store(Error),
}

impl Run {
    /// Takes what came back. Acted on again after the log was read anew, so it takes nothing out of `ended`.
    pub(super) fn ended(&mut self, ended: &Ended) -> Result<(), Stop> {
        match ended {
            Ended::Call(ended) => self.call_ended(ended),
            Ended::Checked { step, checked } => {
                self.locals.remove(step);
                if !self.workflow.step(step.as_str()).is_some_and(|step| step.is_open()) {
                    return Ok(());
                }
                match checked {
                    Ok(checked) => {
                        self.advance(Event::ReportChecked(checked.clone()))?;
                        self.complete_step(step, StepOutput::Report)
                    }
                    Err(LocalError::Failure(failure)) => self.fail_step(step, failure.clone()),
                    Err(LocalError::Store(error)) => Err(Stop::Fault(error.clone())),
                }
            }
            Ended::Rendered { report, outcome, documents } => {
                if !std::mem::take(&mut self.rendering) {
                    return Ok(());
                }
                match documents {
                    Ok(documents) => {
                        self.advance(Event::DocumentsWritten(DocumentsWritten { documents: documents.clone() }))?;
                        self.advance(Event::Completed(Completed { report: report.clone(), outcome: *outcome }))
                    }
                    Err(LocalError::Failure(failure)) => self.fail(failure.clone()),
                    Err(LocalError::Store(error)) => Err(Stop::Fault(error.clone())),
                }
            }
        }
    }

    fn call_ended(&mut self, ended: &CallEnded) -> Result<(), Stop> {
        self.open_here.remove(&ended.call);
        if !self.workflow.call(ended.call).is_some_and(|call| call.is_open()) {
            // It was abandoned while its answer was on the way.
            return Ok(());
        }
        if self.take_too_late(ended)? {
            return Ok(());
        }
        match &ended.outcome {
            CallOutcome::Model(Ok(answered)) => self.model_answered(ended, answered),
            CallOutcome::Tool(Ok(answered)) => self.tool_answered(ended, answered),
            CallOutcome::Model(Err(error)) => self.call_failed(ended, error),
            CallOutcome::Tool(Err(error)) => self.call_failed(ended, error),
        }
    }

    fn model_answered(&mut self, ended: &CallEnded, answered: &ModelAnswered) -> Result<(), Stop> {
        self.advance(Event::CallCompleted(Box::new(CallCompleted {
            call: ended.call,
            step: ended.step.clone(),
            output: answered.output.clone(),
            is_error: false,
            usage: answered.usage,
            cost: answered.cost,
            evidence: Vec::new(),
            parked_ms: answered.parked_ms,
            run_ms: ended.run_ms,
        })))?;
        self.note_pace(ended.call, Duration::from_millis(ended.run_ms));
        let Some(at_work) = self.agents.get_mut(&ended.step) else { return Ok(()) };
        if at_work.agent.reply(answered.reply.clone()).is_ok() {
            match at_work.agent.next() {
                // An agent that is done asks nobody again, so its last answer joins no conversation.
                AgentNext::Done | AgentNext::Failed(_) => {}
                AgentNext::RunTools { .. } => {
                    Arc::make_mut(&mut at_work.messages).push(Message::Assistant(answered.reply.message.clone()));
                }
                // It was told at once what is wrong with its answer, or with all tools it asked for.
                AgentNext::AskModel { .. } => at_work.tell_anew(),
            }
        }
        Ok(())
    }

    fn tool_answered(&mut self, ended: &CallEnded, answered: &ToolAnswered) -> Result<(), Stop> {
        self.advance(Event::CallCompleted(Box::new(CallCompleted {
            call: ended.call,
            step: ended.step.clone(),
            output: answered.output.clone(),
            is_error: answered.is_error,
            usage: Usage::default(),
            cost: answered.cost,
            evidence: answered.spans.clone(),
            parked_ms: 0,
            run_ms: ended.run_ms,
        })))?;
        let Some(step) = self.workflow.step(ended.step.as_str()) else { return Ok(()) };
        if let StepKind::Tool { name, .. } = &step.spec().kind {
            if answered.is_error {
                let failure = Failure::new(FailureClass::Tool, format!("{name}: {}", answered.content));
                return self.fail_step(&ended.step, failure);
            }
            self.texts.insert(ended.step.clone(), Arc::from(answered.content.as_str()));
            return self.complete_step(&ended.step, StepOutput::Call(ended.call));
        }
        let evidence: Vec<_> = answered.spans.iter().map(|span| span.id.clone()).collect();
        let content = self.shown(&ended.step, &answered.content, &evidence);
        self.give_result(&ended.step, ended.position, content, answered.is_error);
        Ok(())
    }

    fn call_failed(&mut self, ended: &CallEnded, error: &CallError) -> Result<(), Stop> {
        let (failure, retry_after, cost, usage) = match error {
            CallError::Provider(error) => (error.failure.clone(), error.retry_after, error.cost, error.usage),
            CallError::Own(failure) => (failure.clone(), None, self.cost_of_nothing(ended.call), Usage::default()),
            CallError::Unkept(failure, cost, usage) => (failure.clone(), None, *cost, *usage),
            CallError::Store(error) => return Err(Stop::Fault(error.clone())),
        };
        let failures = self.failures_like(ended.call, failure.class.retry()) + 1;
        let failed = FailedCall {
            class: failure.class,
            retry_after,
            failures,
            retries_max: self.workflow.request().retries_max,
            seed: self.workflow.seed(),
            call: ended.call,
        };
        let retry_at = backoff::retry_at(failed, self.parts.clock.now(), self.workflow.deadline())
            .filter(|at| self.workflow.call(ended.call).is_none_or(|call| self.worth_waiting(call, *at)));
        self.advance(Event::CallFailed(CallFailed {
            call: ended.call,
            step: ended.step.clone(),
            failure,
            cost,
            usage,
            retry_at,
            run_ms: ended.run_ms,
        }))
    }

    /// A call that was cut off cost nothing for certain only when it was free.
    fn cost_of_nothing(&self, call: CallNo) -> Cost {
        let reserved = self.workflow.call(call).and_then(|call| call.reserved.cost);
        if reserved.is_some_and(|cost| cost.pico_usd() == 0) { Cost::FREE } else { Cost::Unknown }
    }

    /// Earlier failures of the same call with the same right to a retry.
    pub(super) fn failures_like(&self, no: CallNo, retry: Retry) -> u32 {
        let Some(call) = self.workflow.call(no) else { return 0 };
        let tries = self.workflow.steps()[call.step].calls().iter().filter_map(|no| self.workflow.call(*no));
        let failed = tries.filter(|other| {
            other.turn == call.turn
                && other.position == call.position
                && other.target == call.target
                && !other.inherited
                && matches!(&other.state, CallState::Failed { failure, .. } if failure.class.retry() == retry)
        });
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }
}
