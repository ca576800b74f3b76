//! A store: a decorator that passes everything on, and fails where a test wants it to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use mcp_orchestrator::{
    ListFilter, Principal, Store, WorkflowId, async_trait,
    domain::{BlobRef, Digest, Seq, Timestamp},
    store::{
        Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
        Lease, LeaseRef, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing, StoreError,
        StoreInfo, WorkflowRow,
    },
};
use tokio::sync::broadcast;

/// An operation a test watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Create,
    Append,
    Claim,
    Read,
    PutBlob,
    Show,
    WaitWork,
}

type Fault = dyn Fn(Does, Option<&WorkflowId>, usize) -> Option<StoreError> + Send + Sync;

/// The decorator. `fault` is asked with the operation, its workflow and how many of its kind came before.
pub(crate) struct FlakyStore {
    inner: Arc<dyn Store>,
    fault: Box<Fault>,
    counts: [AtomicUsize; 7],
}

impl FlakyStore {
    pub(crate) fn new(
        inner: Arc<dyn Store>,
        fault: impl Fn(Does, Option<&WorkflowId>, usize) -> Option<StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, fault: Box::new(fault), counts: Default::default() }
    }

    fn may(&self, does: Does, id: Option<&WorkflowId>) -> Result<(), StoreError> {
        let before = self.counts[does as usize].fetch_add(1, Ordering::Relaxed);
        (self.fault)(does, id, before).map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Store for FlakyStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.may(Does::Create, Some(&new.id))?;
        self.inner.create(new).await
    }
    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        self.may(Does::Append, Some(&append.id))?;
        self.inner.append(append).await
    }
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.may(Does::Read, Some(id))?;
        self.inner.read(id, after, max).await
    }
    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        ids.iter().try_for_each(|id| self.may(Does::Read, Some(id)))?;
        self.inner.heads(ids).await
    }
    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes()
    }
    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.inner.feed(after, max).await
    }
    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        self.may(Does::Claim, None)?;
        self.inner.claim(claim).await
    }
    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        self.inner.renew(leases, ttl).await
    }
    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        self.inner.release(lease, not_before).await
    }
    async fn wait_work(&self, max_wait: Duration) {
        // It has no error to answer with, and may still panic.
        let _ = self.may(Does::WaitWork, None);
        self.inner.wait_work(max_wait).await;
    }
    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        let _ = self.may(Does::Show, Some(id));
        self.inner.publish_ephemeral(id, bytes).await;
    }
    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.inner.get(id).await
    }
    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        self.inner.list(filter).await
    }
    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        self.may(Does::PutBlob, None)?;
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
    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError> {
        self.inner.bucket(ask).await
    }
    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        self.inner.purge(retention, max).await
    }
    async fn check(&self) -> Result<Checked, StoreError> {
        self.inner.check().await
    }
    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        self.inner.standings(max).await
    }
    async fn repair(&self) -> Result<usize, StoreError> {
        self.inner.repair().await
    }
    async fn info(&self) -> Result<StoreInfo, StoreError> {
        self.inner.info().await
    }
}
