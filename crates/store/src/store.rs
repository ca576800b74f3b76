//! The contract every store keeps. Owns operations, their shapes and errors; the adapters are beside it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{
    BlobRef, CorpusName, Digest, Failure, PatternName, Principal, Progress, ProviderName, Record, Recorded, Seq, Stage,
    Timestamp, ToolName, WorkflowId,
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Keeps workflow logs, their queue and leases, blobs and small records.
///
/// *Acknowledged means stored*: an operation that writes returns after its write is durable at the level
/// [`StoreInfo::durability`] names. Log, summary, queue entry and lease of a workflow change together or not at all.
/// Dropping a future does not undo or stop a write that has begun; ask with the same `append_id` again to learn of it.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Store`",
    note = "implement it with `#[async_trait]` and run the conformance suite against it"
)]
pub trait Store: Send + Sync + 'static {
    /// Creates a workflow: its first records, summary and queue entry. The same principal's same idempotency key
    /// answers with the workflow it first made, if the body hash is the same too.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyMismatch`], [`StoreError::Exists`], [`StoreError::Unavailable`], [`StoreError::Full`].
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError>;

    /// Appends records after `expected`. All or nothing. The same `append_id` again answers with the same position.
    ///
    /// # Errors
    /// [`AppendError`]: what each means for the writer is said there.
    async fn append(&self, append: Append) -> Result<Seq, AppendError>;

    /// Up to `max` records after `after` (at most 1,000 whatever `max` says). Another or an unknown id: empty page,
    /// `head` zero.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError>;

    /// Hints about commits of this and other processes, and ephemeral deltas. A receiver that lags reads the log.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Records of all workflows in one order, after a position.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError>;

    /// Leases up to `max` workflows that are ready and that this worker can run: first those whose owner is dead or
    /// late, then by priority with ageing (one level a minute), first come first served within.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError>;

    /// Prolongs leases.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError>;

    /// Gives a lease back; the workflow is claimable at once, or from `not_before` on. A lost lease is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError>;

    /// Waits until there may be work to claim, at most `max_wait`. May return early for nothing.
    async fn wait_work(&self, max_wait: Duration);

    /// Shows something to those who watch now. Not stored, not numbered, may be lost.
    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes);

    /// The summary of a workflow.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError>;

    /// Summaries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError>;

    /// Keeps bytes under their hash, for a tenant. The same bytes again are the same blob.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError>;

    /// The bytes of a blob of this tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError>;

    /// A small record.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError>;

    /// Writes a small record if its version is still `expected` (0: it does not exist). Returns the new version.
    ///
    /// # Errors
    /// [`StoreError::VersionConflict`] with the version found.
    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError>;

    /// Small records of a space in key order, after a key.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError>;

    /// Takes `amount` from a bucket that refills, atomically across processes.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn bucket_take(&self, take: BucketTake) -> Result<BucketAnswer, StoreError>;

    /// Deletes finished workflows and expired records, at most `max` workflows, and blobs nobody refers to any more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, finished_before: Timestamp, max: usize) -> Result<Purged, StoreError>;

    /// Makes every unfinished workflow without a live owner claimable again. Returns how many it mended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn repair(&self) -> Result<usize, StoreError>;

    /// What kind of store it is, how durable, how large.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn info(&self) -> Result<StoreInfo, StoreError>;
}

/// A workflow to create.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct NewWorkflow {
    /// Its id, made by the caller.
    pub id: WorkflowId,
    /// Whose it is.
    pub principal: Principal,
    /// Its strategy.
    pub pattern: PatternName,
    /// What it needs of a worker.
    pub needs: Needs,
    /// 0 to 9.
    pub priority: u8,
    /// Makes the call repeatable.
    pub idempotency: Option<Idempotency>,
    /// The first records, at least one.
    pub records: Vec<Arc<Record>>,
    /// What lists show.
    pub summary: Summary,
    /// Who may claim it: `None` for any worker, or the one that made it (a CLI process runs only its own).
    pub reserved_for: Option<WorkerId>,
}

/// A key that makes creation repeatable, unique per principal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// Hash of the parsed request.
    pub body: Digest,
}

/// What a workflow needs of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Needs {
    /// The provider.
    pub provider: Option<ProviderName>,
    /// The strategy.
    pub pattern: Option<PatternName>,
    /// Tools.
    pub tools: Vec<ToolName>,
    /// Corpora.
    pub corpora: Vec<CorpusName>,
}

/// What [`Store::create`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum Created {
    /// It made the workflow; the position of its last record.
    New(Seq),
    /// The idempotency key was used before, for this workflow.
    Existing(WorkflowId),
}

/// Records to append.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Append {
    /// To which log.
    pub id: WorkflowId,
    /// The last position the writer knows.
    pub expected: Seq,
    /// Who writes.
    pub writer: Writer,
    /// 128 random bits that name this append over repetitions.
    pub append_id: u128,
    /// The records, at least one.
    pub records: Vec<Arc<Record>>,
    /// What lists show from now on.
    pub summary: Summary,
    /// What becomes of queue entry and lease.
    pub after: After,
}

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two kinds")]
pub enum Writer {
    /// The worker whose lease has this epoch.
    Owner(Epoch),
    /// A command from outside: cancel, answer.
    External,
}

/// Numbers the leases of a workflow; strictly growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Epoch(pub u64);

/// What becomes of queue entry and lease with an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every adapter must do each")]
pub enum After {
    /// They stay.
    Keep,
    /// The lease ends; claimable from then on.
    Requeue {
        /// When; `None`: at once.
        not_before: Option<Timestamp>,
    },
    /// The lease ends; nobody may claim it until an append asks for it.
    Wait,
    /// It has ended: no lease, no queue entry, no further append.
    Finish,
}

/// Why an append was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Somebody else has appended: read, fold and decide again.
    #[error("the log is at {head}, not where the writer believed")]
    Conflict {
        /// Where the log is.
        head: Seq,
    },
    /// The lease is lost: abort everything of this workflow.
    #[error("the lease is lost")]
    Fenced,
    /// The store has lost records it had acknowledged (a failover): append them again or reset readers.
    #[error("the log is at {head}, before what it had acknowledged")]
    Regressed {
        /// Where the log is.
        head: Seq,
    },
    /// The workflow has ended.
    #[error("the workflow has ended")]
    Terminal,
    /// No such workflow.
    #[error("no such workflow")]
    Unknown,
    /// The records are too large for this store.
    #[error("the records have {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// How large.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The store did not do it; nothing was written, or (after a time-out) perhaps everything: repeat with the same
    /// `append_id`.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is taken.
    #[error("a workflow with this id exists")]
    Exists,
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another request")]
    IdempotencyMismatch,
    /// Another version is stored.
    #[error("the record has version {found}")]
    VersionConflict {
        /// The version found.
        found: u64,
    },
    /// The disk or the store is full. What was acknowledged is safe.
    #[error("the store is full: {0}")]
    Full(String),
    /// Another process holds the store longer than it may.
    #[error("the store is locked: {0}")]
    Locked(String),
    /// It cannot be reached, opened or read.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// It holds something this version cannot read.
    #[error("the store holds what this version cannot read: {0}")]
    Unreadable(String),
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Page {
    /// Consecutive records.
    pub records: Vec<Recorded>,
    /// The last position of the whole log at the time.
    pub head: Seq,
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A log has grown to this position at least.
    Appended(WorkflowId, Seq),
    /// Something to show now.
    Ephemeral(WorkflowId, Bytes),
    /// Another process has written; nobody knows what.
    Elsewhere,
}

/// A position in the order over all workflows. Opaque; 0 is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct FeedPosition(pub u64);

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct FeedEntry {
    /// Its position.
    pub position: FeedPosition,
    /// Its workflow.
    pub id: WorkflowId,
    /// The record.
    pub recorded: Recorded,
}

/// The name of a worker process, unique over all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct WorkerId(pub Arc<str>);

/// What a worker asks for.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Claim<'a> {
    /// Who asks.
    pub worker: &'a WorkerId,
    /// Which workflows.
    pub which: Which<'a>,
    /// How many at most.
    pub max: usize,
    /// For how long without renewal.
    pub ttl: Duration,
}

/// Which workflows a worker would take.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "every adapter must do each")]
pub enum Which<'a> {
    /// Any whose needs it can meet and that is not reserved for another live worker.
    Able(&'a Abilities),
    /// These, if ready.
    Only(&'a [WorkflowId]),
    /// Only those reserved for this very worker.
    Own,
}

/// What a worker can run.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Abilities {
    /// Providers.
    pub providers: Vec<ProviderName>,
    /// Strategies.
    pub patterns: Vec<PatternName>,
    /// Tools.
    pub tools: Vec<ToolName>,
    /// Corpora.
    pub corpora: Vec<CorpusName>,
}

impl Abilities {
    /// Whether they meet the needs.
    #[must_use]
    pub fn meet(&self, needs: &Needs) -> bool {
        needs.provider.as_ref().is_none_or(|provider| self.providers.contains(provider))
            && needs.pattern.as_ref().is_none_or(|pattern| self.patterns.contains(pattern))
            && needs.tools.iter().all(|tool| self.tools.contains(tool))
            && needs.corpora.iter().all(|corpus| self.corpora.contains(corpus))
    }
}

/// A workflow for this worker to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Lease {
    /// What to show when appending, renewing and releasing.
    pub lease: LeaseRef,
    /// The last position of its log.
    pub head: Seq,
    /// How often it was claimed since its log last grew: 1 at first. Grows when workers die of it.
    pub attempt: u32,
}

/// Names a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct LeaseRef {
    /// The workflow.
    pub id: WorkflowId,
    /// The lease's number.
    pub epoch: Epoch,
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum Renewal {
    /// It goes on.
    Renewed,
    /// Somebody else has it, or the workflow has ended.
    Lost,
}

/// What lists show of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Summary {
    /// Its status.
    pub status: mcp_orchestrator_domain::Status,
    /// Its title.
    pub title: String,
    /// The task, cut to 200 characters.
    pub task: String,
    /// How far it is.
    pub progress: Progress,
    /// When it began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Summary {
    /// Where it is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.progress.stage
    }
}

/// A workflow as lists show it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct WorkflowRow {
    /// Its id.
    pub id: WorkflowId,
    /// Whose it is.
    pub principal: Principal,
    /// Its strategy.
    pub pattern: PatternName,
    /// 0 to 9.
    pub priority: u8,
    /// The last position of its log.
    pub head: Seq,
    /// When it was made.
    pub created: Timestamp,
    /// Who runs it now.
    pub owner: Option<WorkerId>,
    /// What it needs of a worker.
    pub needs: Needs,
    /// The rest.
    pub summary: Summary,
}

/// Which workflows to list.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ListFilter {
    /// Of this principal; `None`: of all.
    pub principal: Option<Principal>,
    /// With one of these statuses; empty: any.
    pub statuses: Vec<mcp_orchestrator_domain::Status>,
    /// Of this strategy.
    pub pattern: Option<PatternName>,
    /// Older than this one: the last of the page before.
    pub before: Option<WorkflowId>,
    /// How many at most; 0 means 50, never more than 500.
    pub max: usize,
}

/// A small record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct SmallRecord {
    /// Grows with every write, from 1.
    pub version: u64,
    /// At most 256 KiB.
    pub value: Bytes,
}

/// A small record to write.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct RecordPut {
    /// The kind of record.
    pub space: String,
    /// Its key.
    pub key: String,
    /// The version it must have; 0: it must not exist.
    pub expected: u64,
    /// The value; `None` deletes it.
    pub value: Option<Bytes>,
    /// How long it lives.
    pub ttl: Option<Duration>,
}

/// Something to take from a bucket.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct BucketTake {
    /// The bucket's name.
    pub key: String,
    /// How much.
    pub amount: u64,
    /// How much it holds when full.
    pub capacity: u64,
    /// How much flows in each second.
    pub per_second: f64,
}

/// What a bucket answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum BucketAnswer {
    /// Taken.
    Taken,
    /// Not enough; ask again after this.
    Wait(Duration),
}

/// What [`Store::purge`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Purged {
    /// Workflows deleted.
    pub workflows: usize,
    /// Blobs deleted.
    pub blobs: usize,
    /// Small records deleted.
    pub records: usize,
}

/// What kind of store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct StoreInfo {
    /// For example `sqlite`.
    pub kind: &'static str,
    /// The version of the engine behind it.
    pub version: String,
    /// What a 2xx answer means, in words.
    pub durability: &'static str,
    /// Where it is, without secrets.
    pub location: String,
    /// Workflows in it.
    pub workflows: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

fn _object_safe(_: &dyn Store) {}
