//! The words of [`Store`](crate::Store): what it is given and what it promises.
//!
//! A store of your own keeps the promises of each method; those that come with the library are
//! [`MemoryStore`](crate::MemoryStore), `SqliteStore` and `RedisStore`. A *decorator* holds an `Arc<dyn Store>`, adds to the calls it
//! cares about and passes the others on.

#[cfg(feature = "redis")]
pub use mcp_orchestrator_store::RedisOptions;
#[cfg(feature = "sqlite")]
pub use mcp_orchestrator_store::SqliteOptions;
pub use mcp_orchestrator_store::{
    Abilities, After, Append, AppendError, BLOB_BYTES_MAX, BucketAct, BucketAnswer, BucketAsk, Change, Checked, Claim,
    Created, Epoch, FINDINGS_MAX, FeedEntry, FeedPosition, Head, Idempotency, Lease, LeaseRef, Lineage, Needs,
    NewWorkflow, PAGE_MAX, Page, Place, Purged, RecordPut, Renewal, Retention, STANDINGS_MAX, SmallRecord, Standing,
    StoreError, StoreInfo, Summary, Which, WorkerId, WorkflowRow, Writer, named_blobs,
};
