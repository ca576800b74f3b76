//! Logs in memory: creating, appending, reading, listing. Owns the checks of an append; moves through the queue's states.

use std::sync::Arc;

use mcp_orchestrator_domain::{Record, Recorded, Seq, Timestamp, WorkflowId};

use super::{
    Limits,
    state::{FeedSlot, Place, State, Workflow},
};
use crate::{
    After, Append, AppendError, Created, Epoch, FeedEntry, FeedPosition, ListFilter, NewWorkflow, PAGE_MAX, Page,
    StoreError, WorkflowRow, Writer,
    references::named_blobs,
    rules::{is_progress, rank},
};

/// What an append did.
pub(super) struct Appended {
    /// The last position of its records.
    pub(super) head: Seq,
    /// Whether it was written now, not at an earlier try.
    pub(super) fresh: bool,
    /// Whether there may be something to claim.
    pub(super) claimable: bool,
}

impl State {
    pub(super) fn create(
        &mut self,
        new: NewWorkflow,
        bytes: u64,
        now: Timestamp,
        limits: Limits,
    ) -> Result<Created, StoreError> {
        if new.records.is_empty() {
            return Err(StoreError::Empty);
        }
        if let Some(given) = &new.idempotency
            && let Some(id) = self.idempotency.get(&(new.principal.clone(), given.key.clone()))
        {
            let first = self.workflows.get(id).and_then(|workflow| workflow.idempotency.as_ref());
            return match first {
                Some(first) if first.body == given.body => Ok(Created::Existing(id.clone())),
                Some(_) | None => Err(StoreError::IdempotencyMismatch),
            };
        }
        if self.workflows.contains_key(&new.id) {
            return Err(StoreError::Exists);
        }
        if let Some(queue_max) = new.queue_max
            && self.queued() >= queue_max
        {
            return Err(StoreError::QueueFull { queued: self.queued(), queue_max });
        }
        self.check_room(new.records.len(), limits)?;
        if let Some(worker) = &new.reserved_for {
            self.see(worker, now, super::queue::CREATOR_SEEN);
        }
        self.last_number += 1;
        let number = self.last_number;
        let rank = rank(now, new.priority);
        if let Some(given) = &new.idempotency {
            self.idempotency.insert((new.principal.clone(), given.key.clone()), new.id.clone());
        }
        self.order.insert(number, new.id.clone());
        self.queue.insert((rank, number));
        let workflow = Workflow {
            number,
            principal: new.principal,
            pattern: new.pattern,
            needs: new.needs,
            priority: new.priority,
            reserved_for: new.reserved_for,
            idempotency: new.idempotency,
            created: now,
            summary: new.summary,
            log: Vec::new(),
            bytes,
            appends: Vec::new(),
            epoch: Epoch(0),
            attempt: 0,
            place: Place::Ready { at: now, rank },
        };
        self.workflows.insert(new.id.clone(), workflow);
        Ok(Created::New(self.push(&new.id, new.records, now)))
    }

    pub(super) fn append(
        &mut self,
        append: Append,
        bytes: u64,
        now: Timestamp,
        limits: Limits,
    ) -> Result<Appended, AppendError> {
        if append.records.is_empty() {
            return Err(StoreError::Empty.into());
        }
        let workflow = self.workflows.get(&append.id).ok_or(AppendError::Unknown)?;
        if let Ok(place) = workflow.appends.binary_search_by_key(&append.expected, |(expected, _)| *expected)
            && workflow.appends[place].1 == append.append_id
        {
            let head = append.expected.plus(append.records.len() as u64);
            return Ok(Appended { head, fresh: false, claimable: false });
        }
        check_writer(workflow, &append)?;
        self.check_room(append.records.len(), limits)?;

        let finish = append.after == After::Finish;
        let mut claimable = false;
        if let Some(workflow) = self.workflows.get_mut(&append.id) {
            let theirs = append.writer == Writer::External && matches!(workflow.place, Place::Leased { .. });
            let finished = append.summary.finished.unwrap_or(now);
            workflow.summary = append.summary;
            workflow.appends.push((append.expected, append.append_id));
            workflow.bytes += bytes;
            let gives_back = append.after != After::Keep && append.writer != Writer::External;
            if is_progress(&append.records) {
                workflow.attempt = 0;
            } else if gives_back {
                workflow.attempt = workflow.attempt.saturating_sub(1);
            }
            match append.after {
                After::Keep => {}
                After::Requeue { .. } | After::Wait if theirs => {}
                After::Requeue { not_before } => {
                    self.enqueue(&append.id, not_before.unwrap_or(now).max(now));
                    claimable = true;
                }
                After::Wait => self.settle(&append.id, Place::Waiting),
                After::Finish => self.settle(&append.id, Place::Finished(finished)),
            }
        }
        let head = self.push(&append.id, append.records, now);
        if finish && let Some(workflow) = self.workflows.get_mut(&append.id) {
            workflow.log.shrink_to_fit();
        }
        Ok(Appended { head, fresh: true, claimable })
    }

    pub(super) fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Page {
        let Some(workflow) = self.workflows.get(id) else { return Page::default() };
        let skip = usize::try_from(after.value()).unwrap_or(usize::MAX);
        let records = (1..)
            .zip(&workflow.log)
            .skip(skip)
            .take(max.min(PAGE_MAX))
            .map(|(seq, record)| Recorded { seq: Seq::new(seq), record: Arc::clone(record) })
            .collect();
        Page { records, head: workflow.head(), ..Page::default() }
    }

    pub(super) fn head(&self, id: &WorkflowId) -> Seq {
        self.workflows.get(id).map_or(Seq::ZERO, |workflow| workflow.head())
    }

    pub(super) fn feed(&self, after: FeedPosition, max: usize) -> Vec<FeedEntry> {
        let start = self.feed.partition_point(|slot| slot.position <= after.0);
        let slots = self.feed.iter().skip(start).take(max.min(PAGE_MAX));
        slots
            .map(|slot| FeedEntry {
                position: FeedPosition(slot.position),
                id: slot.id.clone(),
                recorded: Recorded { seq: slot.seq, record: Arc::clone(&slot.record) },
            })
            .collect()
    }

    pub(super) fn row(&self, id: &WorkflowId, now: Timestamp) -> Option<WorkflowRow> {
        self.workflows.get(id).map(|workflow| workflow.row(id, now))
    }

    pub(super) fn list(&self, filter: &ListFilter, now: Timestamp) -> Vec<WorkflowRow> {
        let before = match &filter.before {
            None => u64::MAX,
            Some(id) => self.workflows.get(id).map_or(0, |workflow| workflow.number),
        };
        self.order
            .range(..before)
            .rev()
            .filter_map(|(_, id)| self.workflows.get(id).map(|workflow| (id, workflow)))
            .filter(|(_, workflow)| {
                filter.principal.as_ref().is_none_or(|principal| *principal == workflow.principal)
                    && filter.pattern.as_ref().is_none_or(|pattern| *pattern == workflow.pattern)
                    && (filter.statuses.is_empty() || filter.statuses.contains(&workflow.summary.status))
            })
            .take(filter.limit())
            .map(|(id, workflow)| workflow.row(id, now))
            .collect()
    }

    /// Adds records that have passed every check to log and feed.
    fn push(&mut self, id: &WorkflowId, records: Vec<Arc<Record>>, now: Timestamp) -> Seq {
        let Some(workflow) = self.workflows.get_mut(id) else { return Seq::ZERO };
        let digests = named_blobs(records.iter().map(AsRef::as_ref));
        if !digests.is_empty()
            && let Some(blobs) = self.blobs.get_mut(&workflow.principal)
        {
            for digest in digests {
                if let Some(blob) = blobs.get_mut(&digest) {
                    blob.used = blob.used.max(now);
                }
            }
        }
        for record in records {
            self.last_position += 1;
            workflow.log.push(Arc::clone(&record));
            self.feed.push(FeedSlot { position: self.last_position, id: id.clone(), seq: workflow.head(), record });
        }
        workflow.head()
    }

    fn check_room(&self, more: usize, limits: Limits) -> Result<(), StoreError> {
        if self.feed.len() + more > limits.records_max {
            return Err(StoreError::Full(format!("it holds {} of {} records", self.feed.len(), limits.records_max)));
        }
        Ok(())
    }
}

/// Whether this writer may append there now. The order matters: an end explains more than a lost lease, a lost lease
/// more than a wrong position.
fn check_writer(workflow: &Workflow, append: &Append) -> Result<(), AppendError> {
    let head = workflow.head();
    if matches!(workflow.place, Place::Finished(_)) {
        return Err(AppendError::Terminal);
    }
    if let Writer::Owner(epoch) = append.writer
        && !(matches!(workflow.place, Place::Leased { .. }) && workflow.epoch == epoch)
    {
        return Err(AppendError::Fenced);
    }
    match head.cmp(&append.expected) {
        std::cmp::Ordering::Less => Err(AppendError::Regressed { head }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(AppendError::Conflict { head }),
    }
}
