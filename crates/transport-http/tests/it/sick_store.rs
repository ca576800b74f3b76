//! A store in memory that can be told to fail or to hang when workflows are listed or it is asked how it is.

use std::{
    sync::Mutex,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{
    Append, AppendError, BucketAnswer, BucketTake, Change, Claim, Created, FeedEntry, FeedPosition, Lease, LeaseRef,
    ListFilter, MemoryStore, NewWorkflow, Page, Purged, RecordPut, Renewal, SmallRecord, Store, StoreError, StoreInfo,
    WorkflowRow,
};
use tokio::sync::broadcast;

/// What ails it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sickness {
    None,
    Fails,
    Hangs,
}

#[derive(Debug)]
pub(crate) struct SickStore {
    inner: MemoryStore,
    unreadable: Mutex<Option<WorkflowId>>,
    sickness: AtomicU8,
}

impl SickStore {
    pub(crate) fn new() -> Self {
        Self { inner: MemoryStore::new(), unreadable: Mutex::default(), sickness: AtomicU8::new(Sickness::None as u8) }
    }

    /// Lets every read of one log fail until it falls into another state.
    pub(crate) fn cannot_read(&self, id: &str) {
        *self.unreadable.lock().unwrap() = Some(id.parse().unwrap());
    }

    pub(crate) fn fall(&self, sickness: Sickness) {
        *self.unreadable.lock().unwrap() = None;
        self.sickness.store(sickness as u8, Ordering::SeqCst);
    }

    async fn suffer(&self) -> Result<(), StoreError> {
        match self.sickness.load(Ordering::SeqCst) {
            sickness if sickness == Sickness::Fails as u8 => Err(StoreError::Unavailable("it is gone".to_owned())),
            sickness if sickness == Sickness::Hangs as u8 => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Store for SickStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.inner.create(new).await
    }
    async fn append(&self, append: Append) -> Result<Seq, AppendError> {
        self.inner.append(append).await
    }
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        if self.unreadable.lock().unwrap().as_ref() == Some(id) {
            return Err(StoreError::Unavailable("it is gone".to_owned()));
        }
        self.inner.read(id, after, max).await
    }
    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes()
    }
    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
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
        self.suffer().await?;
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
        self.inner.record_put(put).await
    }
    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
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
        self.suffer().await?;
        self.inner.info().await
    }
}
