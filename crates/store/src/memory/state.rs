//! What the memory store holds. Owns the shapes, the indexes between them and what keeps them agreeing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use mcp_orchestrator_domain::{Digest, PatternName, Principal, Record, Seq, Timestamp, WorkflowId};

use crate::{
    Epoch, Idempotency, Lineage, Needs, SmallRecord, Summary, WorkerId, WorkflowRow, bucket::Level, rules::rank,
};

/// Everything, under one lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) workflows: HashMap<WorkflowId, Workflow>,
    /// In the order of creation.
    pub(super) order: BTreeMap<u64, WorkflowId>,
    pub(super) idempotency: HashMap<(Principal, String), WorkflowId>,
    /// Workflows that are [`Place::Ready`], best first.
    pub(super) queue: BTreeSet<(i64, u64)>,
    /// Workflows that are [`Place::Leased`], by the end of the lease.
    pub(super) leases: BTreeSet<(Timestamp, u64)>,
    /// Workflows that are [`Place::Finished`], by their end.
    pub(super) finished: BTreeSet<(Timestamp, u64)>,
    /// The bytes of those.
    pub(super) finished_bytes: u64,
    /// Until when a worker counts as alive without a lease.
    pub(super) seen: HashMap<WorkerId, Timestamp>,
    pub(super) feed: Vec<FeedSlot>,
    pub(super) last_number: u64,
    pub(super) last_position: u64,
    pub(super) blobs: HashMap<Principal, HashMap<Digest, Blob>>,
    pub(super) blob_bytes: usize,
    pub(super) records: BTreeMap<String, BTreeMap<String, Small>>,
    pub(super) buckets: HashMap<String, (Level, Option<Timestamp>)>,
}

/// One workflow.
pub(super) struct Workflow {
    pub(super) number: u64,
    pub(super) principal: Principal,
    pub(super) pattern: PatternName,
    pub(super) needs: Needs,
    pub(super) priority: u8,
    pub(super) reserved_for: Option<WorkerId>,
    pub(super) idempotency: Option<Idempotency>,
    pub(super) created: Timestamp,
    pub(super) summary: Summary,
    pub(super) log: Vec<Arc<Record>>,
    /// What the log takes as JSON.
    pub(super) bytes: u64,
    /// The position before each append, and its name.
    pub(super) appends: Vec<(Seq, u128)>,
    pub(super) epoch: Epoch,
    pub(super) attempt: u32,
    pub(super) place: Place,
}

/// Where a workflow is between queue and worker.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// In the queue, claimable from `at` on.
    Ready { at: Timestamp, rank: i64 },
    /// A worker's.
    Leased { worker: WorkerId, until: Timestamp },
    /// Not claimable until an append asks for it.
    Waiting,
    /// Ended at that moment.
    Finished(Timestamp),
}

/// One record in the order over all workflows.
pub(super) struct FeedSlot {
    pub(super) position: u64,
    pub(super) id: WorkflowId,
    pub(super) seq: Seq,
    pub(super) record: Arc<Record>,
}

/// Bytes of a tenant.
pub(super) struct Blob {
    pub(super) bytes: Bytes,
    /// When it was last put or named by a record.
    pub(super) used: Timestamp,
}

/// A small record with its end.
pub(super) struct Small {
    pub(super) record: SmallRecord,
    pub(super) expires: Option<Timestamp>,
}

impl Workflow {
    /// The last position of its log.
    pub(super) fn head(&self) -> Seq {
        Seq::new(self.log.len() as u64)
    }

    /// Its rank in the queue when it becomes ready then.
    pub(super) fn rank(&self, ready: Timestamp) -> i64 {
        rank(ready, self.priority)
    }

    pub(super) fn row(&self, id: &WorkflowId, now: Timestamp) -> WorkflowRow {
        WorkflowRow {
            id: id.clone(),
            principal: self.principal.clone(),
            pattern: self.pattern.clone(),
            priority: self.priority,
            head: self.head(),
            lineage: Lineage::UNKNOWN,
            created: self.created,
            owner: match &self.place {
                Place::Leased { worker, until } if *until > now => Some(worker.clone()),
                Place::Leased { .. } | Place::Ready { .. } | Place::Waiting | Place::Finished(_) => None,
            },
            needs: self.needs.clone(),
            summary: self.summary.clone(),
        }
    }
}

impl State {
    /// Moves a workflow, indexes included.
    pub(super) fn settle(&mut self, id: &WorkflowId, place: Place) {
        let Some(workflow) = self.workflows.get_mut(id) else { return };
        let number = workflow.number;
        match &workflow.place {
            Place::Ready { rank, .. } => self.queue.remove(&(*rank, number)),
            Place::Leased { until, .. } => self.leases.remove(&(*until, number)),
            // Nothing leads out of an end.
            Place::Finished(_) => return,
            Place::Waiting => true,
        };
        match &place {
            Place::Ready { rank, .. } => self.queue.insert((*rank, number)),
            Place::Leased { until, .. } => self.leases.insert((*until, number)),
            Place::Finished(at) => {
                self.finished_bytes += workflow.bytes;
                self.finished.insert((*at, number))
            }
            Place::Waiting => true,
        };
        workflow.place = place;
    }

    /// Puts a workflow into the queue, claimable from a moment on.
    pub(super) fn enqueue(&mut self, id: &WorkflowId, at: Timestamp) {
        if let Some(rank) = self.workflows.get(id).map(|workflow| workflow.rank(at)) {
            self.settle(id, Place::Ready { at, rank });
        }
    }
}
