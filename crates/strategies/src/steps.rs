//! Step plans with the fields the built-in strategies share. Owns names and shape of a planned agent; decides nothing.

use mcp_orchestrator_domain::{Role, Stage, Step, StepId, StepKind, StepSpec, ToolName};

/// The bounds of an agent step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) turns_max: u16,
    pub(crate) output_tokens_max: u32,
    pub(crate) time_limit_ms: u64,
}

/// An agent without tools that reads nothing yet.
pub(crate) fn agent(id: StepId, role: Role, stage: Stage, task: impl Into<String>, bounds: Bounds) -> StepSpec {
    let kind =
        StepKind::Agent { tools: Vec::new(), turns_max: bounds.turns_max, output_tokens_max: bounds.output_tokens_max };
    let time_limit_ms = bounds.time_limit_ms;
    StepSpec { id, kind, role, stage, task: task.into(), reads: Vec::new(), time_limit_ms, inline: false }
}

/// The same agent with these tools.
pub(crate) fn with_tools(mut step: StepSpec, given: &[ToolName]) -> StepSpec {
    if let StepKind::Agent { tools, .. } = &mut step.kind {
        *tools = given.to_vec();
    }
    step
}

/// A name of a step of ours.
pub(crate) fn id(name: &str) -> StepId {
    // Every caller passes a literal of lower-case letters and `_`, some with a number after it.
    StepId::new(name).expect("lower-case letters, digits and _ after a letter make a step id")
}

/// The names of steps.
pub(crate) fn ids(steps: &[&Step]) -> Vec<StepId> {
    steps.iter().map(|step| step.id().clone()).collect()
}
