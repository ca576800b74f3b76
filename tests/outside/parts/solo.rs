//! A strategy: one agent asks its tools and writes the report alone.

use std::sync::Arc;

use mcp_orchestrator::{
    Strategy,
    domain::{PatternName, Role, Stage, StepId, StepKind, StepSpec, Workflow},
    strategy::{Inputs, Next, Pattern, Prompt, finish_with_check},
};

type Plan = dyn Fn(&Workflow) -> Option<Next> + Send + Sync;
type Render = dyn Fn() + Send + Sync;

/// The strategy; `plan` may answer in its place, and `render` may panic.
#[derive(Clone)]
pub(crate) struct Solo {
    name: PatternName,
    plan: Arc<Plan>,
    render: Arc<Render>,
}

impl Solo {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: PatternName::new(name).unwrap(), plan: Arc::new(|_| None), render: Arc::new(|| ()) }
    }

    /// The same, planning something else.
    pub(crate) fn planning(name: &str, plan: impl Fn(&Workflow) -> Option<Next> + Send + Sync + 'static) -> Self {
        Self { plan: Arc::new(plan), ..Self::new(name) }
    }

    /// The same, doing something while it writes a prompt.
    pub(crate) fn rendering(name: &str, render: impl Fn() + Send + Sync + 'static) -> Self {
        Self { render: Arc::new(render), ..Self::new(name) }
    }
}

/// A step of an agent with the workflow's tools.
pub(crate) fn agent(name: &str, workflow: &Workflow) -> StepSpec {
    let request = workflow.request();
    StepSpec {
        id: StepId::new(name).unwrap(),
        kind: StepKind::Agent { tools: request.tools.clone(), turns_max: 3, output_tokens_max: 500 },
        role: Role::Custom("solo".to_owned()),
        stage: Stage::Agents,
        task: request.task.clone(),
        reads: Vec::new(),
        time_limit_ms: request.timeouts.agent_ms,
        inline: false,
    }
}

impl Strategy for Solo {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.name.clone(), self.version(), "Solo", "One agent writes the report alone.")
    }

    fn next(&self, workflow: &Workflow) -> Next {
        if let Some(next) = (self.plan)(workflow) {
            return next;
        }
        match workflow.step("writer") {
            None => Next::run(vec![agent("writer", workflow)]),
            Some(step) if step.is_open() => Next::wait(),
            Some(step) => match step.failure() {
                Some(failure) => Next::fail(failure.clone()),
                None => finish_with_check(workflow, vec![step.id().clone()]),
            },
        }
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        (self.render)();
        if step.role == Role::Editor {
            return Prompt::editor(inputs);
        }
        Prompt { system: inputs.rules().to_string(), user: inputs.question().to_string(), ..Prompt::default() }
    }
}
