//! Small rules all adapters share: rank in the queue, what counts as progress, the age of blobs. Pure.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Record, Timestamp, millis};

/// How long a blob stays that no record names yet: twice what the contract promises, so that putting it again need
/// not always write.
pub(crate) const BLOB_GRACE: Duration = Duration::from_hours(2);

/// How often the blobs of all tenants are looked at, who may be many: asking for a purge every second is cheap then.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) const BLOBS_EVERY: Duration = Duration::from_mins(5);

/// How long it takes to gain one level of priority.
const AGEING: Duration = Duration::from_mins(1);

/// The most buckets in use at once.
pub(crate) const BUCKETS_MAX: usize = 100_000;

/// The place in the queue, lower first: the moment it became ready, a minute earlier for every level of priority.
/// Waiting thus gains one level a minute, and nothing need ever be reordered.
pub(crate) fn rank(ready: Timestamp, priority: u8) -> i64 {
    let head_start = i64::from(priority).saturating_mul(i64::try_from(millis(AGEING)).unwrap_or(i64::MAX));
    i64::try_from(ready.as_millis()).unwrap_or(i64::MAX).saturating_sub(head_start)
}

/// Whether records to append say that their workflow got on, so that attempts are counted anew.
pub(crate) fn is_progress(records: &[Arc<Record>]) -> bool {
    records.iter().any(|record| record.event.is_progress())
}

/// Blobs of a tenant that were last put or named before this moment belong to no workflow that is left.
///
/// Each append marks the blobs its records name as used then, so a blob a workflow needs was used after that
/// workflow was created: what was used before the oldest one left was created is nobody's. Cheap, and never wrong in
/// the dangerous direction; one old workflow keeps younger blobs longer than need be.
pub(crate) fn blobs_unused_before(oldest_created: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let moment = oldest_created.unwrap_or(now).min(now);
    Timestamp::from_millis(moment.as_millis().saturating_sub(millis(BLOB_GRACE)))
}
