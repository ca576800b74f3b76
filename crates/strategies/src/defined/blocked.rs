//! Steps of a custom workflow that will never run. Owns why; a pure function of definition and log.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::{DefinedStep, Failure, FailureClass, Flow, StepId, StepState, Workflow};

use super::{chain, plan};
use crate::Missing;

/// The steps that are not planned and never will be, in the order of the definition, each with the reason: a step it
/// needs failed or is blocked itself, or an argument refers to something that is not there.
pub(crate) fn blocked(workflow: &Workflow) -> Vec<Missing> {
    let Some(Flow::Custom { steps }) = workflow.request().definition.as_ref().map(|definition| &definition.flow) else {
        return Vec::new();
    };
    let mut reasons: BTreeMap<&StepId, Failure> = BTreeMap::new();
    // Needs may be written after who needs them, so a round may find what an earlier one could not; each finds one more.
    loop {
        let known = reasons.len();
        for step in steps {
            if !reasons.contains_key(&step.id)
                && workflow.step(step.id.as_str()).is_none()
                && let Some(reason) = reason(workflow, step, &reasons)
            {
                reasons.insert(&step.id, reason);
            }
        }
        if reasons.len() == known {
            break;
        }
    }
    let missing = |step: &DefinedStep| {
        let reason = reasons.remove(&step.id)?;
        Some(Missing { step: step.id.clone(), task: step.title().to_owned(), reason })
    };
    steps.iter().filter_map(missing).collect()
}

fn reason(workflow: &Workflow, step: &DefinedStep, blocked: &BTreeMap<&StepId, Failure>) -> Option<Failure> {
    for need in &step.needs {
        if blocked.contains_key(need) {
            return Some(Failure::new(FailureClass::NoResult, format!("it needs {need}, which was not run")));
        }
        if let Some(StepState::Failed(_)) = workflow.step(need.as_str()).map(|step| step.state()) {
            return Some(Failure::new(FailureClass::NoResult, format!("it needs {need}, which failed")));
        }
    }
    let is_ready = step.needs.iter().all(|need| workflow.step(need.as_str()).is_some_and(|step| step.is_completed()));
    if !is_ready {
        return None;
    }
    let planned = plan::planned(workflow, step, plan::Run::Once, step.needs.clone());
    planned.err().map(|unresolved| chain::unplanned(&step.id, &unresolved))
}
