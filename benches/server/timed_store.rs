//! A store around another one that remembers when each append was acknowledged. Everything else is passed on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
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
use tokio::sync::broadcast::Receiver;

/// The store.
pub(crate) struct Timed {
    store: Arc<dyn Store>,
    moments: Arc<Moments>,
}

/// When each record was acknowledged, by workflow and position.
#[derive(Debug, Default)]
pub(crate) struct Moments(Mutex<HashMap<(WorkflowId, u64), Instant>>);

impl Moments {
    /// When the append with a record returned.
    pub(crate) fn of(&self, id: &WorkflowId, seq: u64) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(id.clone(), seq)).copied()
    }
}

impl Timed {
    pub(crate) fn new(store: Arc<dyn Store>, moments: Arc<Moments>) -> Self {
        Self { store, moments }
    }
}

/// What a store answers.
type Out<T> = Result<T, StoreError>;

#[async_trait]
impl Store for Timed {
    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        let (id, records) = (append.id.clone(), append.records.len());
        let last = self.store.append(append).await?;
        let now = Instant::now();
        let mut moments = self.moments.0.lock().unwrap_or_else(PoisonError::into_inner);
        for seq in (1..=last.seq.value()).rev().take(records) {
            moments.insert((id.clone(), seq), now);
        }
        Ok(last)
    }
    async fn create(&self, new: NewWorkflow) -> Out<Created> {
        self.store.create(new).await
    }
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Out<Page> {
        self.store.read(id, after, max).await
    }
    async fn heads(&self, ids: &[WorkflowId]) -> Out<Vec<Head>> {
        self.store.heads(ids).await
    }
    fn changes(&self) -> Receiver<Change> {
        self.store.changes()
    }
    async fn feed(&self, after: FeedPosition, max: usize) -> Out<Vec<FeedEntry>> {
        self.store.feed(after, max).await
    }
    async fn claim(&self, claim: Claim<'_>) -> Out<Vec<Lease>> {
        self.store.claim(claim).await
    }
    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Out<Vec<Renewal>> {
        self.store.renew(leases, ttl).await
    }
    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Out<()> {
        self.store.release(lease, not_before).await
    }
    async fn wait_work(&self, max_wait: Duration) {
        self.store.wait_work(max_wait).await;
    }
    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        self.store.publish_ephemeral(id, bytes).await;
    }
    async fn get(&self, id: &WorkflowId) -> Out<Option<WorkflowRow>> {
        self.store.get(id).await
    }
    async fn list(&self, filter: &ListFilter) -> Out<Vec<WorkflowRow>> {
        self.store.list(filter).await
    }
    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Out<BlobRef> {
        self.store.put_blob(tenant, bytes).await
    }
    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Out<Option<Bytes>> {
        self.store.get_blob(tenant, sha256).await
    }
    async fn record_get(&self, space: &str, key: &str) -> Out<Option<SmallRecord>> {
        self.store.record_get(space, key).await
    }
    async fn record_put(&self, put: RecordPut) -> Out<u64> {
        self.store.record_put(put).await
    }
    async fn record_scan(&self, space: &str, after: Option<&str>, max: usize) -> Out<Vec<(String, SmallRecord)>> {
        self.store.record_scan(space, after, max).await
    }
    async fn bucket(&self, ask: BucketAsk) -> Out<BucketAnswer> {
        self.store.bucket(ask).await
    }
    async fn purge(&self, retention: &Retention, max: usize) -> Out<Purged> {
        self.store.purge(retention, max).await
    }
    async fn repair(&self) -> Out<usize> {
        self.store.repair().await
    }
    async fn check(&self) -> Out<Checked> {
        self.store.check().await
    }
    async fn standings(&self, max: usize) -> Out<Vec<Standing>> {
        self.store.standings(max).await
    }
    async fn info(&self) -> Out<StoreInfo> {
        self.store.info().await
    }
}
