//! Durable workflow logs: the [`Store`] contract with its adapters.
mod store;

pub use store::{
    Abilities, After, Append, AppendError, BucketAnswer, BucketTake, Change, Claim, Created, Epoch, FeedEntry,
    FeedPosition, Idempotency, Lease, LeaseRef, ListFilter, Needs, NewWorkflow, Page, Purged, RecordPut, Renewal,
    SmallRecord, Store, StoreError, StoreInfo, Summary, Which, WorkerId, WorkflowRow, Writer,
};
