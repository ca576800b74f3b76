//! Continuing a failed or cancelled workflow as a new one. Owns what is taken over: everything that was paid for.

use std::collections::BTreeSet;

use super::{Rejected, Status, StepState, Workflow};
use crate::{Event, Forked, Recorded, StepId, Submitted, Timestamp, WorkflowId};

/// A new workflow that continues an ended one at its head, and the records of its log.
///
/// Completed calls and steps are taken over and never run again. A failed step is open again unless a step planned
/// after it has completed: what was built without it stays. What was spent stays spent, so budgets hold over both.
///
/// # Errors
/// [`Rejected::NotEnded`] unless it has failed or was cancelled, [`Rejected::Damaged`] when the log is no workflow's.
pub fn fork_at_head(
    source: &Workflow,
    log: &[Recorded],
    id: WorkflowId,
    submitted: Submitted,
    now: Timestamp,
) -> Result<(Workflow, Vec<Recorded>), Rejected> {
    match source.status() {
        Status::Failed | Status::Cancelled => {}
        Status::Queued | Status::Running | Status::Waiting | Status::Completed => {
            return Err(Rejected::NotEnded(source.status()));
        }
    }
    let reopened = reopened(source);
    let (mut workflow, first) = Workflow::submit(id, submitted, now);
    let mut records = vec![first];
    let forked = Forked { from: source.id().clone(), at: source.head(), reopened: reopened.iter().cloned().collect() };
    records.push(workflow.advance(Event::Forked(forked), now)?);
    for recorded in log {
        if is_taken_over(&recorded.record.event, &reopened) {
            records.push(workflow.advance(recorded.record.event.clone(), recorded.record.at)?);
        }
    }
    Ok((workflow, records))
}

fn reopened(source: &Workflow) -> BTreeSet<StepId> {
    let last_completed = source.steps().iter().rposition(super::Step::is_completed);
    // A written step is built from what it needs and reads, so what came later elsewhere stands on nothing of it.
    let is_written =
        |id: &StepId| source.request().definition.as_ref().is_some_and(|written| written.step(id.as_str()).is_some());
    let planned_after_it_completed = |position: usize| {
        let planned = source.steps()[position].planned();
        let failed_order = source.steps()[position].end_order();
        source.steps()[position..=last_completed.unwrap_or(position).max(position)].iter().any(|later| {
            !is_written(later.id())
                && later.is_completed()
                && later.planned() > planned
                && later.end_order() > failed_order
        })
    };
    source
        .steps()
        .iter()
        .enumerate()
        .filter(|(position, step)| {
            matches!(step.state(), StepState::Failed(_)) && !planned_after_it_completed(*position)
        })
        .map(|(_, step)| step.id().clone())
        .collect()
}

fn is_taken_over(event: &Event, reopened: &BTreeSet<StepId>) -> bool {
    match event {
        Event::StepPlanned(_)
        | Event::CallStarted(_)
        | Event::CallCompleted(_)
        | Event::CallFailed(_)
        | Event::CallAbandoned(_)
        | Event::StepCompleted(_)
        | Event::InputRequested(_)
        | Event::InputGiven(_)
        | Event::TimerFired(_)
        | Event::ReportChecked(_) => true,
        Event::StepFailed(failed) => !reopened.contains(&failed.step),
        Event::Submitted(_)
        | Event::Forked(_)
        | Event::Started(_)
        | Event::Poisoned(_)
        | Event::Revived(_)
        | Event::CancelRequested(_)
        | Event::DocumentsWritten(_)
        | Event::Completed(_)
        | Event::Failed(_)
        | Event::Cancelled(_) => false,
    }
}
