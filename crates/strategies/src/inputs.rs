//! What a prompt is made of. Owns the data given to `render` and where it comes from in a workflow; writes no prompt.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Failure, Finding, Request, Role, Span, Stage, StepId, StepKind, StepSpec, StepText, ToolName, Workflow,
};

use crate::{Fence, defined::blocked};

/// What a prompt may be made of, loaded for one step.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Inputs<'a> {
    /// What was asked.
    pub request: &'a Request,
    /// The step's fence. Text from outside is shown inside it only.
    pub fence: Fence,
    /// The outputs of the steps it reads, in that order.
    pub outputs: Vec<StepText>,
    /// The evidence cited in them, best first.
    pub spans: Vec<Arc<Span>>,
    /// Sub-tasks whose agents failed: see [`missing`].
    pub missing: Vec<Missing>,
    /// What an editor repairs: see [`findings`].
    pub findings: Vec<Finding>,
    /// Whether any tool of the workflow is a source, so that something can be cited.
    pub has_sources: bool,
    /// The tools the step may call.
    pub tools: &'a [ToolName],
}

/// A sub-task nobody has a result for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Missing {
    /// The agent that failed, or the step that did not run.
    pub step: StepId,
    /// Its sub-task.
    pub task: String,
    /// Why.
    pub reason: Failure,
}

/// Every agent that failed, in the order of planning, then every step of a custom workflow that will not run because of
/// them: what [`Inputs::missing`] holds for writers.
#[must_use]
pub fn missing(workflow: &Workflow) -> Vec<Missing> {
    let failed = workflow.steps().iter().filter(|step| step.stage() == Stage::Agents);
    let failed = failed.filter_map(|step| {
        let reason = step.failure()?.clone();
        Some(Missing { step: step.id().clone(), task: step.spec().task.clone(), reason })
    });
    failed.chain(blocked(workflow)).collect()
}

/// What the last check of the first text it reads found, for an editor: what [`Inputs::findings`] holds. Empty for other
/// steps.
#[must_use]
pub fn findings(workflow: &Workflow, step: &StepSpec) -> Vec<Finding> {
    if step.role != Role::Editor {
        return Vec::new();
    }
    let mut checks = workflow.steps().iter().rev().filter(|check| {
        matches!(check.spec().kind, StepKind::Check { .. })
            && check.is_completed()
            && check.spec().reads.first() == step.reads.first()
    });
    checks.next().and_then(|check| check.check()).map(|check| check.repairs.clone()).unwrap_or_default()
}
