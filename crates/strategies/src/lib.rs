//! The pure planners of `mcp-orchestrator`: a [`Strategy`] reads a workflow and decides which steps run next.
//!
//! Nothing here reads a clock, makes randomness, does I/O or runs a task; the same workflow always gives the same
//! answer, which is what makes a workflow resumable. [`Beltalowda`] and [`Swarm`] are built in, and [`Sequential`],
//! [`Conditional`], [`Iterative`] and [`Custom`], whose steps are written down in the request. One of your own:
//!
//! ```
//! use mcp_orchestrator_domain::{PatternName, Role, Stage, StepId, StepKind, StepSpec, Workflow};
//! use mcp_orchestrator_strategies::{Inputs, Next, Pattern, Prompt, Strategy, finish_with_check};
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
//!     fn version(&self) -> u32 {
//!         1
//!     }
//!     fn describe(&self) -> Pattern {
//!         Pattern::new(self.name.clone(), self.version(), "Solo", "One agent writes the report alone.")
//!     }
//!     fn next(&self, workflow: &Workflow) -> Next {
//!         let request = workflow.request();
//!         let Some(step) = workflow.step(self.writer.as_str()) else {
//!             return Next::run(vec![StepSpec {
//!                 id: self.writer.clone(),
//!                 kind: StepKind::Agent { tools: request.tools.clone(), turns_max: 4, output_tokens_max: 2_000 },
//!                 role: Role::Custom("solo".to_owned()),
//!                 stage: Stage::Agents,
//!                 task: request.task.clone(),
//!                 reads: Vec::new(),
//!                 time_limit_ms: request.timeouts.agent_ms,
//!                 inline: false,
//!             }]);
//!         };
//!         match step.failure() {
//!             Some(failure) => Next::fail(failure.clone()),
//!             None if step.is_open() => Next::wait(),
//!             None => finish_with_check(workflow, vec![step.id().clone()]),
//!         }
//!     }
//!     fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
//!         if step.role == Role::Editor {
//!             return Prompt::editor(inputs);
//!         }
//!         let system = format!("Answer the question in one page.\n\n{}", inputs.rules());
//!         Prompt { system, user: format!("{}\n\n{}", inputs.question(), inputs.material()), ..Prompt::default() }
//!     }
//! }
//!
//! # use mcp_orchestrator_domain::{Limits, Principal, RequestDraft, Submitted, Timestamp, WorkflowId};
//! // Planning is tested without I/O: fold a log, ask, compare.
//! # let draft = RequestDraft {
//! #     pattern: Some("solo".to_owned()),
//! #     task: Some("How does a workflow survive a crash?".to_owned()),
//! #     ..RequestDraft::default()
//! # };
//! # let submitted = Submitted {
//! #     request: draft.parse(&Limits::default())?,
//! #     principal: Principal::local(),
//! #     seed: 7,
//! #     strategy_version: 1,
//! #     request_id: None,
//! # };
//! # let id = WorkflowId::from_random("solo", [7; 16])?;
//! # let (workflow, _) = Workflow::submit(id, submitted, Timestamp::from_millis(0));
//! let solo = Solo { name: PatternName::new("solo")?, writer: StepId::new("writer")? };
//! let next = solo.next(&workflow);
//! assert_eq!(next.run.len(), 1);
//! assert_eq!(next, solo.next(&workflow));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It has no features. Start at [`Strategy`]; [`Fence`] is how text from outside is shown to a model, and [`finish_with_check`] the end every
//! strategy shares.

mod beltalowda;
mod budget;
mod check;
mod conditional;
mod custom;
mod defined;
mod failure;
mod fence;
mod inputs;
mod iterative;
mod near;
mod pattern;
mod plan;
mod reply;
mod rules;
mod sequential;
mod show;
mod steps;
mod strategy;
mod swarm;

use std::sync::Arc;

pub use beltalowda::Beltalowda;
pub use budget::{READ_CHARS_MAX, within_budget};
pub use check::finish_with_check;
pub use conditional::Conditional;
pub use custom::Custom;
pub use fence::Fence;
pub use inputs::{Inputs, Missing, findings, missing};
pub use iterative::Iterative;
pub use pattern::{AgentTypeInfo, Parameter, Pattern, PatternStage};
pub use plan::{SUB_TASK_CHARS_MAX, angles, sub_tasks};
pub use sequential::Sequential;
pub use show::{QUOTE_CHARS_MAX, QUOTES_CHARS_MAX, TOOL_TEXT_CHARS_MAX, tool_answer};
pub use strategy::{Finish, Next, Prompt, Strategy};
pub use swarm::{Swarm, agent_type_info, assign};

/// The strategies that come with the crate, in the order they are listed.
#[must_use]
pub fn built_in() -> Vec<Arc<dyn Strategy>> {
    vec![
        Arc::new(Beltalowda::new()),
        Arc::new(Swarm::new()),
        Arc::new(Sequential::new()),
        Arc::new(Conditional::new()),
        Arc::new(Iterative::new()),
        Arc::new(Custom::new()),
    ]
}
