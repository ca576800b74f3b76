//! Steps one after the other. Owns the order, what each reads, and how a failure is told.

use mcp_orchestrator_domain::{DefinedStep, Failure, FailureClass, StepId, StepSpec, StepState, Unresolved, Workflow};

use super::plan::{Run, planned};

/// The most outputs a step reads; of more, the last ones.
const READS_MAX: usize = 40;

/// How far a chain of steps is.
pub(crate) enum Chained {
    /// A step is at work.
    Wait,
    /// This one is next.
    Run(Box<StepSpec>),
    /// A step failed, and the chain with it.
    Failed(Failure),
    /// Every step has completed: their names after those that were read before.
    Done(Vec<StepId>),
}

/// Runs steps one after the other. Each reads the outputs named in `before` and of the steps before it.
pub(crate) fn chain(workflow: &Workflow, steps: &[DefinedStep], run: Run, before: Vec<StepId>) -> Chained {
    let mut reads = before;
    for step in steps {
        let name = run.name(step.id.as_str());
        let Some(under_way) = workflow.step(name.as_str()) else {
            return match planned(workflow, step, run, recent(&reads)) {
                Ok(spec) => Chained::Run(Box::new(spec)),
                Err(unresolved) => Chained::Failed(unplanned(&name, &unresolved)),
            };
        };
        match under_way.state() {
            StepState::Completed(_) => reads.push(name),
            StepState::Failed(failure) => return Chained::Failed(failed(&name, failure)),
            _ => return Chained::Wait,
        }
    }
    Chained::Done(reads)
}

/// The last outputs of a long row.
pub(super) fn recent(reads: &[StepId]) -> Vec<StepId> {
    reads[reads.len().saturating_sub(READS_MAX)..].to_vec()
}

/// A failure under the name of its step.
pub(crate) fn failed(step: &StepId, failure: &Failure) -> Failure {
    Failure::new(failure.class, format!("step {step} failed: {}", failure.message))
}

/// A step that cannot even be planned.
pub(super) fn unplanned(step: &StepId, unresolved: &Unresolved) -> Failure {
    Failure::new(FailureClass::Tool, format!("step {step} cannot be called: {unresolved}"))
}
