//! From a step as written to a step as planned. Owns names, roles and bounds; when it is planned is the pattern's.

use mcp_orchestrator_domain::{
    AgentWork, Decision, DefinedStep, Role, Stage, StepId, StepKind, StepSpec, ToolWork, Unresolved, Work, Workflow,
    resolve,
};
use serde_json::Value;

use super::{chain::recent, outputs::text, prompts};
use crate::steps::id;

/// Which run of a chain of steps: once, or a pass of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Once,
    Pass(u16),
}

impl Run {
    /// The name of a step in this run. Written names hold no `-`, so those of passes meet none of them.
    pub(crate) fn name(self, step: &str) -> StepId {
        match self {
            Self::Once => id(step),
            Self::Pass(number) => id(&format!("{step}-{number}")),
        }
    }
}

/// The planned step.
///
/// # Errors
/// [`Unresolved`] when an argument of a tool refers to something that is not there.
pub(crate) fn planned(
    workflow: &Workflow,
    step: &DefinedStep,
    run: Run,
    reads: Vec<StepId>,
) -> Result<StepSpec, Unresolved> {
    let name = run.name(step.id.as_str());
    let limit_ms = step.time_limit_ms.unwrap_or(workflow.request().timeouts.agent_ms);
    match &step.work {
        Work::Agent(work) => {
            let definition = workflow.request().definition.as_ref();
            let is_read = definition.is_some_and(|definition| definition.read_by_pattern().contains(&step.id));
            let role = Role::Custom(step.id.as_str().to_owned());
            let spec = agent(workflow, name, role, work, reads);
            Ok(StepSpec { inline: is_read || work.schema.is_some(), time_limit_ms: limit_ms, ..spec })
        }
        Work::Tool(work) => {
            let spec = tool(workflow, name, step.id.as_str(), work, run, reads)?;
            Ok(StepSpec { time_limit_ms: limit_ms, ..spec })
        }
        Work::Ask { question } => {
            let kind = StepKind::Ask { question: question.clone() };
            let role = Role::Custom(step.id.as_str().to_owned());
            Ok(spec(name, kind, role, question.clone(), reads, limit_ms))
        }
    }
}

/// An agent that decides for the pattern: its answer is read by the pattern.
pub(crate) fn deciding(workflow: &Workflow, name: StepId, work: &AgentWork, reads: &[StepId]) -> StepSpec {
    let role = Role::Custom(prompts::part_of(&name).to_owned());
    StepSpec { inline: true, ..agent(workflow, name, role, work, recent(reads)) }
}

/// A call of a tool.
///
/// # Errors
/// [`Unresolved`] when an argument refers to something that is not there.
pub(crate) fn tool(
    workflow: &Workflow,
    name: StepId,
    part: &str,
    work: &ToolWork,
    run: Run,
    reads: Vec<StepId>,
) -> Result<StepSpec, Unresolved> {
    let output = |step: &StepId| text(workflow, run.name(step.as_str()).as_str());
    let arguments = Value::Object(resolve(&work.arguments, &output)?).to_string();
    let kind = StepKind::Tool { name: work.tool.clone(), arguments };
    let limit_ms = workflow.request().timeouts.agent_ms;
    Ok(spec(name, kind, Role::Custom(part.to_owned()), work.task.clone(), reads, limit_ms))
}

/// A decision of the pattern.
pub(crate) fn decision(name: StepId, decision: Decision) -> StepSpec {
    let task = decision.subject();
    let spec = spec(name, StepKind::Decision(decision), Role::Decision, task, Vec::new(), 0);
    StepSpec { stage: Stage::Planning, inline: true, ..spec }
}

fn agent(workflow: &Workflow, name: StepId, role: Role, work: &AgentWork, reads: Vec<StepId>) -> StepSpec {
    let kind = StepKind::Agent {
        tools: work.tools.clone().unwrap_or_else(|| workflow.request().tools.clone()),
        turns_max: work.turns_max,
        output_tokens_max: work.output_tokens_max,
    };
    spec(name, kind, role, work.task.clone(), reads, workflow.request().timeouts.agent_ms)
}

fn spec(id: StepId, kind: StepKind, role: Role, task: String, reads: Vec<StepId>, time_limit_ms: u64) -> StepSpec {
    StepSpec { id, kind, role, stage: Stage::Agents, task, reads, time_limit_ms, inline: false }
}
