//! Workflows, records and claims for tests, short to write. Owns no expectations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator_domain::{
    BlobRef, CallCompleted, CallNo, Cost, Event, ForkedFrom, Payload, Principal, Progress, Record, Seq, Spent, Started,
    Status, TimerFired, Timestamp, Usage, WorkflowId,
};
use mcp_orchestrator_store::{
    Abilities, After, Append, AppendError, Claim, Epoch, Lease, Lineage, Needs, NewWorkflow, Store, Summary, Which,
    WorkerId, Writer,
};

/// How long leases of these tests last.
pub const TTL: Duration = Duration::from_secs(15);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// An id nobody else has.
#[must_use]
pub fn fresh_id() -> WorkflowId {
    WorkflowId::new(&format!("test_{:012}", NEXT.fetch_add(1, Ordering::Relaxed))).expect("a valid id")
}

/// The name of an append nobody else has.
#[must_use]
pub fn fresh_append_id() -> u128 {
    NEXT.fetch_add(1, Ordering::Relaxed).into()
}

/// A record that can be told from others by its number.
#[must_use]
pub fn record(number: u64) -> Arc<Record> {
    let event = Event::TimerFired(TimerFired { due: Timestamp::from_millis(number) });
    Arc::new(Record { at: Timestamp::from_millis(number), progress: Progress::default(), event })
}

/// Several such records.
#[must_use]
pub fn records(numbers: impl IntoIterator<Item = u64>) -> Vec<Arc<Record>> {
    numbers.into_iter().map(record).collect()
}

/// What a worker writes when it takes over: a record that is no progress.
#[must_use]
pub fn taking_over() -> Arc<Record> {
    let event = Event::Started(Started { deadline: Timestamp::from_millis(1), resumed: true });
    Arc::new(Record { at: Timestamp::from_millis(1), progress: Progress::default(), event })
}

/// A record that names a blob.
#[must_use]
pub fn record_naming(blob: BlobRef) -> Arc<Record> {
    let event = Event::CallCompleted(Box::new(CallCompleted {
        call: CallNo::new(0),
        step: "belter_0".parse().expect("a valid name"),
        output: Payload::Blob(blob),
        is_error: false,
        usage: Usage::default(),
        cost: Cost::FREE,
        evidence: Vec::new(),
        parked_ms: 0,
        run_ms: 0,
    }));
    Arc::new(Record { at: Timestamp::from_millis(1), progress: Progress::default(), event })
}

/// A summary of this status.
#[must_use]
pub fn summary(status: Status) -> Summary {
    Summary {
        status,
        title: "A title".into(),
        task: "A task of some words".into(),
        progress: Progress::default(),
        started: None,
        finished: None,
        failure: None,
        forked_from: Some(ForkedFrom {
            id: "research_00000000000000000000000000000001".parse().expect("a valid id"),
            at: Seq::new(3),
            spent: Spent { calls: 2, ..Spent::default() },
        }),
        poisoned: None,
    }
}

/// A workflow with one record, for anybody, of the middle priority.
#[must_use]
pub fn workflow() -> NewWorkflow {
    NewWorkflow {
        id: fresh_id(),
        principal: Principal::local(),
        pattern: "beltalowda".parse().expect("a valid name"),
        needs: Needs::default(),
        priority: 5,
        idempotency: None,
        records: records([1]),
        summary: summary(Status::Queued),
        reserved_for: None,
        queue_max: None,
    }
}

/// A worker by its name.
#[must_use]
pub fn worker(name: &str) -> WorkerId {
    WorkerId(name.into())
}

/// Creates a workflow, which must be new.
pub async fn created(store: &dyn Store, new: NewWorkflow) -> WorkflowId {
    let id = new.id.clone();
    store.create(new).await.expect("a new workflow is created");
    id
}

/// Claims up to `max` of anything for a worker without abilities.
pub async fn claim(store: &dyn Store, name: &str, max: usize) -> Vec<Lease> {
    claim_which(store, name, Which::Able(&Abilities::default()), max).await
}

/// Claims for a worker.
pub async fn claim_which(store: &dyn Store, name: &str, which: Which<'_>, max: usize) -> Vec<Lease> {
    let worker = worker(name);
    store.claim(Claim { worker: &worker, which, max, ttl: TTL, cluster_max: None }).await.expect("a claim is answered")
}

/// Claims up to `max` of anything, unless all workers together would then hold more than `cluster_max` leases.
pub async fn claim_capped(store: &dyn Store, name: &str, max: usize, cluster_max: usize) -> Vec<Lease> {
    let (worker, abilities) = (worker(name), Abilities::default());
    let which = Which::Able(&abilities);
    let claim = Claim { worker: &worker, which, max, ttl: TTL, cluster_max: Some(cluster_max) };
    store.claim(claim).await.expect("a claim is answered")
}

/// Claims the one workflow there is to claim.
pub async fn claim_one(store: &dyn Store, name: &str) -> Lease {
    let mut leases = claim(store, name, 1).await;
    leases.pop().expect("there is a workflow to claim")
}

/// The ids of some leases.
#[must_use]
pub fn ids(leases: &[Lease]) -> Vec<WorkflowId> {
    leases.iter().map(|lease| lease.lease.id.clone()).collect()
}

/// An append of some records after a position, from outside, that leaves queue and lease alone.
#[must_use]
pub fn append(id: &WorkflowId, expected: u64, records: Vec<Arc<Record>>) -> Append {
    Append {
        id: id.clone(),
        expected: Seq::new(expected),
        lineage: Lineage::UNKNOWN,
        writer: Writer::External,
        append_id: fresh_append_id(),
        records,
        summary: summary(Status::Running),
        after: After::Keep,
    }
}

/// The same by the owner of a lease.
#[must_use]
pub fn append_as(lease: &Lease, expected: u64, records: Vec<Arc<Record>>) -> Append {
    Append { writer: Writer::Owner(lease.lease.epoch), ..append(&lease.lease.id, expected, records) }
}

/// Appends. Returns the position of the last record.
///
/// # Errors
/// As the append.
pub async fn appended(store: &dyn Store, append: Append) -> Result<Seq, AppendError> {
    Ok(store.append(append).await?.seq)
}

/// Ends a workflow from outside.
///
/// # Errors
/// As the append.
pub async fn finish(store: &dyn Store, id: &WorkflowId, expected: u64, at: Timestamp) -> Result<Seq, AppendError> {
    let summary = Summary { finished: Some(at), ..summary(Status::Completed) };
    let last = Append { after: After::Finish, summary, ..append(id, expected, records([99])) };
    appended(store, last).await
}

/// The numbers of all records of a log, as [`record`] gave them.
pub async fn numbers(store: &dyn Store, id: &WorkflowId) -> Vec<u64> {
    let page = store.read(id, Seq::ZERO, 1000).await.expect("a log is read");
    page.records.iter().map(|recorded| recorded.record.at.as_millis()).collect()
}

/// An epoch nobody was given.
pub const NO_EPOCH: Epoch = Epoch(7);
