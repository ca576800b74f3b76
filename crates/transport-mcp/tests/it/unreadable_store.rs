//! A store in memory whose logs can be made unreadable.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use mcp_orchestrator::{
    ListFilter, MemoryStore, Principal, Store, WorkflowId, async_trait,
    domain::{BlobRef, Digest, Seq, Timestamp},
    store::{
        Append, AppendError, BucketAnswer, BucketTake, Change, Claim, Created, FeedEntry, FeedPosition, Lease,
        LeaseRef, NewWorkflow, Page, Purged, RecordPut, Renewal, SmallRecord, StoreError, StoreInfo, WorkflowRow,
    },
};
use tokio::sync::{Notify, broadcast};

/// The store.
#[derive(Default)]
pub(crate) struct UnreadableStore {
    inner: MemoryStore,
    /// The log that cannot be read, and how many reads of it fail yet.
    fails: Mutex<Option<(WorkflowId, usize)>>,
    recovered: Notify,
}

impl UnreadableStore {
    /// Lets so many reads of a log fail.
    pub(crate) fn fail(&self, id: &str, reads: usize) {
        *self.fails.lock().unwrap() = Some((id.parse().unwrap(), reads));
    }

    /// Lets no read fail any more.
    pub(crate) fn heal(&self) {
        *self.fails.lock().unwrap() = None;
    }

    /// Waits until the last read that was to fail has failed.
    pub(crate) async fn recovered(&self) {
        let recovered = tokio::time::timeout(Duration::from_secs(600), self.recovered.notified());
        recovered.await.expect("reads go on until none fails");
    }

    fn suffer(&self, id: &WorkflowId) -> Result<(), StoreError> {
        let mut fails = self.fails.lock().unwrap();
        let Some((_, left)) = fails.as_mut().filter(|(sick, _)| sick == id) else { return Ok(()) };
        *left -= 1;
        if *left == 0 {
            *fails = None;
            self.recovered.notify_one();
        }
        Err(StoreError::Unavailable("it is gone".to_owned()))
    }
}

#[async_trait]
impl Store for UnreadableStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.inner.create(new).await
    }
    async fn append(&self, append: Append) -> Result<Seq, AppendError> {
        self.inner.append(append).await
    }
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.suffer(id)?;
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
        self.inner.info().await
    }
}
