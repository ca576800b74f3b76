//! The contract every store keeps. Owns operations, their shapes and errors; the adapters are beside it.

mod error;
mod feed;
mod lease;
mod operate;
mod small;
mod workflow;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use tokio::sync::broadcast;

pub use error::{AppendError, StoreError};
pub use feed::{Change, FeedEntry, FeedPosition, Head, Lineage, Page};
pub use lease::{Abilities, Claim, Epoch, Lease, LeaseRef, Renewal, Which, WorkerId};
pub use operate::{Checked, FINDINGS_MAX, Place, Purged, Retention, STANDINGS_MAX, Standing};
pub use small::{BucketAct, BucketAnswer, BucketAsk, RecordPut, SmallRecord, StoreInfo};
pub use workflow::{After, Append, Created, Idempotency, ListFilter, Needs, NewWorkflow, Summary, WorkflowRow, Writer};

/// The largest blob, in bytes.
pub const BLOB_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The most records one [`Store::read`] or [`Store::feed`] answers with, and the most rows of one scan.
pub const PAGE_MAX: usize = 1_000;

/// Keeps workflow logs, their queue and leases, blobs and small records.
///
/// *Acknowledged means stored*: an operation that writes returns after its write is durable at the level
/// [`StoreInfo::durability`] names. Log, summary, queue entry and lease of a workflow change together or not at all.
/// Dropping a future does not undo or stop a write that has begun; ask with the same `append_id` again to learn of it.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Store`",
    note = "implement it in an `#[async_trait] impl`",
    note = "a store in an `Arc` is taken as it is: see `Orchestrator::builder_shared`"
)]
pub trait Store: Send + Sync + 'static {
    /// Creates a workflow: its first records, summary and queue entry. The same principal's same idempotency key
    /// answers with the workflow it first made, if the body hash is the same too, however long the queue is.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyMismatch`], [`StoreError::Exists`], [`StoreError::QueueFull`],
    /// [`StoreError::Unavailable`], [`StoreError::Full`].
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError>;

    /// Appends records after `expected`. All or nothing. Returns where the last of them is; the same `append_id` again answers
    /// the same. With a lineage, only if the record at `expected` is of it: so a writer does not go on from a history
    /// that was lost. A store that gives no lineages has nothing to compare.
    ///
    /// # Errors
    /// [`AppendError`]: what each means for the writer is said there.
    async fn append(&self, append: Append) -> Result<Head, AppendError>;

    /// Up to `max` records after `after` (at most [`PAGE_MAX`] whatever `max` says). Another or an unknown id: empty page,
    /// `head` zero. A store that can lose what it acknowledged says the [`Lineage`] of each record, and of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError>;

    /// Where logs end, in the order of `ids`; position zero for an unknown one. What watches many logs asks this now and
    /// then in case a hint was lost; an adapter that can answer for all of them in one query does. The answer it has by default
    /// is true and takes two reads for each log.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        let mut heads = Vec::with_capacity(ids.len());
        for id in ids {
            let seq = self.read(id, Seq::new(u64::MAX), 1).await?.head;
            let lineage = if seq == Seq::ZERO { Lineage::UNKNOWN } else { self.read(id, seq, 1).await?.before };
            heads.push(Head { seq, lineage });
        }
        Ok(heads)
    }

    /// Hints about commits of this and other processes, and ephemeral deltas. A receiver that lags reads the log.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Records of all workflows in one order, after a position.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError>;

    /// Leases up to `max` workflows that are ready and that this worker can run: first those whose owner is dead or
    /// late, then by priority with ageing (one level a minute), first come first served within. Fewer when there would
    /// be more than [`Claim::cluster_max`] leases.
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

    /// Waits until there may be work to claim, at most `max_wait`. May return early for nothing. What becomes
    /// claimable by time alone (a `not_before`, a late lease) ends no wait: `max_wait` bounds how late it is seen.
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

    /// Keeps bytes under their hash, for a tenant, at most [`BLOB_BYTES_MAX`]. The same bytes again are the same blob.
    /// A record may name it within an hour from here; from then on it stays as long as the workflow does.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`], [`StoreError::Unavailable`].
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

    /// Takes from a bucket that refills or gives back to it, atomically across processes.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError>;

    /// Deletes at most `max` ended workflows that a retention does not keep, those that ended first before others, the
    /// blobs only they needed, and what has expired. A blob may outlive the last record that names it; it never goes
    /// before. What it deletes is bounded, and asking when there is nothing to delete is cheap.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError>;

    /// Makes every unfinished workflow without a live owner claimable again, those that wait included: whoever claims
    /// one that has nothing to do lets it wait again. Returns how many it mended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn repair(&self) -> Result<usize, StoreError>;

    /// Looks at everything: whether each log is dense and ends where its workflow says, whether queue and leases agree with
    /// it, whether blobs are what they were. It writes nothing and may take long; others go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot look; what it finds is no error but in [`Checked::findings`].
    async fn check(&self) -> Result<Checked, StoreError>;

    /// Where up to `max` unfinished workflows are (at most [`STANDINGS_MAX`] whatever `max` says), those created first
    /// before others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError>;

    /// What kind of store it is, how durable, how large.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn info(&self) -> Result<StoreInfo, StoreError>;
}

impl std::fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

fn _object_safe(_: &dyn Store) {}
