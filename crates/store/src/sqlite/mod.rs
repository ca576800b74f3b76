//! A store in one SQLite file, shared by any number of processes of one machine. Owns the handle and its end; what is
//! written is in `log`, `queue` and `keep`, what is read in `read`.

mod backup;
mod check;
mod failure;
mod keep;
mod log;
mod numbers;
mod options;
mod purge;
mod queue;
mod read;
mod schema;
mod tables;
mod workers;
mod writer;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use tokio::{sync::broadcast, task::spawn_blocking};

use crate::{
    Append, AppendError, BLOB_BYTES_MAX, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry,
    FeedPosition, Head, Lease, LeaseRef, ListFilter, NewWorkflow, Now, Page, Purged, RecordPut, Renewal, Retention,
    STANDINGS_MAX, SmallRecord, Standing, Store, StoreError, StoreInfo, Which, WorkflowRow,
    codec::{Encoded, Shown, json_text},
    digest::hash,
    hints::Hints,
    references::named_blobs,
    rules::is_progress,
};
use log::{Addition, Creation};
use queue::{Wanted, WantedWhich};
use read::Readers;
use workers::Workers;
use writer::Writer;

pub use options::SqliteOptions;

/// The log beside a file is shortened to 64 MB at most whenever nobody reads it.
const LOG_BYTES: u64 = 256 * 1024 * 1024;

/// A store in a SQLite file.
///
/// What is acknowledged is on the disk: every commit is synced, and writers that come together share one sync. Any
/// number of processes of one machine may open the same file at once; each sees the others' commits within 50 ms
/// ([`Change::Elsewhere`]) and takes over the workflows of those that end, however they end, at its next claim: a
/// process holds a lock file for each worker in `<file>.workers`, and the system frees it.
///
/// The file must not be on a network file system.
///
/// Dropping the store writes what was handed over, ends its thread and frees its workers; this may block for as long
/// as a commit takes. [`SqliteStore::close`] does the same without blocking.
pub struct SqliteStore {
    path: PathBuf,
    now: Now,
    hints: Arc<Hints>,
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    /// When the blobs of all tenants were last looked at.
    blobs_looked: Mutex<Option<Timestamp>>,
}

impl SqliteStore {
    /// Opens the store in a file with the usual choices; makes the file and its folder if need be.
    ///
    /// # Errors
    /// As [`SqliteStore::open_with`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::new()).await
    }

    /// Opens the store in a file; makes the file and its folder, readable by their owner only, if need be.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file or its folder cannot be made, read or written;
    /// [`StoreError::Unreadable`] when it is another program's database or of a version this one does not know;
    /// [`StoreError::Outdated`] when it is of an older version and [to stay as it is](SqliteOptions::as_is);
    /// [`StoreError::Locked`] when another process keeps it locked. Each names the file.
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opening = spawn_blocking(move || Self::open_blocking(path, &options));
        opening.await.map_err(|error| StoreError::Unavailable(format!("opening did not end: {error}")))?
    }

    fn open_blocking(path: PathBuf, options: &SqliteOptions) -> Result<Self, StoreError> {
        let connection = schema::open_writer(&path, options)?;
        let workers = Workers::beside(&path);
        let hints = Arc::new(Hints::new());
        let now = Arc::clone(&options.now);
        let writer = Writer::start(&path, connection, workers, Arc::clone(&now), Arc::clone(&hints))?;
        let readers = Arc::new(Readers::new(&path, options.busy_timeout));
        Ok(Self { path, now, hints, readers, writer: Arc::new(writer), blobs_looked: Mutex::default() })
    }

    /// A lease of a process that has ended is nobody's, in time or not.
    fn with_live_owner(&self, row: WorkflowRow) -> WorkflowRow {
        let owner = row.owner.filter(|owner| !Workers::of(&self.path).has_ended(owner));
        WorkflowRow { owner, ..row }
    }

    /// Says when the log beside the file is far longer than it gets by itself.
    fn long_log(&self) -> Option<String> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let bytes = fs::metadata(log).ok()?.len();
        let said = "a process that reads for long, a copy for example, keeps it from being shortened";
        (bytes > LOG_BYTES).then(|| format!("the log beside the file has {bytes} bytes: {said}"))
    }

    /// Writes what was handed over, ends the thread, frees this process's workers and closes the file. Every later
    /// operation answers [`StoreError::Unavailable`]. A second call does nothing.
    pub async fn close(&self) {
        self.readers.close().await;
        let writer = Arc::clone(&self.writer);
        // The thread reports its own panic; there is nothing else to hear here.
        let _ = spawn_blocking(move || writer.stop()).await;
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer.stop();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        let records = Encoded::new(&new.records)?;
        let needs = json_text(&new.needs)?;
        let summary = Shown::new(new.summary.clone())?;
        let blobs = named_blobs(new.records.iter().map(AsRef::as_ref));
        let creation = Creation { new, records, needs, summary, blobs };
        self.writer.submit(move |session| log::create(session, &creation)).await?
    }

    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        let records = Encoded::new(&append.records).map_err(|error| match error {
            StoreError::TooLarge { bytes, bytes_max } => AppendError::TooLarge { bytes, bytes_max },
            other => AppendError::Store(other),
        })?;
        let addition = Addition {
            expected: append.expected,
            writer: append.writer,
            append_id: append.append_id,
            after: append.after,
            is_progress: is_progress(&append.records),
            records,
            summary: Shown::new(append.summary)?,
            blobs: named_blobs(append.records.iter().map(AsRef::as_ref)),
            id: append.id,
        };
        Ok(Head::of(self.writer.submit(move |session| log::append(session, &addition)).await??))
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        let id = id.clone();
        self.readers.query(move |connection| read::page(connection, &id, after, max)).await
    }

    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        let ids = ids.to_vec();
        self.readers.query(move |connection| read::heads(connection, &ids)).await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.hints.subscribe()
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.readers.query(move |connection| read::feed(connection, after, max)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        let which = match claim.which {
            Which::Able(abilities) => WantedWhich::Able(abilities.clone()),
            Which::Only(ids) => WantedWhich::Only(ids.to_vec()),
            Which::Own => WantedWhich::Own,
        };
        let Claim { worker, which: _, max, ttl, cluster_max } = claim;
        let wanted = Wanted { worker: worker.clone(), which, max, ttl, cluster_max };
        self.writer.submit(move |session| queue::claim(session, &wanted)).await
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        let leases = leases.to_vec();
        self.writer.submit(move |session| queue::renew(session, &leases, ttl)).await
    }

    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.writer.submit(move |session| queue::release(session, &lease, not_before)).await
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
        let (id, now) = (id.clone(), (self.now)());
        let row = self.readers.query(move |connection| read::row(connection, &id, now)).await?;
        Ok(row.map(|row| self.with_live_owner(row)))
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        let (filter, now) = (filter.clone(), (self.now)());
        let rows = self.readers.query(move |connection| read::list(connection, &filter, now)).await?;
        Ok(rows.into_iter().map(|row| self.with_live_owner(row)).collect())
    }

    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: bytes.len(), bytes_max: BLOB_BYTES_MAX });
        }
        let size = bytes.len() as u64;
        let sha256 = hash(&bytes).await?;
        let tenant = tenant.clone();
        self.writer.submit(move |session| keep::put_blob(session, &tenant, &sha256, &bytes)).await?;
        Ok(BlobRef { sha256, bytes: size })
    }

    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        let (tenant, sha256) = (tenant.clone(), *sha256);
        self.readers.query(move |connection| read::blob(connection, &tenant, &sha256)).await
    }

    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
        let (space, key, now) = (space.to_owned(), key.to_owned(), (self.now)());
        self.readers.query(move |connection| read::record(connection, &space, &key, now)).await
    }

    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError> {
        let bytes = put.value.as_ref().map_or(0, Bytes::len);
        if bytes > SmallRecord::BYTES_MAX {
            return Err(StoreError::TooLarge { bytes, bytes_max: SmallRecord::BYTES_MAX });
        }
        self.writer.submit(move |session| keep::put_record(session, &put)).await?
    }

    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        let (space, after, now) = (space.to_owned(), after.map(str::to_owned), (self.now)());
        self.readers.query(move |connection| read::records(connection, &space, after.as_deref(), max, now)).await
    }

    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError> {
        self.writer.submit(move |session| keep::ask_bucket(session, &ask)).await
    }

    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        purge::purge(self, retention, max).await
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        self.writer.submit(queue::repair).await
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        check::check(&self.readers).await
    }

    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        let max = max.min(STANDINGS_MAX);
        let mut standings = self.readers.query(move |connection| read::standings(connection, max)).await?;
        let workers = standings.iter().filter_map(|standing| standing.place.worker().cloned()).collect();
        let ended = self.writer.submit(move |session| queue::ended(session, &workers)).await?;
        let now = (self.now)();
        standings.iter_mut().for_each(|standing| standing.place.without(&ended, now));
        Ok(standings)
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let size = self.readers.query(read::size).await?;
        Ok(StoreInfo {
            kind: "sqlite",
            version: rusqlite::version().to_owned(),
            durability: "synced to the disk of this machine",
            location: self.path.display().to_string(),
            schema: Some(tables::SCHEMA_VERSION.unsigned_abs()),
            workflows: size.workflows,
            finished: size.finished,
            finished_bytes: size.finished_bytes,
            queued: size.queued,
            bytes: size.bytes,
            warnings: self.long_log().into_iter().collect(),
        })
    }
}
