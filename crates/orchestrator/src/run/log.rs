//! Writing to the log: one append for everything that followed from one round of inputs.

use std::sync::{Arc, atomic::Ordering};

use mcp_orchestrator_domain::{Abandoned, Event, ProviderName, Record, Request, Seq, Status, Workflow};
use mcp_orchestrator_store::{After, Append, AppendError, Head, StoreError, Summary, Writer};

use super::{Run, Stop, trace};
use crate::{
    Error,
    patience::{PAID_FOR, Patience, passes},
};

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
            if let Some(here) = self.open_here.remove(&call) {
                here.task.abort();
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

    /// Appends the batch. It is empty when that has succeeded and as it was when not, so that it can be tried once more.
    ///
    /// While the store is busy, full or away, the append is repeated: for a short time when runs are to end, so that a
    /// store that does not come back keeps nobody. A lease that was lost meanwhile is told by the append.
    async fn append(&mut self, after: After) -> Result<(), Stop> {
        let append = self.addition(self.batch.clone(), after);
        self.try_append(append, None).await?;
        let batch = std::mem::take(&mut self.batch);
        let provider = |name: &ProviderName| self.parts.providers.get(name).map(Arc::as_ref);
        self.parts.spending.count(&self.workflow, batch.iter().map(Arc::as_ref), provider);
        Ok(())
    }

    /// Offers the store once more what came back and was paid for, after it has refused. Whether the workflow has ended with
    /// it.
    ///
    /// Calls whose start would follow were never made: they are left out with what comes after them, so that nobody who
    /// takes over has to believe that they were.
    pub(super) async fn offer_again(&mut self) -> bool {
        if let Some(start) = self.batch.iter().position(|record| matches!(record.event, Event::CallStarted(_))) {
            self.batch.truncate(start);
            if self.batch.iter().any(|record| record.event.is_progress()) {
                // Nothing is left to do about a second refusal.
                let _refused = self.append(After::Keep).await;
            }
            return false;
        }
        self.batch.iter().any(|record| record.event.is_progress()) && matches!(self.commit().await, Err(Stop::Done))
    }

    fn addition(&mut self, records: Vec<Arc<Record>>, after: After) -> Append {
        let known = self.tail.end();
        self.shared.written.store(known.seq.value() + records.len() as u64, Ordering::Release);
        Append {
            id: self.lease.id.clone(),
            expected: known.seq,
            lineage: known.lineage,
            writer: Writer::Owner(self.lease.epoch),
            append_id: self.next_append_id(),
            records,
            summary: self.shown.summary(&self.workflow),
            after,
        }
    }

    /// Writes again what a store has lost whose log ends here now. With a batch the next append does it.
    pub(super) async fn restore(&mut self, head: Seq) -> Result<(), Stop> {
        if !self.batch.is_empty() {
            return Ok(());
        }
        let append = self.addition(Vec::new(), After::Keep);
        let offered = self.with_missing(&append, head)?;
        self.try_append(append, Some(offered)).await
    }

    /// An append, and before its records those that the store has lost, in one: the log is never seen without what was
    /// acknowledged and with what followed. A store that lacks a text they name refuses them.
    fn with_missing(&mut self, append: &Append, head: Seq) -> Result<Append, Stop> {
        let Some(missing) = self.tail.missing_after(head) else { return Err(Stop::lost(head)) };
        let mut records = missing.records;
        let lost = records.len();
        records.extend(append.records.iter().cloned());
        tracing::warn!(%head, lost, "the store has lost the end of the log: it is written again");
        let Head { seq: expected, lineage } = missing.after;
        Ok(Append { expected, lineage, append_id: self.next_append_id(), records, ..append.clone() })
    }

    /// Has an append done, or a longer one in its place that begins with what the store has lost.
    async fn try_append(&mut self, append: Append, mut longer: Option<Append>) -> Result<(), Stop> {
        loop {
            let offered = longer.as_ref().unwrap_or(&append);
            let error = match self.parts.store.append(offered.clone()).await {
                Ok(head) => {
                    self.refused = None;
                    self.tail.take(offered.expected, &offered.records, head);
                    self.tell(append.after);
                    return Ok(());
                }
                // Each time it ends earlier, so this comes to an end.
                Err(AppendError::Regressed { head }) if head < offered.expected => {
                    longer = Some(self.with_missing(&append, head)?);
                    continue;
                }
                // A record or a text is another one or gone, and nothing here brings it back.
                Err(AppendError::Regressed { head }) => return Err(Stop::lost(head)),
                Err(AppendError::Conflict { .. } | AppendError::Terminal) => return Err(Stop::Stale),
                Err(AppendError::Fenced) => return Err(Stop::Fenced),
                Err(AppendError::Store(error)) if passes(&error) => error,
                Err(AppendError::Store(error)) => return Err(Stop::Fault(error.into())),
                Err(other) => return Err(Stop::Fault(Error::Internal(other.to_string()))),
            };
            if !self.wait_out(&error).await {
                return Err(Stop::Fault(error.into()));
            }
        }
    }

    /// Waits before the store is asked again for what it refused; `false`: it was asked for long enough.
    ///
    /// The time counts from the first refusal since it last took something.
    pub(super) async fn wait_out(&mut self, error: &StoreError) -> bool {
        let now = self.parts.clock.now();
        let is_ending = self.abort.has_fired();
        let patience = self.refused.get_or_insert_with(|| Patience::new(now, PAID_FOR));
        let Some(at) = patience.next(now, is_ending) else { return false };
        tracing::warn!(workflow = %self.lease.id, %error, "the store refused; it is asked again");
        tokio::select! {
            () = self.parts.clock.sleep_until(at) => {}
            () = self.abort.fired(), if !is_ending => {}
        }
        true
    }

    fn tell(&self, after: After) {
        match after {
            After::Finish => {
                self.parts.ends.tell(&self.workflow);
                trace::ended(&self.workflow);
            }
            After::Wait => tracing::info!("workflow waits"),
            After::Requeue { .. } => tracing::info!("workflow given back"),
            After::Keep => {}
        }
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
