//! The contract of a strategy: what it is asked and what it answers. Owns the shapes between planner and engine; plans
//! nothing itself and knows no clock, runtime or I/O.

use std::fmt;

use mcp_orchestrator_domain::{Failure, PatternName, StepId, StepSpec, Timestamp, Workflow};
use serde_json::Value;

use crate::{Inputs, Pattern};

/// Decides what happens next in a workflow.
///
/// A strategy is asked again and again and remembers nothing: everything it may know is in the [`Workflow`]. Shared by
/// all workflows and called concurrently, on the engine's own task: it must be quick and never block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Strategy`",
    note = "implement `name`, `version`, `describe`, `next` and `render`",
    note = "a strategy in an `Arc` is registered as it is: see `Builder::with_shared_strategy`"
)]
pub trait Strategy: Send + Sync + 'static {
    /// The name requests choose it by.
    fn name(&self) -> &PatternName;

    /// The version of its plan. A workflow goes on only with the version it was submitted for, so raise it whenever
    /// `next` would answer differently for a workflow that is under way.
    fn version(&self) -> u32;

    /// What people are told about it.
    fn describe(&self) -> Pattern;

    /// What happens next. Asked when the workflow starts, and after every step that ended, answer that was given and
    /// timer that fired.
    ///
    /// Must be a function of `workflow` alone: after a crash it is asked again with the same log and must answer the
    /// same. It looks at the steps that are planned already and names each step once; an empty [`Next`] waits for the
    /// open steps. An empty answer while no step is open and no timer is set is a bug of the strategy, and fails the
    /// workflow.
    fn next(&self, workflow: &Workflow) -> Next;

    /// The prompt of an agent step. Asked when the step is dispatched, with the outputs it reads loaded; again after a
    /// crash. Nothing of it is kept.
    ///
    /// Text from outside ([`Inputs::outputs`], quotes, the context of a request) goes into [`Inputs::fence`];
    /// [`Inputs::rules`], [`Inputs::question`] and
    /// [`Inputs::material`] do this already.
    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt;
}

/// What is to happen next.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct Next {
    /// Steps to plan and run, none planned before. Recorded all together or not at all, in this order.
    pub run: Vec<StepSpec>,
    /// Open steps whose result is no longer wanted: they fail with [`mcp_orchestrator_domain::FailureClass::Cancelled`].
    pub stop: Vec<StepId>,
    /// When to be asked again at the latest, even if nothing ends.
    pub wake: Option<Timestamp>,
    /// The end of the workflow. Nothing of `run` is then started.
    pub finish: Option<Finish>,
}

impl Next {
    /// Nothing until an open step ends.
    #[must_use]
    pub fn wait() -> Self {
        Self::default()
    }

    /// These steps now.
    #[must_use]
    pub fn run(steps: Vec<StepSpec>) -> Self {
        Self { run: steps, ..Self::default() }
    }

    /// The end.
    #[must_use]
    pub fn finish(finish: Finish) -> Self {
        Self { finish: Some(finish), ..Self::default() }
    }

    /// The end as a failure.
    #[must_use]
    pub fn fail(failure: Failure) -> Self {
        Self::finish(Finish::Fail(failure))
    }

    /// Whether it asks for nothing at all.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        self.run.is_empty() && self.stop.is_empty() && self.wake.is_none() && self.finish.is_none()
    }
}

/// How a workflow ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum Finish {
    /// Well, with the report of this completed check step.
    Report(StepId),
    /// Badly.
    Fail(Failure),
}

/// What a model is asked. Tool definitions and the conversation are the engine's.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct Prompt {
    /// The instructions: text of the strategy only, nothing from outside.
    pub system: String,
    /// The task and what there is to read, text from outside fenced.
    pub user: String,
    /// JSON Schema the answer must have. Providers that can hold to one are told; whoever answers, an answer that does not
    /// fit is objected to once and then fails the step.
    pub output_schema: Option<Value>,
    /// 0 to 2; `None` is the provider's default.
    pub temperature: Option<f32>,
}

impl fmt::Debug for dyn Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strategy").field("name", self.name()).field("version", &self.version()).finish()
    }
}

fn _object_safe(_: &dyn Strategy) {}
