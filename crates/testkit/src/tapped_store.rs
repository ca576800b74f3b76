//! A store before which a test stands: it has its say before a call is passed on and before its answer is. Owns the passing
//! on, once for all tests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{
    Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
    Lease, LeaseRef, ListFilter, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing,
    Store, StoreError, StoreInfo, WorkflowRow,
};
use tokio::sync::broadcast;

/// A call a test has its say in.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreCall<'a> {
    /// [`Store::create`].
    Create(&'a NewWorkflow),
    /// [`Store::append`].
    Append(&'a Append),
    /// [`Store::read`] of this log, and [`Store::heads`] once for each of its logs.
    Read(&'a WorkflowId),
    /// [`Store::feed`].
    Feed,
    /// [`Store::list`].
    List,
    /// [`Store::record_put`].
    RecordPut(&'a RecordPut),
    /// [`Store::record_scan`] of a space from its beginning.
    RecordScan(&'a str),
    /// [`Store::info`].
    Info,
    /// [`Store::claim`].
    Claim,
    /// [`Store::renew`].
    Renew,
    /// [`Store::release`].
    Release,
    /// [`Store::wait_work`], which answers with no error.
    WaitWork,
    /// [`Store::get`].
    Get,
    /// [`Store::put_blob`] and [`Store::get_blob`].
    Blob,
    /// Any other, of small records, buckets and upkeep.
    Other,
}

impl StoreCall<'_> {
    /// Whether it changes what is stored about a workflow.
    #[must_use]
    pub const fn writes_a_log(self) -> bool {
        matches!(self, Self::Create(_) | Self::Append(_))
    }
}

/// What a test does around calls: counts them, lets them fail or never come back.
#[async_trait]
pub trait Tap: Send + Sync + 'static {
    /// Called before each call; one that never returns keeps it from the store.
    ///
    /// # Errors
    /// What the call answers in place of the store.
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError>;

    /// Called when the store has done [`StoreCall::Create`], [`StoreCall::Append`], [`StoreCall::Claim`],
    /// [`StoreCall::Renew`], [`StoreCall::Release`] or [`StoreCall::Blob`], before whoever called hears of it.
    ///
    /// # Errors
    /// What the call answers although it was done.
    async fn after(&self, _call: StoreCall<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    /// The hints whoever listens gets in place of the store's own.
    fn changes(&self, own: broadcast::Receiver<Change>) -> broadcast::Receiver<Change> {
        own
    }
}

/// The store: what its tap lets through reaches the one behind it.
pub struct TappedStore<T> {
    inner: Arc<dyn Store>,
    /// What the test put before it.
    pub tap: T,
}

impl<T: Tap> TappedStore<T> {
    /// A tap before a store.
    pub fn new(inner: Arc<dyn Store>, tap: T) -> Arc<Self> {
        Arc::new(Self { inner, tap })
    }
}

impl<T> std::fmt::Debug for TappedStore<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TappedStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl<T: Tap> Store for TappedStore<T> {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.tap.before(StoreCall::Create(&new)).await?;
        let created = self.inner.create(new.clone()).await?;
        self.tap.after(StoreCall::Create(&new)).await?;
        Ok(created)
    }

    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        self.tap.before(StoreCall::Append(&append)).await?;
        let head = self.inner.append(append.clone()).await?;
        self.tap.after(StoreCall::Append(&append)).await?;
        Ok(head)
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.tap.before(StoreCall::Read(id)).await?;
        self.inner.read(id, after, max).await
    }

    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        for id in ids {
            self.tap.before(StoreCall::Read(id)).await?;
        }
        self.inner.heads(ids).await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.tap.changes(self.inner.changes())
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.tap.before(StoreCall::Feed).await?;
        self.inner.feed(after, max).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        self.tap.before(StoreCall::Claim).await?;
        let leases = self.inner.claim(claim).await?;
        self.tap.after(StoreCall::Claim).await?;
        Ok(leases)
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        self.tap.before(StoreCall::Renew).await?;
        let renewals = self.inner.renew(leases, ttl).await?;
        self.tap.after(StoreCall::Renew).await?;
        Ok(renewals)
    }

    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        self.tap.before(StoreCall::Release).await?;
        self.inner.release(lease, not_before).await?;
        self.tap.after(StoreCall::Release).await
    }

    async fn wait_work(&self, max_wait: Duration) {
        let _ = self.tap.before(StoreCall::WaitWork).await;
        self.inner.wait_work(max_wait).await;
    }

    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        self.inner.publish_ephemeral(id, bytes).await;
    }

    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.tap.before(StoreCall::Get).await?;
        self.inner.get(id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        self.tap.before(StoreCall::List).await?;
        self.inner.list(filter).await
    }

    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        self.tap.before(StoreCall::Blob).await?;
        let blob = self.inner.put_blob(tenant, bytes).await?;
        self.tap.after(StoreCall::Blob).await?;
        Ok(blob)
    }

    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.tap.before(StoreCall::Blob).await?;
        self.inner.get_blob(tenant, sha256).await
    }

    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.record_get(space, key).await
    }

    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError> {
        self.tap.before(StoreCall::RecordPut(&put)).await?;
        self.inner.record_put(put).await
    }

    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        if after.is_none() {
            self.tap.before(StoreCall::RecordScan(space)).await?;
        }
        self.inner.record_scan(space, after, max).await
    }

    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.bucket(ask).await
    }

    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.purge(retention, max).await
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.repair().await
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.check().await
    }

    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        self.tap.before(StoreCall::Other).await?;
        self.inner.standings(max).await
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        self.tap.before(StoreCall::Info).await?;
        self.inner.info().await
    }
}
