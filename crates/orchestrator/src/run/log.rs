//! Writing to the log: one append for everything that followed from one round of inputs.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mcp_orchestrator_domain::{Abandoned, Event, Request, Status, Workflow};
use mcp_orchestrator_store::{After, Append, AppendError, StoreError, Summary, Writer};

use super::{Run, Stop, trace};
use crate::Error;

/// How often an append that failed in the store is repeated, with growing pauses.
const ATTEMPTS_MAX: u32 = 6;

impl Run {
    /// Takes an event into the workflow and into the batch.
    pub(super) fn advance(&mut self, event: Event) -> Result<(), Stop> {
        let recorded = self
            .workflow
            .advance(event, self.parts.clock.now())
            .map_err(|illegal| Stop::Fault(Error::Internal(illegal.to_string())))?;
        self.batch.push(recorded.record);
        Ok(())
    }

    /// Makes the batch durable. The workflow may have ended with it: then this is [`Stop::Done`].
    pub(super) async fn commit(&mut self) -> Result<(), Stop> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let after = match self.workflow.status() {
            Status::Completed | Status::Failed | Status::Cancelled => After::Finish,
            Status::Waiting => After::Wait,
            Status::Queued | Status::Running => After::Keep,
        };
        self.append(after).await?;
        self.begun = true;
        for call in std::mem::take(&mut self.aborts) {
            if let Some(task) = self.open_here.remove(&call) {
                task.abort();
            }
        }
        match after {
            After::Keep => Ok(()),
            After::Finish | After::Wait | After::Requeue { .. } => Err(Stop::Done),
        }
    }

    /// Gives the workflow back in order: open calls are abandoned, and another worker may claim it at once.
    pub(super) async fn give_back(&mut self) -> Result<(), Stop> {
        self.starts.clear();
        let abandoned: Vec<Event> = self.workflow.abandon_open_calls(Abandoned::Shutdown).collect();
        for event in abandoned {
            self.advance(event)?;
        }
        if self.batch.is_empty() {
            let released = self.parts.store.release(&self.lease, None).await;
            return Err(released.map_or_else(|error| Stop::Fault(error.into()), |()| Stop::Released));
        }
        self.append(After::Requeue { not_before: None }).await?;
        Err(Stop::Released)
    }

    /// A name no other append has: the first is random, and each takes the next number.
    const fn next_append_id(&mut self) -> u128 {
        self.append_id = self.append_id.wrapping_add(1);
        self.append_id
    }

    async fn append(&mut self, after: After) -> Result<(), Stop> {
        let records = std::mem::take(&mut self.batch);
        let head = self.workflow.head();
        let expected = mcp_orchestrator_domain::Seq::new(head.value() - records.len() as u64);
        self.shared.written.store(head.value(), Ordering::Release);
        let append = Append {
            id: self.lease.id.clone(),
            expected,
            writer: Writer::Owner(self.lease.epoch),
            append_id: self.next_append_id(),
            records,
            summary: self.shown.summary(&self.workflow),
            after,
        };
        let mut pause = Duration::from_millis(50);
        for attempt in 1..=ATTEMPTS_MAX {
            match self.parts.store.append(append.clone()).await {
                Ok(_) => {
                    match append.after {
                        After::Finish => {
                            self.parts.ends.tell(&self.workflow);
                            trace::ended(&self.workflow);
                        }
                        After::Wait => tracing::info!("workflow waits"),
                        After::Requeue { .. } => tracing::info!("workflow given back"),
                        After::Keep => {}
                    }
                    return Ok(());
                }
                Err(AppendError::Conflict { .. } | AppendError::Terminal) => return Err(Stop::Stale),
                Err(AppendError::Fenced) => return Err(Stop::Fenced),
                Err(AppendError::Store(error @ (StoreError::Locked(_) | StoreError::Unavailable(_))))
                    if attempt < ATTEMPTS_MAX =>
                {
                    tracing::warn!(workflow = %self.lease.id, attempt, %error, "append failed; it is repeated");
                    self.parts.clock.sleep_until(self.parts.clock.now().after(pause)).await;
                    pause *= 2;
                }
                Err(AppendError::Store(error)) => return Err(Stop::Fault(error.into())),
                Err(other) => return Err(Stop::Fault(Error::Internal(other.to_string()))),
            }
        }
        Err(Stop::Fault(Error::Internal("the store accepted no append".to_owned())))
    }
}

/// What lists show of a workflow and what never changes of it: made once, shared by every append.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    title: Arc<str>,
    task: Arc<str>,
}

impl Shown {
    pub(super) fn of(request: &Request) -> Self {
        let end = request.task.char_indices().nth(TASK_CHARS_MAX).map_or(request.task.len(), |(end, _)| end);
        Self { title: request.title.as_str().into(), task: request.task[..end].into() }
    }

    pub(super) fn summary(&self, workflow: &Workflow) -> Summary {
        Summary {
            status: workflow.status(),
            title: Arc::clone(&self.title),
            task: Arc::clone(&self.task),
            progress: *workflow.progress(),
            started: workflow.started(),
            finished: workflow.status().is_terminal().then(|| workflow.updated()),
            failure: workflow.failure().cloned(),
            forked_from: workflow.forked_from().cloned(),
            poisoned: workflow.poisoned(),
        }
    }
}

/// Characters of the task in a summary.
const TASK_CHARS_MAX: usize = 200;

/// What lists show of a workflow.
pub(crate) fn summary(workflow: &Workflow) -> Summary {
    Shown::of(workflow.request()).summary(workflow)
}
