//! A store on a Redis server, shared by any number of processes on any number of machines. Owns the handle and its end;
//! what is written is decided in the scripts, so that whatever must change together does.

mod appends;
mod check;
mod failure;
mod keep;
mod keys;
mod line;
mod lines;
mod listener;
mod log;
mod opening;
mod options;
mod purge;
mod queue;
mod rows;
mod scripts;
mod standing;
mod start;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Timestamp, WorkflowId};
use redis::{Client, TlsCertificates};
use tokio::sync::broadcast;

use crate::{
    Append, AppendError, BucketAnswer, BucketAsk, Change, Checked, Claim, Created, FeedEntry, FeedPosition, Head,
    Lease, LeaseRef, ListFilter, NewWorkflow, Page, Purged, RecordPut, Renewal, Retention, SmallRecord, Standing,
    Store, StoreError, StoreInfo, WorkflowRow, hints::Hints,
};
use appends::Appends;
use keys::Keys;
use line::{Dialling, Ear};
use lines::Lines;
use listener::Listener;
use queue::{Classes, Unheard};

pub use options::RedisOptions;

/// A store on a Redis server, version 7 or later. Valkey is taken too, and was not tried.
///
/// What is acknowledged is as durable as the server is configured: [`StoreInfo::durability`] says how. With
/// `appendfsync always` it is on the server's disk. Any number of processes may use the same server at once; each hears
/// of the others' appends, and takes over the workflows of one that ends when the leases of its workers do.
///
/// Leases, epochs and expiry are by the server's clock, whatever the clocks of the machines say.
///
/// An operation during an outage fails with [`StoreError::Unavailable`] within two response timeouts and two seconds; connections are made
/// again by themselves. An append that failed so has perhaps been written: repeat it with the same `append_id`. When a
/// server fails over to a replica that lacks what was acknowledged last, writers are told by [`AppendError::Regressed`].
///
/// Dropping the store closes its connections at once; what was sent is written, and nobody hears of it.
pub struct RedisStore {
    options: RedisOptions,
    keys: Keys,
    lines: Arc<Lines>,
    appends: Appends,
    hints: Arc<Hints>,
    listener: Arc<Listener>,
    classes: Classes,
    unheard: Unheard,
    /// When this process last looked at the blobs of all tenants.
    blobs_looked: Mutex<Option<Timestamp>>,
}

impl RedisStore {
    /// Opens the store a URL names; see [`RedisOptions::from_url`].
    ///
    /// # Errors
    /// As [`RedisStore::open_with`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(RedisOptions::from_url(url)?).await
    }

    /// Opens a store. The server must be of version 7 or later, take writes, evict nothing, and keep an append-only file
    /// unless the options say that it may forget.
    ///
    /// A connection that fails or breaks is tried again for five seconds, and so is a server that is still reading its
    /// file: one that restarts at that moment is no reason to give up. A refusal is told at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached, refuses us, or is configured so that it would lose logs;
    /// [`StoreError::Unreadable`] when its keys are of a version this one does not know. Each names the server and what
    /// to change, without secrets.
    pub async fn open_with(options: RedisOptions) -> Result<Self, StoreError> {
        if options.encrypted {
            // An error only says that another provider was installed first, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let client = match &options.authority {
            None => Client::open(options.connection.clone()),
            Some(pem) => {
                let trusted = TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) };
                Client::build_with_tls(options.connection.clone(), trusted)
            }
        };
        let client = client.map_err(|error| failure::store_error(&error, &options.location))?;
        let location = options.location.as_str().into();
        let dialling = Dialling { client, location, response: options.response };
        let keys = Keys::new(&options.prefix);
        let until = opening::check(&dialling, &options, &keys).await?;

        let hints = Arc::new(Hints::new());
        let listener = Arc::new(Listener::new(keys.of("hints"), Arc::clone(&hints)));
        let ear: Arc<dyn Ear> = Arc::<Listener>::clone(&listener);
        let lines = Arc::new(Lines::open(&options, &dialling, ear));
        // From here on no hint of another process is missed unless a connection is lost.
        lines.hear(until).await?;
        let (origin, writes) = (listener.origin().to_owned(), Arc::clone(&lines));
        let appends = Appends::open(writes, keys.meta(), origin, Arc::clone(&hints));
        Ok(Self {
            options,
            keys,
            lines,
            appends,
            hints,
            listener,
            classes: Classes::default(),
            unheard: Unheard::default(),
            blobs_looked: Mutex::default(),
        })
    }

    /// Closes the connections. Every later operation answers [`StoreError::Unavailable`]. A second call does nothing.
    pub async fn close(&self) {
        self.lines.close();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("options", &self.options).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        self.do_create(new).await
    }

    async fn append(&self, append: Append) -> Result<Head, AppendError> {
        self.do_append(append).await
    }

    async fn read(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        self.page(id, after, max).await
    }

    async fn heads(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        self.heads_of(ids).await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.hints.subscribe()
    }

    async fn feed(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        self.feed_page(after, max).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        self.do_claim(&claim).await
    }

    async fn renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        self.do_renew(leases, ttl).await
    }

    async fn release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        self.do_release(lease, not_before).await
    }

    async fn wait_work(&self, max_wait: Duration) {
        self.hints.wait_work(max_wait).await;
    }

    async fn publish_ephemeral(&self, id: &WorkflowId, bytes: Bytes) {
        let mut say = redis::cmd("PUBLISH");
        say.arg(self.listener.channel()).arg(self.listener.ephemeral(id, &bytes));
        if self.hints.watched() {
            self.hints.tell(Change::Ephemeral(id.clone(), bytes));
        }
        self.lines.try_command(&say).await;
    }

    async fn get(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.row(id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        self.rows(filter).await
    }

    async fn put_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        self.keep_blob(tenant, bytes).await
    }

    async fn get_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.blob(tenant, sha256).await
    }

    async fn record_get(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
        self.small(space, key).await
    }

    async fn record_put(&self, put: RecordPut) -> Result<u64, StoreError> {
        self.put_small(put).await
    }

    async fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        self.smalls(space, after, max).await
    }

    async fn bucket(&self, ask: BucketAsk) -> Result<BucketAnswer, StoreError> {
        self.ask_bucket(&ask).await
    }

    async fn purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        self.do_purge(retention, max).await
    }

    async fn repair(&self) -> Result<usize, StoreError> {
        self.do_repair().await
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        self.do_check().await
    }

    async fn standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        self.do_standings(max).await
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let mut ask = redis::pipe();
        ask.zcard(self.keys.of("all")).zcard(self.keys.of("done"));
        ask.cmd("HMGET").arg(self.keys.meta()).arg(&["queued", "bytes", "kept", "done"]);
        let (workflows, finished, sums): (u64, u64, Vec<Option<u64>>) = self.lines.pipeline(&ask).await?;
        let sum = |place: usize| sums.get(place).copied().flatten().unwrap_or(0);
        let found = start::look(&mut self.lines.any().await?.connection, &self.options).await;
        let mut found = found.map_err(|error| failure::store_error(&error, &self.options.location))?;
        found.warnings.append(&mut found.refusals);
        if !self.lines.hears() {
            found.warnings.push("hints of other processes are not heard now: what they write is seen late".to_owned());
        }
        Ok(StoreInfo {
            kind: "redis",
            version: found.version,
            durability: found.durability,
            location: self.options.location.clone(),
            schema: Some(start::FORMAT.into()),
            workflows,
            queued: sum(0),
            finished,
            finished_bytes: sum(3),
            bytes: sum(1) + sum(2),
            warnings: found.warnings,
        })
    }
}
