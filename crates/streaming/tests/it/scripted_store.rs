//! A store whose log and hints a test plays by hand. Only what a stream uses does anything; all else is unavailable.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Recorded, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{
    Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
    Lease, LeaseRef, Lineage, ListFilter, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord,
    Standing, Store, StoreError, StoreInfo, WorkflowRow,
};
use tokio::sync::broadcast;

/// Small, so that a reader lags after a few hints.
const HINTS_MAX: usize = 4;

/// Records of the workflows named `idle_…`, in which nothing more happens: the first ones of the story.
pub(crate) const IDLE_RECORDS: usize = 3;

pub(crate) struct ScriptedStore {
    id: WorkflowId,
    log: Mutex<Vec<Recorded>>,
    /// The lineages of the log's records; unknown unless the store can lose a tail.
    lineages: Mutex<Vec<Lineage>>,
    visible: AtomicUsize,
    /// Records that become visible after the next read has looked, before its answer is used.
    during_read: AtomicUsize,
    failing: Mutex<Option<StoreError>>,
    /// Whether reads never end.
    hanging: AtomicBool,
    reads: AtomicUsize,
    looks: AtomicUsize,
    hints: broadcast::Sender<Change>,
}

/// How the others are told of an append.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Precisely,
    Elsewhere,
    NotAtAll,
}

impl ScriptedStore {
    /// A store whose log will be `log`, of which the first `visible` records are there already.
    pub(crate) fn new(id: &WorkflowId, log: Vec<Recorded>, visible: usize) -> Arc<Self> {
        Arc::new(Self {
            id: id.clone(),
            lineages: Mutex::new(vec![Lineage::UNKNOWN; log.len()]),
            log: Mutex::new(log),
            visible: AtomicUsize::new(visible),
            during_read: AtomicUsize::new(0),
            failing: Mutex::new(None),
            hanging: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            hints: broadcast::Sender::new(HINTS_MAX),
        })
    }

    /// A store that can lose a tail, and says of what history each record is.
    pub(crate) fn losing(id: &WorkflowId, log: Vec<Recorded>, visible: usize) -> Arc<Self> {
        let store = Self::new(id, log, visible);
        store.begin_history(0, 1_000);
        store
    }

    /// Takes the end of the log away and puts another in its place, of which `visible` records are there: a failover to a
    /// replica that lagged, after which others wrote on. Nobody is told.
    pub(crate) fn rewrite(&self, kept: usize, tail: Vec<Recorded>, visible: usize) {
        let mut log = self.log.lock().unwrap();
        log.truncate(kept);
        log.extend(tail);
        drop(log);
        self.begin_history(kept, 2_000);
        self.visible.store(visible, Ordering::SeqCst);
    }

    fn begin_history(&self, kept: usize, first: u64) {
        let length = self.log.lock().unwrap().len();
        let mut lineages = self.lineages.lock().unwrap();
        lineages.truncate(kept);
        lineages.extend((first..).take(length - kept).map(Lineage));
    }

    /// That of the record at a position.
    fn lineage(&self, seq: Seq) -> Lineage {
        let before = usize::try_from(seq.value()).unwrap().checked_sub(1);
        before.and_then(|place| self.lineages.lock().unwrap().get(place).copied()).unwrap_or_default()
    }

    /// Makes `count` more records visible.
    pub(crate) fn append(&self, count: usize, told: Told) {
        let length = self.log.lock().unwrap().len();
        let head = length.min(self.visible.load(Ordering::SeqCst) + count);
        self.visible.store(head, Ordering::SeqCst);
        match told {
            Told::Precisely => self.hint(Change::Appended(self.id.clone(), Seq::new(head as u64))),
            Told::Elsewhere => self.hint(Change::Elsewhere),
            Told::NotAtAll => {}
        }
    }

    pub(crate) fn append_during_next_read(&self, count: usize) {
        self.during_read.store(count, Ordering::SeqCst);
    }

    /// Takes records away again, as a failover to a replica that lags does.
    pub(crate) fn lose(&self, count: usize) {
        self.visible.fetch_sub(count, Ordering::SeqCst);
        self.hint(Change::Elsewhere);
    }

    /// Takes a record out of the middle.
    pub(crate) fn tear(&self, index: usize) {
        self.log.lock().unwrap().remove(index);
        self.visible.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn fail_next_read(&self, error: StoreError) {
        *self.failing.lock().unwrap() = Some(error);
    }

    /// From now on no read ends.
    pub(crate) fn hang(&self) {
        self.hanging.store(true, Ordering::SeqCst);
    }

    /// How many records are there now.
    pub(crate) fn visible(&self) -> usize {
        self.visible.load(Ordering::SeqCst)
    }

    /// How often heads were asked for, of however many logs at once.
    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// The log of a workflow as it is now: the story's, or that of one of those in which nothing more happens.
    fn log_of(&self, id: &WorkflowId) -> Vec<Recorded> {
        let log = self.log.lock().unwrap();
        let visible = if *id == self.id {
            self.visible.load(Ordering::SeqCst)
        } else if id.as_str().starts_with("idle_") {
            IDLE_RECORDS
        } else {
            0
        };
        log[..visible].to_vec()
    }

    pub(crate) fn hint(&self, change: Change) {
        let _ = self.hints.send(change);
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

fn absent<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("not part of this double".to_owned()))
}

#[async_trait]
impl Store for ScriptedStore {
    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if let Some(error) = self.failing.lock().unwrap().take() {
            return Err(error);
        }
        if self.hanging.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let log = self.log_of(id);
        let head = log.last().map_or(Seq::ZERO, |recorded| recorded.seq);
        let records: Vec<_> = log.into_iter().filter(|recorded| recorded.seq > after).take(max).collect();
        let lineages = records.iter().map(|recorded| self.lineage(recorded.seq)).collect();
        let before = if after <= head { self.lineage(after) } else { Lineage::UNKNOWN };
        let page = Page { records, head, before, lineages };
        match self.during_read.swap(0, Ordering::SeqCst) {
            0 => {}
            count => self.append(count, Told::Precisely),
        }
        tokio::task::yield_now().await;
        Ok(page)
    }

    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let head = |id| self.log_of(id).last().map_or(Seq::ZERO, |recorded| recorded.seq);
        Ok(ids.iter().map(head).map(|seq| Head { seq, lineage: self.lineage(seq) }).collect())
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.hints.subscribe()
    }

    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        self.hint(Change::Ephemeral(id.clone(), bytes));
    }

    async fn create(&self, _: NewWorkflow) -> Result<Created, StoreError> {
        absent()
    }

    async fn append(&self, _: Append) -> Result<Head, AppendError> {
        Ok(absent()?)
    }

    async fn feed(&self, _: FeedPosition, _: usize) -> Result<Vec<FeedEntry>, StoreError> {
        absent()
    }

    async fn claim(&self, _: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        absent()
    }

    async fn renew(&self, _: &[LeaseRef], _: Duration) -> Result<Vec<Renewal>, StoreError> {
        absent()
    }

    async fn release(&self, _: &LeaseRef, _: Option<Timestamp>) -> Result<(), StoreError> {
        absent()
    }

    async fn wait_work(&self, max_wait: Duration) {
        tokio::time::sleep(max_wait).await;
    }

    async fn get(&self, _: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        absent()
    }

    async fn list(&self, _: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        absent()
    }

    async fn put_blob(&self, _: &Principal, _: Bytes) -> Result<BlobRef, StoreError> {
        absent()
    }

    async fn get_blob(&self, _: &Principal, _: &Digest) -> Result<Option<Bytes>, StoreError> {
        absent()
    }

    async fn record_get(&self, _: &str, _: &str) -> Result<Option<SmallRecord>, StoreError> {
        absent()
    }

    async fn record_put(&self, _: RecordPut) -> Result<u64, StoreError> {
        absent()
    }

    async fn record_scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        absent()
    }

    async fn bucket(&self, _: BucketAsk) -> Result<BucketAnswer, StoreError> {
        absent()
    }

    async fn purge(&self, _: &Retention, _: usize) -> Result<Purged, StoreError> {
        absent()
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        absent()
    }

    async fn standings(&self, _: usize) -> Result<Vec<Standing>, StoreError> {
        absent()
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        absent()
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        absent()
    }
}
