//! Which texts are the report. Owns the choice where the request makes none.

use mcp_orchestrator_domain::{DefinedStep, Failure, FailureClass, StepId, Workflow};

use super::plan::Run;
use crate::{Next, check::finish_with_check};

/// The last step that writes text for a reader; the last of all when none does.
pub(crate) fn last_text(steps: &[DefinedStep]) -> Vec<StepId> {
    let last = steps.iter().rev().find(|step| step.writes_prose()).or_else(|| steps.last());
    last.map(|step| step.id.clone()).into_iter().collect()
}

/// Ends the workflow with the texts of the chosen steps, or of `otherwise` when the request chooses none. Steps that have
/// not completed are left out.
pub(crate) fn among(workflow: &Workflow, run: Run, otherwise: Vec<StepId>) -> Next {
    let chosen = workflow.request().definition.as_ref().map(|definition| definition.report.clone());
    let chosen = chosen.filter(|chosen| !chosen.is_empty()).unwrap_or(otherwise);
    let names = chosen.iter().map(|step| run.name(step.as_str()));
    let completed = |name: &StepId| workflow.step(name.as_str()).is_some_and(|step| step.is_completed());
    let reads: Vec<StepId> = names.filter(completed).collect();
    if reads.is_empty() {
        let names: Vec<&str> = chosen.iter().map(StepId::as_str).collect();
        let message = format!("no step of the report has an output: {}", names.join(", "));
        return Next::fail(Failure::new(FailureClass::NoResult, message));
    }
    finish_with_check(workflow, reads)
}
