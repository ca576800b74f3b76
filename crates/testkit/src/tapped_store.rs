//! A store before which a test stands: it has its say before a call is passed on. Owns the passing on, once for all tests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{
    Append, AppendError, BucketAnswer, BucketTake, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Lease,
    LeaseRef, ListFilter, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing, Store,
    StoreError, StoreInfo, WorkflowRow,
};
use tokio::sync::broadcast;

/// A call a test has its say in.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreCall<'a> {
    /// [`Store::create`].
    Create(&'a NewWorkflow),
    /// [`Store::read`] of this log; [`Store::heads`] is made of such reads.
    Read(&'a WorkflowId),
    /// [`Store::feed`].
    Feed,
    /// [`Store::renew`].
    Renew,
    /// [`Store::list`].
    List,
    /// [`Store::record_put`].
    RecordPut(&'a RecordPut),
    /// [`Store::record_scan`] of a space from its beginning.
    RecordScan(&'a str),
    /// [`Store::info`].
    Info,
}

/// What a test does before calls: counts them, lets them fail or never come back.
#[async_trait]
pub trait Tap: Send + Sync + 'static {
    /// Called before each of [`StoreCall`]; the others are passed on unasked.
    ///
    /// # Errors
    /// What the call answers in place of the store.
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError>;
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
        self.inner.create(new).await
    }

    async fn append(&self, append: Append) -> Result<Seq, AppendError> {
        self.inner.append(append).await
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.tap.before(StoreCall::Read(id)).await?;
        self.inner.read(id, after, max).await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes()
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.tap.before(StoreCall::Feed).await?;
        self.inner.feed(after, max).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        self.inner.claim(claim).await
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        self.tap.before(StoreCall::Renew).await?;
        self.inner.renew(leases, ttl).await
    }

    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        self.inner.release(lease, not_before).await
    }

    async fn wait_work(&self, max_wait: Duration) {
        self.inner.wait_work(max_wait).await;
    }

    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        self.inner.publish_ephemeral(id, bytes).await;
    }

    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.inner.get(id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        self.tap.before(StoreCall::List).await?;
        self.inner.list(filter).await
    }

    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        self.inner.put_blob(tenant, bytes).await
    }

    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_blob(tenant, sha256).await
    }

    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
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

    async fn bucket_take(&self, take: BucketTake) -> Result<BucketAnswer, StoreError> {
        self.inner.bucket_take(take).await
    }

    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        self.inner.purge(retention, max).await
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        self.inner.repair().await
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        self.inner.check().await
    }

    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        self.inner.standings(max).await
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        self.tap.before(StoreCall::Info).await?;
        self.inner.info().await
    }
}
