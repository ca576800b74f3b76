//! Going on from a place in a workflow's log as a new workflow. Owns what is taken over: everything that was paid for by
//! then. What may be asked differently from there on is the request's.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Rejected, Status, StepState, Workflow};
use crate::{
    CallNo, CallStarted, Event, Forked, Recorded, Seq, Spent, StepCompleted, StepId, StepOutput, StepSpec, Submitted,
    Timeouts, Timestamp, WorkflowId,
};

/// Where a workflow comes from that goes on from another one's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores keep it and readers show it whole")]
pub struct ForkedFrom {
    /// The other workflow. It may be gone: what was taken over does not need it.
    pub id: WorkflowId,
    /// The last of its records that was taken over.
    pub at: Seq,
    /// What the records taken over had spent: the other workflow's spending, counted in this one's totals and budgets.
    pub spent: Spent,
}

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
        Status::Failed | Status::Cancelled => fork(source, log, id, submitted, now),
        Status::Queued | Status::Running | Status::Waiting | Status::Completed => {
            Err(Rejected::NotEnded(source.status()))
        }
    }
}

/// A new workflow that has the history of another one, and the records of its log. `source` is the fold of `log`, which
/// ends where the fork begins: at a position that [`whole_plans`] has answered with.
///
/// Steps and calls that have completed by then are taken over and never run again; failed steps are open again as with
/// [`fork_at_head`]. A call that was open there has not happened here: it is made again, and whatever the first one cost or
/// did is the other workflow's. Where `submitted` has other time limits, they hold for every step that is open. The new log needs nothing
/// of the old one but the blobs its records name.
///
/// # Errors
/// [`Rejected::Damaged`] when the log is no workflow's.
pub fn fork(
    source: &Workflow,
    log: &[Recorded],
    id: WorkflowId,
    submitted: Submitted,
    now: Timestamp,
) -> Result<(Workflow, Vec<Recorded>), Rejected> {
    let reopened = reopened(source);
    let limits = (source.request().timeouts, submitted.request.timeouts);
    let open_calls: BTreeSet<CallNo> = source.open_calls().map(|call| call.no).collect();
    let is_open =
        |step: &StepId| reopened.contains(step) || source.step(step.as_str()).is_some_and(super::Step::is_open);
    let (mut workflow, first) = Workflow::submit(id, submitted, now);
    let mut records = vec![first];
    let forked = Forked { from: source.id().clone(), at: source.head(), reopened: reopened.iter().cloned().collect() };
    records.push(workflow.advance(Event::Forked(forked), now)?);
    let mut numbers = HashMap::new();
    for recorded in log {
        let event = &recorded.record.event;
        if !is_taken_over(event, &reopened) {
            continue;
        }
        let event = if let Event::CallStarted(started) = event {
            if open_calls.contains(&started.call) {
                continue;
            }
            numbers.insert(started.call, workflow.next_call());
            // What it was made beside may not have happened here.
            let hedges = started.hedges.and_then(|hedged| numbers.get(&hedged).copied());
            Event::CallStarted(CallStarted { call: workflow.next_call(), hedges, ..started.clone() })
        } else if let Event::StepPlanned(spec) = event
            && limits.0 != limits.1
            && is_open(&spec.id)
        {
            Event::StepPlanned(retimed(source, spec, limits))
        } else {
            renumbered(event.clone(), &numbers)
        };
        records.push(workflow.advance(event, recorded.record.at)?);
    }
    Ok((workflow, records))
}

/// The event with the numbers its calls have in the new log. A number that is not there is left for the fold to refuse.
fn renumbered(mut event: Event, numbers: &HashMap<CallNo, CallNo>) -> Event {
    let call = match &mut event {
        Event::CallCompleted(completed) => &mut completed.call,
        Event::CallFailed(failed) => &mut failed.call,
        Event::CallAbandoned(abandoned) => &mut abandoned.call,
        Event::StepCompleted(StepCompleted { output: StepOutput::Call(call), .. }) => call,
        Event::Submitted(_)
        | Event::Forked(_)
        | Event::Started(_)
        | Event::StepPlanned(_)
        | Event::CallStarted(_)
        | Event::StepCompleted(_)
        | Event::StepFailed(_)
        | Event::InputRequested(_)
        | Event::InputGiven(_)
        | Event::TimerFired(_)
        | Event::Poisoned(_)
        | Event::Revived(_)
        | Event::CancelRequested(_)
        | Event::ReportChecked(_)
        | Event::DocumentsWritten(_)
        | Event::Completed(_)
        | Event::Failed(_)
        | Event::Cancelled(_) => return event,
    };
    if let Some(number) = numbers.get(call) {
        *call = *number;
    }
    event
}

/// The last position not after `at` at which no plan is half written. The steps a strategy plans together are one decision
/// although each has its record: what begins inside of them begins before them.
#[must_use]
pub fn whole_plans(log: &[Recorded], at: Seq) -> Seq {
    let is_plan = |seq: u64| {
        let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let recorded = index.and_then(|index| log.get(index));
        recorded.is_some_and(|recorded| matches!(recorded.record.event, Event::StepPlanned(_)))
    };
    let mut at = at.value();
    if is_plan(at.saturating_add(1)) {
        while is_plan(at) {
            at -= 1;
        }
    }
    Seq::new(at)
}

/// The step under the new time limits, unless it was written with a limit of its own.
fn retimed(source: &Workflow, spec: &Arc<StepSpec>, (before, now): (Timeouts, Timeouts)) -> Arc<StepSpec> {
    let written = source.request().definition.as_ref().and_then(|definition| definition.step(spec.id.as_str()));
    let limit = match spec.time_limit_ms {
        _ if written.is_some_and(|step| step.time_limit_ms.is_some()) => return Arc::clone(spec),
        limit if limit == before.agent_ms => now.agent_ms,
        limit if limit == before.synthesis_ms => now.synthesis_ms,
        limit if limit == before.executive_ms => now.executive_ms,
        limit => limit,
    };
    Arc::new(StepSpec { time_limit_ms: limit, ..StepSpec::clone(spec) })
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
