//! Durable workflow logs: the [`Store`] contract with its adapters.
//!
//! A workflow is a log. A store numbers its records, keeps who may run it, wakes those who look for work, and tells
//! those who watch. *Acknowledged means stored*: what an operation has answered is as durable as
//! [`StoreInfo::durability`] says, and log, summary, queue entry and lease change together or not at all.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mcp_orchestrator_domain::{
//!     Event, Principal, Progress, Record, Seq, Started, Status, Timestamp, TimerFired, WorkflowId,
//! };
//! use mcp_orchestrator_store::{
//!     Abilities, After, Append, Claim, Lineage, MemoryStore, Needs, NewWorkflow, Store, Summary, Which, WorkerId,
//!     Writer,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let record = |event| Arc::new(Record { at: Timestamp::from_millis(1), progress: Progress::default(), event });
//! let summary = |status| Summary {
//!     status,
//!     title: "Crashes".into(),
//!     task: "How does a workflow survive a crash?".into(),
//!     progress: Progress::default(),
//!     started: None,
//!     finished: None,
//!     failure: None,
//!     forked_from: None,
//!     poisoned: None,
//! };
//! let store = MemoryStore::new(); // or SqliteStore::open("workflows.db").await?
//!
//! let id: WorkflowId = "research_0123456789ab".parse()?;
//! store
//!     .create(NewWorkflow {
//!         id: id.clone(),
//!         principal: Principal::local(),
//!         pattern: "beltalowda".parse()?,
//!         needs: Needs::default(),
//!         priority: 5,
//!         idempotency: None,
//!         records: vec![record(Event::TimerFired(TimerFired { due: Timestamp::from_millis(1) }))],
//!         summary: summary(Status::Queued),
//!         reserved_for: None,
//!         queue_max: None,
//!     })
//!     .await?;
//!
//! // A worker takes it, and is the only one whose appends are accepted while its lease lasts.
//! let worker = WorkerId("worker-1".into());
//! let which = Which::Able(&Abilities::default());
//! let ttl = Duration::from_secs(15);
//! let lease = store.claim(Claim { worker: &worker, which, max: 1, ttl, cluster_max: None }).await?.remove(0);
//! let head = store
//!     .append(Append {
//!         id: id.clone(),
//!         expected: lease.head,
//!         lineage: Lineage::UNKNOWN,
//!         writer: Writer::Owner(lease.lease.epoch),
//!         append_id: 0x5eed, // 128 random bits: asking again under them writes nothing twice
//!         records: vec![record(Event::Started(Started { deadline: Timestamp::from_millis(9), resumed: false }))],
//!         summary: summary(Status::Running),
//!         after: After::Keep,
//!     })
//!     .await?;
//! assert_eq!(head.seq, Seq::new(2));
//!
//! let page = store.read(&id, Seq::ZERO, 100).await?;
//! assert_eq!(page.records.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Adapters
//!
//! | type | feature | shared by | durable |
//! |---|---|---|---|
//! | [`MemoryStore`] | – | one process | no |
//! | `SqliteStore` | `sqlite` | the processes of one machine | synced to the disk |
//! | `RedisStore` | `redis` | the processes of any machines | as the server is configured: see [`StoreInfo::durability`] |
//!
//! Another adapter implements [`Store`] and passes the suite these pass.
//!
//! # Where to start
//!
//! [`Store`] says what each operation promises; [`AppendError`] what a writer does about each refusal; [`After`] and
//! [`Which`] how workflows move between queue and workers.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bucket;
mod clock;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod codec;
mod contract;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod digest;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod entry;
mod hints;
mod memory;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod moved;
#[cfg(feature = "redis")]
mod redis;
mod references;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "redis")]
pub use self::redis::{RedisOptions, RedisStore};
pub use clock::Now;
pub use contract::{
    Abilities, After, Append, AppendError, BLOB_BYTES_MAX, BucketAct, BucketAnswer, BucketAsk, Change, Checked, Claim,
    Created, Epoch, FINDINGS_MAX, FeedEntry, FeedPosition, Head, Idempotency, Lease, LeaseRef, Lineage, ListFilter,
    Needs, NewWorkflow, PAGE_MAX, Page, Place, Purged, RecordPut, Renewal, Retention, STANDINGS_MAX, SmallRecord,
    Standing, Store, StoreError, StoreInfo, Summary, Which, WorkerId, WorkflowRow, Writer,
};
pub use memory::MemoryStore;
pub use references::named_blobs;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
