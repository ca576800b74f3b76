//! A store in memory: for tests, for embedding without a disk, and as the plainest reading of the contract. Owns the
//! one lock; knows nothing of files. What ends with the process is lost.

mod check;
mod keep;
mod log;
mod queue;
mod state;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Record, Seq, Timestamp, WorkflowId};
use sha2::Digest as _;
use tokio::sync::broadcast;

use crate::{
    Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
    Lease, LeaseRef, ListFilter, NewWorkflow, Now, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing,
    Store, StoreError, StoreInfo, WorkflowRow, clock, hints::Hints,
};
use state::State;

/// A store that ends with its process. Records are shared, never copied; what they would take as JSON is counted.
///
/// It holds at most ten million records and four gigabytes of blobs, or what [`MemoryStore::with_limits`] says; past
/// that it answers [`StoreError::Full`] until [`Store::purge`] makes room.
///
/// A worker counts as dead here when it has neither claimed for the time of its last claim's lease nor holds a lease
/// in time: nothing else tells its end, as all workers share the process.
pub struct MemoryStore {
    now: Now,
    hints: Hints,
    limits: Limits,
    state: Mutex<State>,
}

/// How much it may hold.
#[derive(Clone, Copy, Debug)]
struct Limits {
    records_max: usize,
    blob_bytes_max: usize,
}

impl MemoryStore {
    /// An empty store on the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_now(clock::system())
    }

    /// An empty store on another clock.
    #[must_use]
    pub fn with_now(now: Now) -> Self {
        Self {
            now,
            hints: Hints::new(),
            limits: Limits { records_max: 10_000_000, blob_bytes_max: 4 << 30 },
            state: Mutex::default(),
        }
    }

    /// Bounds what it holds: records of all workflows, and bytes of all blobs.
    #[must_use]
    pub const fn with_limits(mut self, records_max: usize, blob_bytes_max: usize) -> Self {
        self.limits = Limits { records_max, blob_bytes_max };
        self
    }

    /// The state. A panic elsewhere cannot have left it half changed: nothing that panics runs under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of an append after the lock is gone.
    fn tell_appended(&self, id: &WorkflowId, head: Seq) {
        if self.hints.watched() {
            self.hints.tell(Change::Appended(id.clone(), head));
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        let id = new.id.clone();
        let bytes = json_bytes(&new.records);
        let created = self.state().create(new, bytes, (self.now)(), self.limits)?;
        if let Created::New(head) = created {
            self.tell_appended(&id, head);
            self.hints.wake();
        }
        Ok(created)
    }

    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        let id = append.id.clone();
        let bytes = json_bytes(&append.records);
        let done = self.state().append(append, bytes, (self.now)(), self.limits)?;
        if done.fresh {
            self.tell_appended(&id, done.head);
        }
        if done.claimable {
            self.hints.wake();
        }
        Ok(Head::of(done.head))
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        Ok(self.state().read(id, after, max))
    }

    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        let state = self.state();
        Ok(ids.iter().map(|id| Head::of(state.head(id))).collect())
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.hints.subscribe()
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        Ok(self.state().feed(after, max))
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        Ok(self.state().claim(&claim, (self.now)()))
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        let until = (self.now)().after(ttl);
        let mut state = self.state();
        Ok(leases.iter().map(|lease| state.renew(lease, until)).collect())
    }

    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        if self.state().release(lease, not_before, (self.now)()) {
            self.hints.wake();
        }
        Ok(())
    }

    async fn wait_work(&self, max_wait: Duration) {
        self.hints.wait_work(max_wait).await;
    }

    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        if self.hints.watched() {
            self.hints.tell(Change::Ephemeral(id.clone(), bytes));
        }
    }

    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        Ok(self.state().row(id, (self.now)()))
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        Ok(self.state().list(filter, (self.now)()))
    }

    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        let sha256 = Digest::new(sha2::Sha256::digest(&bytes).into());
        self.state().put_blob(tenant, sha256, bytes, (self.now)(), self.limits)
    }

    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state().blob(tenant, sha256))
    }

    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
        Ok(self.state().record(space, key, (self.now)()))
    }

    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError> {
        self.state().record_put(put, (self.now)())
    }

    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        Ok(self.state().record_scan(space, after, max, (self.now)()))
    }

    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError> {
        self.state().bucket(ask, (self.now)())
    }

    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        Ok(self.state().purge(retention, max, (self.now)()))
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        let mended = self.state().repair((self.now)());
        if mended > 0 {
            self.hints.wake();
        }
        Ok(mended)
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        Ok(self.state().check())
    }

    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        Ok(self.state().standings(max, (self.now)()))
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let state = self.state();
        Ok(StoreInfo {
            kind: "memory",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            durability: "kept until the process ends",
            location: "memory of this process".to_owned(),
            schema: None,
            workflows: state.workflow_count(),
            queued: state.queued(),
            finished: state.finished.len() as u64,
            finished_bytes: state.finished_bytes,
            bytes: state.bytes(),
            warnings: vec!["everything is lost when the process ends".to_owned()],
        })
    }
}

/// What records take as JSON; nothing of it is kept.
fn json_bytes(records: &[Arc<Record>]) -> u64 {
    struct Counted(u64);
    impl io::Write for Counted {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 += part.len() as u64;
            Ok(part.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    for record in records {
        // A record that cannot be JSON counts with the part that can.
        let _ = serde_json::to_writer(&mut counted, &**record);
    }
    counted.0
}
