//! What the patterns with written steps share: how a step is planned, how a chain of them runs, and what their outputs
//! say. Owns no pattern; each of them is a file beside this folder.

mod blocked;
mod chain;
mod outputs;
mod plan;
mod prompts;
mod report;

pub(crate) use blocked::blocked;
pub(crate) use chain::{Chained, chain, failed};
pub(crate) use outputs::text;
pub(crate) use plan::{Run, deciding, decision, planned, tool};
pub(crate) use prompts::{CONDITION, SUCCESS, render};
pub(crate) use report::{among, last_text};

use mcp_orchestrator_domain::{Failure, FailureClass, Flow, Workflow};

use crate::Next;

/// The flow of a workflow, or the end of one that was submitted without: a strategy of the same name had none.
pub(crate) fn flow(workflow: &Workflow) -> Result<&Flow, Box<Next>> {
    let definition = workflow.request().definition.as_ref();
    definition.map(|definition| &definition.flow).ok_or_else(|| Box::new(no_flow()))
}

/// The end of a workflow whose steps are those of another pattern.
pub(crate) fn no_flow() -> Next {
    Next::fail(Failure::new(FailureClass::Internal, "the request holds no steps for this pattern"))
}
