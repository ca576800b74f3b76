//! Durable workflow logs: the [`Store`] contract with its adapters.
mod bucket;
mod clock;
mod contract;
mod hints;
mod memory;
mod references;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use clock::Now;
pub use contract::{
    Abilities, After, Append, AppendError, BLOB_BYTES_MAX, BucketAnswer, BucketTake, Change, Claim, Created, Epoch,
    FeedEntry, FeedPosition, Idempotency, Lease, LeaseRef, ListFilter, Needs, NewWorkflow, PAGE_MAX, Page, Purged,
    RecordPut, Renewal, SmallRecord, Store, StoreError, StoreInfo, Summary, Which, WorkerId, WorkflowRow, Writer,
};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
