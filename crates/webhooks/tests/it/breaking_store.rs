//! A store that stops at a chosen write, as a process does that dies there.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{
    Append, AppendError, BucketAnswer, BucketTake, Change, Claim, Created, FeedEntry, FeedPosition, Lease, LeaseRef,
    ListFilter, NewWorkflow, Page, Purged, RecordPut, Renewal, SmallRecord, Store, StoreError, StoreInfo, WorkflowRow,
};
use tokio::sync::{Notify, broadcast};

/// Passes everything on, but a write that `stops` names: that one is never made and never answered.
pub(crate) struct BreakingStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) stops: fn(&RecordPut) -> bool,
    /// How many such writes are made all the same, first.
    pub(crate) spared: AtomicU64,
    pub(crate) stopped: Notify,
    /// How often the feed was read.
    pub(crate) feeds: AtomicU64,
    /// How often it was looked for any endpoint.
    pub(crate) looks: AtomicU64,
}

impl BreakingStore {
    pub(crate) fn new(inner: Arc<dyn Store>, stops: fn(&RecordPut) -> bool, spared: u64) -> Arc<Self> {
        Arc::new(Self {
            inner,
            stops,
            spared: AtomicU64::new(spared),
            stopped: Notify::new(),
            feeds: AtomicU64::default(),
            looks: AtomicU64::default(),
        })
    }
}

#[async_trait]
impl Store for BreakingStore {
    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError> {
        if (self.stops)(&put) {
            let spared = self.spared.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if spared.is_err() {
                self.stopped.notify_one();
                return future::pending().await;
            }
        }
        self.inner.record_put(put).await
    }

    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.inner.create(new).await
    }

    async fn append(&self, append: Append) -> Result<Seq, AppendError> {
        self.inner.append(append).await
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.inner.read(id, after, max).await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes()
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.feeds.fetch_add(1, Ordering::SeqCst);
        self.inner.feed(after, max).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        self.inner.claim(claim).await
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
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

    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        if space == "webhooks.endpoint" && after.is_none() {
            self.looks.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.record_scan(space, after, max).await
    }

    async fn bucket_take(&self, take: BucketTake) -> Result<BucketAnswer, StoreError> {
        self.inner.bucket_take(take).await
    }

    async fn purge(&self, finished_before: Timestamp, max: usize) -> Result<Purged, StoreError> {
        self.inner.purge(finished_before, max).await
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        self.inner.repair().await
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        self.inner.info().await
    }
}
