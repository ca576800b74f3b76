//! The one thread of this process that writes. Owns the connection, group commit and the look for other processes'
//! commits; what is written is decided by the pieces of work it is handed.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mcp_orchestrator_domain::{Digest, Principal, Timestamp, WorkflowId};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    failure::Failure,
    numbers::{int, ms, uint},
    workers::Workers,
};
use crate::{Change, Now, StoreError, hints::Hints, rules::BLOB_GRACE};

/// Pieces of work that may wait for the writer; further callers wait before they hand theirs over.
const WAITING_MAX: usize = 4096;

/// Pieces of work in one transaction.
const BATCH_MAX: usize = 512;

/// How often the writer looks for other processes' commits.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Blobs remembered as used; beyond it all are forgotten and marked again when next named.
const USED_MAX: usize = 16_384;

/// Workflows whose rows are remembered; beyond it all are forgotten and looked up again.
const ROW_IDS_MAX: usize = 16_384;

/// The handle to the thread. Ends it when dropped, after what was handed over is written.
pub(super) struct Writer {
    path: PathBuf,
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    room: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a piece of work sees while it runs: the open transaction and what it causes once that is committed.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now: Timestamp,
    pub(super) workers: &'a mut Workers,
    pub(super) used_blobs: &'a mut UsedBlobs,
    row_ids: &'a mut HashMap<WorkflowId, i64>,
    effects: &'a mut Effects,
    watched: bool,
}

/// When blobs were last marked as used, as far as this process knows. Spares writing that again.
pub(super) type UsedBlobs = HashMap<(Principal, Digest), Timestamp>;

/// What a transaction causes when it is committed, and its count of positions.
#[derive(Default)]
struct Effects {
    changes: Vec<Change>,
    wake: bool,
    /// The last position given out; read when first needed.
    position: Option<i64>,
    queued: Option<Queued>,
}

/// How long the queue was found to be; kept until something leaves it.
#[derive(Clone, Copy)]
struct Queued {
    count: u64,
    /// Where counting stopped: from here on there may be more.
    most: u64,
}

impl Session<'_> {
    /// Tells of a change after the commit; it is made only if somebody listens.
    pub(super) fn tell(&mut self, change: impl FnOnce() -> Change) {
        if self.watched {
            self.effects.changes.push(change());
        }
    }

    /// Says after the commit that there may be work.
    pub(super) const fn wake(&mut self) {
        self.effects.wake = true;
    }

    /// Takes `count` consecutive positions in the order over all workflows; the one before the first of them.
    pub(super) fn positions(&mut self, count: i64) -> rusqlite::Result<i64> {
        let before = match self.effects.position {
            Some(position) => position,
            None => self
                .connection
                .prepare_cached(
                    "SELECT max(value, ifnull((SELECT max(position) FROM entry), 0)) FROM meta WHERE name = 'position'",
                )?
                .query_row([], |row| row.get(0))?,
        };
        self.effects.position = Some(before + count);
        Ok(before)
    }

    /// How long the queue is; from `most` on there may be more.
    pub(super) fn queued(&mut self, most: u64) -> rusqlite::Result<u64> {
        let known = self.effects.queued.filter(|known| known.count < known.most || known.count >= most);
        if let Some(known) = known {
            return Ok(known.count);
        }
        let count = self
            .connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM state WHERE ready_at IS NOT NULL LIMIT ?1)")?
            .query_row([int(most)], |row| row.get(0))
            .map(uint)?;
        self.effects.queued = Some(Queued { count, most });
        Ok(count)
    }

    /// Says that a workflow was put into the queue.
    pub(super) const fn note_queued(&mut self) {
        if let Some(queued) = &mut self.effects.queued {
            queued.count += 1;
        }
    }

    /// Says that a workflow was moved, perhaps out of the queue.
    pub(super) const fn note_moved(&mut self) {
        self.effects.queued = None;
    }

    /// Remembers the row of a workflow. It may go; its number is never that of another.
    pub(super) fn remember(&mut self, id: &WorkflowId, wid: i64) {
        if self.row_ids.len() >= ROW_IDS_MAX {
            self.row_ids.clear();
        }
        self.row_ids.insert(id.clone(), wid);
    }

    /// The row a workflow was last seen in.
    pub(super) fn remembered(&self, id: &WorkflowId) -> Option<i64> {
        self.row_ids.get(id).copied()
    }

    /// Marks those blobs of a tenant that are here as used now; those known to have been used since `since` are spared.
    pub(super) fn mark_used(
        &mut self,
        tenant: &Principal,
        digests: &[Digest],
        since: Timestamp,
    ) -> rusqlite::Result<()> {
        for digest in digests {
            if self.used_blobs.get(&(tenant.clone(), *digest)).is_some_and(|used| *used >= since) {
                continue;
            }
            let marked = self
                .connection
                .prepare_cached("UPDATE blob SET used = max(used, ?3) WHERE tenant = ?1 AND sha256 = ?2")?
                .execute((tenant.as_str(), digest.as_bytes(), ms(self.now)))?;
            // One that is not here must be written when it is put.
            if marked > 0 {
                self.note_used(tenant, digest);
            }
        }
        Ok(())
    }

    /// Remembers that a blob is marked as used now.
    pub(super) fn note_used(&mut self, tenant: &Principal, digest: &Digest) {
        if self.used_blobs.len() >= USED_MAX {
            self.used_blobs.clear();
        }
        self.used_blobs.insert((tenant.clone(), *digest), self.now);
    }

    /// Whether a blob is known to be there and to stay long enough for a record to name it.
    pub(super) fn used_lately(&self, tenant: &Principal, digest: &Digest) -> bool {
        let used = self.used_blobs.get(&(tenant.clone(), *digest));
        used.is_some_and(|used| self.now.since(*used) < BLOB_GRACE / 2)
    }
}

/// One piece of work: it runs, perhaps again in a transaction of its own, and is then told how that ended.
trait Job: Send {
    fn run(&mut self, session: &mut Session<'_>) -> Result<(), Failure>;
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    work: F,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _room: OwnedSemaphorePermit,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Session<'_>) -> Result<T, Failure> + Send,
{
    fn run(&mut self, session: &mut Session<'_>) -> Result<(), Failure> {
        self.outcome = None;
        self.outcome = Some((self.work)(session)?);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, reply, .. } = *self;
        // Whoever asked may have gone; the work is done all the same.
        let _ = reply.send(committed.and_then(|()| outcome.ok_or_else(ended)));
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        path: &Path,
        connection: Connection,
        workers: Workers,
        now: Now,
        hints: Arc<Hints>,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let mut state = State {
            path: path.to_owned(),
            connection,
            workers,
            used_blobs: HashMap::new(),
            row_ids: HashMap::new(),
            now,
            hints,
            version: 0,
        };
        // Read before the store is handed out: whatever others commit from then on is told.
        state.version = state.data_version().unwrap_or(0);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || state.run(&receiver))
            .map_err(|error| StoreError::Unavailable(format!("no thread for the store: {error}")))?;
        Ok(Self {
            path: path.to_owned(),
            jobs: Mutex::new(Some(sender)),
            room: Arc::new(Semaphore::new(WAITING_MAX)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in a transaction, which other pieces of work may share, and answers after its commit. If `work`
    /// fails, nothing of it stays; it may run twice, the first time without a trace.
    ///
    /// Dropping the future does not take the work back.
    pub(super) async fn submit<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Session<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| ended())?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { work, outcome: None, reply, _room: room });
        match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).map_err(|_| ended())?,
            None => return Err(ended()),
        }
        answer.await.map_err(|_| ended())?
    }

    /// Takes no more work, writes what was handed over, and waits for the thread's end. The second call finds it ended.
    pub(super) fn stop(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && let Err(panic) = thread.join()
        {
            let path = self.path.display();
            tracing::error!(%path, "the store's writer panicked: {}", panic_message(&*panic));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish_non_exhaustive()
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("?")
}

/// What the thread owns.
struct State {
    path: PathBuf,
    connection: Connection,
    workers: Workers,
    used_blobs: UsedBlobs,
    row_ids: HashMap<WorkflowId, i64>,
    now: Now,
    hints: Arc<Hints>,
    /// SQLite's number for what others have committed.
    version: i64,
}

impl State {
    fn run(mut self, jobs: &mpsc::Receiver<Box<dyn Job>>) {
        let mut looked = Instant::now();
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            match jobs.recv_timeout(LOOK_EVERY.saturating_sub(looked.elapsed())) {
                Ok(job) => {
                    batch.push(job);
                    batch.extend(jobs.try_iter().take(BATCH_MAX - 1));
                    self.commit(&mut batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= LOOK_EVERY {
                self.look_elsewhere();
                looked = Instant::now();
            }
        }
    }

    /// Runs and commits the batch as one. If a piece of work fails, each runs alone: no neighbour suffers.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        match self.transact(batch) {
            Ok(()) => batch.drain(..).for_each(|job| job.finish(Ok(()))),
            Err(failure) if batch.len() == 1 || failure.is_locked() => {
                let error = failure.into_store_error(&self.path);
                batch.drain(..).for_each(|job| job.finish(Err(error.clone())));
            }
            Err(_) => {
                for mut job in batch.drain(..) {
                    let done = self.transact(std::slice::from_mut(&mut job));
                    job.finish(done.map_err(|failure| failure.into_store_error(&self.path)));
                }
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let mut effects = Effects::default();
        let done = self.try_transact(jobs, &mut effects);
        if done.is_err() {
            self.used_blobs.clear();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                let path = self.path.display();
                tracing::error!(%path, %error, "a failed transaction could not be rolled back");
            }
            return done;
        }
        effects.changes.into_iter().for_each(|change| self.hints.tell(change));
        if effects.wake {
            self.hints.wake();
        }
        Ok(())
    }

    fn try_transact(&mut self, jobs: &mut [Box<dyn Job>], effects: &mut Effects) -> Result<(), Failure> {
        let connection = &self.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut session = Session {
            connection,
            now: (self.now)(),
            workers: &mut self.workers,
            used_blobs: &mut self.used_blobs,
            row_ids: &mut self.row_ids,
            effects,
            watched: self.hints.watched(),
        };
        for job in jobs {
            job.run(&mut session)?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Tells of commits of other processes; this connection's own do not count.
    fn look_elsewhere(&mut self) {
        match self.data_version() {
            Ok(version) if version != self.version => {
                self.version = version;
                self.hints.tell(Change::Elsewhere);
                self.hints.wake();
            }
            Ok(_) => {}
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "cannot look for other processes' commits");
            }
        }
    }

    fn data_version(&self) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
    }
}
