//! The words of [`Strategy`](crate::Strategy): what it is shown and what it answers.
//!
//! A strategy is a function of the workflow alone, so it is tested without a runtime: fold a log, ask, compare.
//!
//! ```
//! use mcp_orchestrator::{
//!     Strategy,
//!     domain::{PatternName, Role, Stage, StepId, StepKind, StepSpec, Workflow},
//!     strategy::{Inputs, Next, Pattern, Prompt, finish_with_check},
//! };
//!
//! /// One agent writes the report alone.
//! struct Solo {
//!     name: PatternName,
//!     writer: StepId,
//! }
//!
//! impl Strategy for Solo {
//!     fn name(&self) -> &PatternName {
//!         &self.name
//!     }
//!
//!     fn version(&self) -> u32 {
//!         1
//!     }
//!
//!     fn describe(&self) -> Pattern {
//!         Pattern::new(self.name.clone(), 1, "Solo", "One agent writes the report alone.")
//!     }
//!
//!     fn next(&self, workflow: &Workflow) -> Next {
//!         let request = workflow.request();
//!         match workflow.step(self.writer.as_str()) {
//!             None => Next::run(vec![StepSpec {
//!                 id: self.writer.clone(),
//!                 kind: StepKind::Agent { tools: request.tools.clone(), turns_max: 4, output_tokens_max: 2_000 },
//!                 role: Role::Custom("solo".to_owned()),
//!                 stage: Stage::Agents,
//!                 task: request.task.clone(),
//!                 reads: Vec::new(),
//!                 time_limit_ms: request.timeouts.agent_ms,
//!                 inline: false,
//!             }]),
//!             Some(step) if step.is_open() => Next::wait(),
//!             Some(step) => match step.failure() {
//!                 Some(failure) => Next::fail(failure.clone()),
//!                 None => finish_with_check(workflow, vec![step.id().clone()]),
//!             },
//!         }
//!     }
//!
//!     fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
//!         if step.role == Role::Editor {
//!             return Prompt::editor(inputs);
//!         }
//!         let system = format!("Answer the question in one page.\n\n{}", inputs.rules());
//!         Prompt { system, user: format!("{}\n\n{}", inputs.question(), inputs.material()), ..Prompt::default() }
//!     }
//! }
//! # let _ = Solo { name: PatternName::new("solo")?, writer: StepId::new("writer")? };
//! # Ok::<(), mcp_orchestrator::domain::InvalidName>(())
//! ```

pub use mcp_orchestrator_strategies::{
    AgentTypeInfo, Beltalowda, Fence, Finish, Inputs, Missing, Next, Parameter, Pattern, PatternStage, Prompt, Swarm,
    findings, finish_with_check, missing, sub_tasks, tool_answer, within_budget,
};
