//! Holding back a workflow that worker after worker died of. Owns when, and that its log is not even read for it: that may
//! be what they died of.

use std::sync::Arc;

use mcp_orchestrator_domain::{Event, Poisoned, Record, Status};
use mcp_orchestrator_store::{After, Append, AppendError, Lease, Lineage, Summary, Writer};

use super::RunEnd;
use crate::{Error, parts::Parts};

/// How many workers in a row died of a workflow without anything settled between, if that is enough to hold it back.
pub(crate) fn died_of_it(parts: &Parts, lease: &Lease) -> Option<u32> {
    let before = lease.attempt.saturating_sub(1);
    parts.poison_after.is_some_and(|most| before >= most.get()).then_some(before)
}

/// Leaves a workflow to whoever can mend the cause: nobody runs it until it is resumed or cancelled. Calls that are open
/// in its log stay so until then.
pub(crate) async fn hold_back(parts: &Parts, lease: &Lease, workers: u32) -> RunEnd {
    match try_hold_back(parts, lease, workers).await {
        Ok(end) => end,
        Err(error) => RunEnd::Fault(error),
    }
}

async fn try_hold_back(parts: &Parts, lease: &Lease, workers: u32) -> Result<RunEnd, Error> {
    let id = &lease.lease.id;
    let row = parts.store.get(id).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
    let event = Event::Poisoned(Poisoned { workers });
    let record = Record { at: parts.clock.now(), progress: row.summary.progress, event };
    let append = Append {
        id: id.clone(),
        expected: lease.head,
        lineage: Lineage::UNKNOWN,
        writer: Writer::Owner(lease.lease.epoch),
        append_id: u128::from_be_bytes(parts.dice.roll()?),
        records: vec![Arc::new(record)],
        summary: Summary { status: Status::Waiting, poisoned: Some(workers), ..row.summary },
        after: After::Wait,
    };
    match parts.store.append(append).await {
        Ok(_) => {
            tracing::error!(workers, "workers in a row ended while they ran the workflow: it is held back");
            Ok(RunEnd::Done(None))
        }
        Err(AppendError::Fenced) => Ok(RunEnd::Fenced),
        // Somebody cancelled it or had it tried again: whoever claims it next sees which.
        Err(AppendError::Conflict { .. } | AppendError::Regressed { .. } | AppendError::Terminal) => {
            parts.store.release(&lease.lease, None).await?;
            Ok(RunEnd::Done(None))
        }
        Err(AppendError::Store(error)) => Err(error.into()),
        Err(other) => Err(Error::Internal(other.to_string())),
    }
}
