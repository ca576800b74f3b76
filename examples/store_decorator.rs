//! A store of your own around another one: it watches what is written and passes everything on. The same place is right
//! for encryption, for metrics, or for a copy to somewhere else.
//!
//! `cargo run --example store_decorator`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_orchestrator::{
    ExtractiveProvider, ListFilter, MemoryStore, Orchestrator, Principal, RequestDraft, Store, WorkflowId, async_trait,
    domain::{BlobRef, Digest, Seq, Timestamp},
    store::{
        Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
        Lease, LeaseRef, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing, StoreError,
        StoreInfo, WorkflowRow,
    },
};
use tokio::sync::broadcast::Receiver;

struct Audited(Arc<dyn Store>);

/// What a store answers.
type Out<T> = Result<T, StoreError>;

// One line for each promise, so that the two that do more are seen.
#[rustfmt::skip]
#[async_trait]
impl Store for Audited {
    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        let (id, kinds): (_, Vec<&str>) = (append.id.clone(), append.records.iter().map(|r| r.event.kind()).collect());
        let head = self.0.append(append).await?;
        println!("{id} is at {}: {}", head.seq, kinds.join(", "));
        Ok(head)
    }
    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Out<BlobRef> {
        let blob = self.0.put_blob(tenant, bytes).await?;
        println!("blob of {} bytes", blob.bytes);
        Ok(blob)
    }
    async fn create(&self, new: NewWorkflow) -> Out<Created> { self.0.create(new).await }
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Out<Page> { self.0.read(id, after, max).await }
    async fn heads(&self, ids: &[WorkflowId]) -> Out<Vec<Head>> { self.0.heads(ids).await }
    fn changes(&self) -> Receiver<Change> { self.0.changes() }
    async fn feed(&self, after: FeedPosition, max: usize) -> Out<Vec<FeedEntry>> { self.0.feed(after, max).await }
    async fn claim(&self, claim: Claim<'_>) -> Out<Vec<Lease>> { self.0.claim(claim).await }
    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Out<Vec<Renewal>> { self.0.renew(leases, ttl).await }
    async fn release(&self, lease: &LeaseRef, at: Option<Timestamp>) -> Out<()> { self.0.release(lease, at).await }
    async fn wait_work(&self, max_wait: Duration) { self.0.wait_work(max_wait).await; }
    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) { self.0.publish_ephemeral(id, bytes).await; }
    async fn get(&self, id: &WorkflowId) -> Out<Option<WorkflowRow>> { self.0.get(id).await }
    async fn list(&self, filter: &ListFilter) -> Out<Vec<WorkflowRow>> { self.0.list(filter).await }
    async fn get_blob(&self, of: &Principal, sha256: &Digest) -> Out<Option<Bytes>> { self.0.get_blob(of, sha256).await }
    async fn record_get(&self, space: &str, key: &str) -> Out<Option<SmallRecord>> { self.0.record_get(space, key).await }
    async fn record_put(&self, put: RecordPut) -> Out<u64> { self.0.record_put(put).await }
    async fn record_scan(&self, space: &str, after: Option<&str>, max: usize) -> Out<Vec<(String, SmallRecord)>> {
        self.0.record_scan(space, after, max).await
    }
    async fn bucket(&self, ask: BucketAsk) -> Out<BucketAnswer> { self.0.bucket(ask).await }
    async fn purge(&self, kept: &Retention, max: usize) -> Out<Purged> { self.0.purge(kept, max).await }
    async fn check(&self) -> Out<Checked> { self.0.check().await }
    async fn standings(&self, max: usize) -> Out<Vec<Standing>> { self.0.standings(max).await }
    async fn repair(&self) -> Out<usize> { self.0.repair().await }
    async fn info(&self) -> Out<StoreInfo> { self.0.info().await }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = Orchestrator::builder(Audited(Arc::new(MemoryStore::new())))
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .build()?
        .start();
    let draft = RequestDraft { num_agents: Some(2), ..RequestDraft::research("How does a workflow survive a crash?") };
    let id = handle.submit(draft).await?;
    println!("{}", handle.wait(&id).await?.row.summary.status);
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
