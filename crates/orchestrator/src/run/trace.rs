//! What a run says in the program's log: whom it asks, how that came back, how it ended. Owns those lines. No prompt, no
//! answer and no text of an error is in them: what others wrote belongs in the workflow's log.

use std::sync::Arc;

use mcp_orchestrator_domain::{CallNo, StepId, Target, Timestamp, Workflow, WorkflowId, millis};
use tracing::{Span, field, info, info_span};

use super::{
    calls::CallError,
    ended::{CallOutcome, ToolAnswered},
};
use crate::Clock;

/// What every line about a workflow is in. The request is named once the log is read.
pub(crate) fn span(id: &WorkflowId) -> Span {
    info_span!("workflow", workflow_id = %id, request_id = field::Empty)
}

/// Names the request in the span a run is in, and says that the run begins.
pub(super) fn claimed(workflow: &Workflow, attempt: u32) {
    name_request(&Span::current(), workflow);
    info!(attempt, "workflow claimed");
}

/// A workflow's last record was stored by a command, outside of any run.
pub(crate) fn ended_outside(workflow: &Workflow) {
    let span = span(workflow.id());
    name_request(&span, workflow);
    span.in_scope(|| ended(workflow));
}

/// A workflow's last record was stored by its run.
pub(super) fn ended(workflow: &Workflow) {
    let duration_ms = millis(workflow.updated().since(workflow.created()));
    info!(pattern = %workflow.request().pattern, status = %workflow.status(), duration_ms, "workflow ended");
}

/// A call that was made, and that says in any case how it ended.
pub(super) struct CallLine {
    call: CallNo,
    step: StepId,
    target: String,
    attempt: u16,
    clock: Arc<dyn Clock>,
    began: Timestamp,
    is_ended: bool,
}

impl CallLine {
    /// A call begins.
    pub(super) fn begin(workflow: &Workflow, call: CallNo, step: StepId, clock: Arc<dyn Clock>) -> Self {
        let made = workflow.call(call);
        let target = made.map(|made| name(&made.target)).unwrap_or_default();
        let attempt = made.map_or(1, |made| made.attempt);
        info!(%step, %call, target, attempt, "call started");
        let began = clock.now();
        Self { call, step, target, attempt, clock, began, is_ended: false }
    }

    /// It has come back.
    pub(super) fn end(mut self, outcome: &CallOutcome) {
        self.is_ended = true;
        match outcome {
            CallOutcome::Model(Ok(_)) | CallOutcome::Tool(Ok(ToolAnswered { is_error: false, .. })) => {
                self.say("answered", None);
            }
            CallOutcome::Tool(Ok(_)) => self.say("tool_error", None),
            CallOutcome::Model(Err(error)) | CallOutcome::Tool(Err(error)) => self.say("failed", Some(class(error))),
        }
    }

    fn say(&self, outcome: &str, class: Option<&str>) {
        let duration_ms = millis(self.clock.now().since(self.began));
        let Self { call, step, target, attempt, .. } = self;
        info!(%step, %call, target, attempt, duration_ms, outcome, class, "call ended");
    }
}

impl Drop for CallLine {
    fn drop(&mut self) {
        if !self.is_ended {
            self.say("aborted", None);
        }
    }
}

fn name_request(span: &Span, workflow: &Workflow) {
    if let Some(id) = workflow.request_id() {
        span.record("request_id", field::display(id));
    }
}

fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Provider(error) => error.failure.class.as_str(),
        CallError::Own(failure) | CallError::Unkept(failure, ..) => failure.class.as_str(),
        CallError::Store(_) => "store",
    }
}

fn name(target: &Target) -> String {
    match target {
        Target::Model { provider, model: Some(model) } => format!("{provider}/{model}"),
        Target::Model { provider, model: None } => provider.to_string(),
        Target::Tool { name, .. } => name.to_string(),
    }
}
