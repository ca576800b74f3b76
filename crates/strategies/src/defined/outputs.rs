//! What completed steps wrote, as far as a pattern can read it: in the log, in place. Owns nothing but the reading.

use mcp_orchestrator_domain::{CallState, Payload, Step, StepOutput, Target, Workflow};

use crate::reply;

/// The text of a completed step; `None` when it has not completed or its text is kept outside the log.
pub(crate) fn text(workflow: &Workflow, step: &str) -> Option<String> {
    let step = workflow.step(step)?;
    tool_text(workflow, step).or_else(|| reply::text(workflow, step))
}

/// A tool's answer is kept as it is, a model's in its reply.
fn tool_text(workflow: &Workflow, step: &Step) -> Option<String> {
    let StepOutput::Call(no) = step.output()? else { return None };
    let call = workflow.call(*no)?;
    match (&call.target, &call.state) {
        (Target::Tool { .. }, CallState::Completed { output: Payload::Inline(text), .. }) => Some(text.to_string()),
        _ => None,
    }
}
