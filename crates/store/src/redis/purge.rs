//! The end of what is old, in Redis: workflows first, then what only they needed. Owns how much one script may do; others
//! wait for it.

use std::sync::PoisonError;

use super::{
    RedisStore,
    lines::ms,
    log::number,
    scripts::{PURGE, SWEEP},
};
use crate::{Purged, Retention, StoreError, clock::system, rules::BLOBS_EVERY};

/// Workflows deleted by one script.
const WORKFLOWS_AT_ONCE: usize = 32;

/// Entries of logs cleared away by one script, which looks at the appends that went with each.
const ENTRIES_AT_ONCE: usize = 64;

impl RedisStore {
    pub(super) async fn do_purge(&self, retention: &Retention, max: usize) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        // What an earlier one that was cut off left.
        self.sweep().await?;
        while purged.workflows < max {
            let more = (max - purged.workflows).min(WORKFLOWS_AT_ONCE);
            let gone = self.purge_workflows(retention, more).await?;
            purged.workflows += gone;
            if gone > 0 {
                self.sweep().await?;
            }
            if gone < more {
                break;
            }
        }
        // Whose blobs there are is one question, what of each may go is one for each.
        if purged.workflows > 0 || self.is_blob_look_due() {
            purged.blobs = self.purge_blobs().await?;
        }
        purged.records = self.purge_records().await?;
        Ok(purged)
    }

    /// Whether nobody has looked at all blobs for a while. Notes that somebody does now.
    fn is_blob_look_due(&self) -> bool {
        let now = self.lines.manual_now().unwrap_or_else(|| system()());
        let mut looked = self.blobs_looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = looked.is_none_or(|looked| now.since(looked) >= BLOBS_EVERY);
        if is_due {
            *looked = Some(now);
        }
        is_due
    }

    /// Deletes some of those a retention lets go, those that ended first.
    async fn purge_workflows(&self, retention: &Retention, max: usize) -> Result<usize, StoreError> {
        let most = |most: Option<u64>| most.map_or_else(String::new, |most| most.to_string());
        let call = self
            .lines
            .call(&PURGE, &[&self.keys.meta()])
            .arg(retention.finished_before.map_or_else(String::new, ms))
            .arg(most(retention.finished_max))
            .arg(most(retention.bytes_max))
            .arg(max);
        let answer: Vec<String> = self.lines.run(call).await?;
        let gone = answer.first().map_or(Ok(0), |count| number(count))?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }

    /// Clears away what deleted workflows left.
    async fn sweep(&self) -> Result<(), StoreError> {
        let names = [self.keys.meta(), self.keys.of("trash"), self.keys.of("feed")];
        loop {
            let call = self.lines.call(&SWEEP, &[&names[0], &names[1], &names[2]]).arg(ENTRIES_AT_ONCE);
            let answer: Vec<String> = self.lines.run(call).await?;
            if answer.first().is_none_or(|more| more != "1") {
                return Ok(());
            }
        }
    }
}
