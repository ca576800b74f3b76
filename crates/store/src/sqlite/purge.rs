//! Deleting what is kept no longer, in bounded parts between which others write. Owns the parts' sizes and how often all
//! blobs are looked at; what goes is decided in `keep`.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use mcp_orchestrator_domain::Principal;

use super::{SqliteStore, failure::Failure, keep, writer::Session};
use crate::{Purged, Retention, StoreError, rules::BLOBS_EVERY};

/// Workflows deleted in one transaction: others wait for it.
const PURGED_AT_ONCE: usize = 32;

/// See [`Store::purge`](crate::Store::purge).
pub(super) async fn purge(store: &SqliteStore, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
    let mut purged = Purged::default();
    let mut whose = BTreeSet::new();
    while purged.workflows < max {
        let more = (max - purged.workflows).min(PURGED_AT_ONCE);
        let retention = *retention;
        let gone = store.writer.submit(move |session| keep::purge_workflows(session, &retention, more)).await?;
        purged.workflows += gone.len();
        let all = gone.len() < more;
        whose.extend(gone);
        if all {
            break;
        }
    }
    purged.blobs = store.purge_blobs(whose).await?;
    purged.records = store.repeat(|session| keep::purge_records(session)).await?;
    store.repeat(|session| keep::forget_full_buckets(session, keep::DELETED_MAX)).await?;
    Ok(purged)
}

impl SqliteStore {
    /// Deletes blobs nobody needs: of those whose workflows have gone, and now and then of all.
    async fn purge_blobs(&self, whose: BTreeSet<Principal>) -> Result<usize, StoreError> {
        let now = (self.now)();
        let of_all = {
            let mut last = self.blobs_looked.lock().unwrap_or_else(PoisonError::into_inner);
            let due = last.is_none_or(|last| now.since(last) >= BLOBS_EVERY);
            if due {
                *last = Some(now);
            }
            due
        };
        if of_all {
            return self.repeat(keep::purge_blobs).await;
        }
        let mut sum = 0;
        for tenant in whose {
            let tenant: Arc<str> = tenant.as_str().into();
            loop {
                let of = Arc::clone(&tenant);
                let part =
                    self.writer.submit(move |session| keep::purge_blobs_of(session, &of, keep::DELETED_MAX)).await?;
                sum += part;
                if part < keep::DELETED_MAX {
                    break;
                }
            }
        }
        Ok(sum)
    }

    /// Repeats a piece of work that does a bounded part at a time, until nothing is left to do.
    async fn repeat(
        &self,
        part: impl Fn(&mut Session<'_>) -> Result<usize, Failure> + Copy + Send + 'static,
    ) -> Result<usize, StoreError> {
        let mut sum = 0;
        loop {
            let done = self.writer.submit(part).await?;
            sum += done;
            if done < keep::DELETED_MAX {
                return Ok(sum);
            }
        }
    }
}
