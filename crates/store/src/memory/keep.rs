//! What is kept beside logs, in memory: blobs, small records, buckets, and their end.

use std::{collections::HashMap, ops::Bound};

use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Timestamp};

use super::{
    Limits,
    state::{Blob, Small, State},
};
use crate::{
    BLOB_BYTES_MAX, BucketAnswer, BucketAsk, PAGE_MAX, Purged, RecordPut, Retention, SmallRecord, StoreError,
    bucket::Level,
    rules::{BUCKETS_MAX, blobs_unused_before},
};

impl State {
    pub(super) fn put_blob(
        &mut self,
        tenant: &Principal,
        sha256: Digest,
        bytes: Bytes,
        now: Timestamp,
        limits: Limits,
    ) -> Result<BlobRef, StoreError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: bytes.len(), bytes_max: BLOB_BYTES_MAX });
        }
        let answer = BlobRef { sha256, bytes: bytes.len() as u64 };
        let blobs = self.blobs.entry(tenant.clone()).or_default();
        if let Some(blob) = blobs.get_mut(&sha256) {
            blob.used = now;
            return Ok(answer);
        }
        if self.blob_bytes + bytes.len() > limits.blob_bytes_max {
            let (held, most) = (self.blob_bytes, limits.blob_bytes_max);
            return Err(StoreError::Full(format!("it holds {held} of {most} bytes of blobs")));
        }
        self.blob_bytes += bytes.len();
        blobs.insert(sha256, Blob { bytes, used: now });
        Ok(answer)
    }

    pub(super) fn blob(&self, tenant: &Principal, sha256: &Digest) -> Option<Bytes> {
        self.blobs.get(tenant)?.get(sha256).map(|blob| blob.bytes.clone())
    }

    pub(super) fn record(&self, space: &str, key: &str, now: Timestamp) -> Option<SmallRecord> {
        let small = self.records.get(space)?.get(key)?;
        small.lives(now).then(|| small.record.clone())
    }

    pub(super) fn record_put(&mut self, put: RecordPut, now: Timestamp) -> Result<u64, StoreError> {
        let bytes = put.value.as_ref().map_or(0, Bytes::len);
        if bytes > SmallRecord::BYTES_MAX {
            return Err(StoreError::TooLarge { bytes, bytes_max: SmallRecord::BYTES_MAX });
        }
        let found = self.record(&put.space, &put.key, now).map_or(0, |record| record.version);
        if found != put.expected {
            return Err(StoreError::VersionConflict { found });
        }
        let space = self.records.entry(put.space).or_default();
        let Some(value) = put.value else {
            space.remove(&put.key);
            return Ok(0);
        };
        let version = found + 1;
        let expires = put.ttl.map(|ttl| now.after(ttl));
        space.insert(put.key, Small { record: SmallRecord { version, value }, expires });
        Ok(version)
    }

    pub(super) fn record_scan(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
        now: Timestamp,
    ) -> Vec<(String, SmallRecord)> {
        let Some(records) = self.records.get(space) else { return Vec::new() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        records
            .range::<str, _>((from, Bound::Unbounded))
            .filter(|(_, small)| small.lives(now))
            .take(max.min(PAGE_MAX))
            .map(|(key, small)| (key.clone(), small.record.clone()))
            .collect()
    }

    pub(super) fn bucket(&mut self, ask: BucketAsk, now: Timestamp) -> Result<BucketAnswer, StoreError> {
        if self.buckets.len() >= BUCKETS_MAX && !self.buckets.contains_key(&ask.key) {
            self.forget_full_buckets(now);
            if self.buckets.len() >= BUCKETS_MAX {
                return Err(StoreError::Full(format!("it holds {BUCKETS_MAX} buckets")));
            }
        }
        let before = self.buckets.get(&ask.key).map(|(level, _)| *level);
        let (level, answer) = Level::after(before, &ask, now);
        let full_at = level.full_at(&ask);
        self.buckets.insert(ask.key, (level, full_at));
        Ok(answer)
    }

    pub(super) fn purge(&mut self, retention: &Retention, max: usize, now: Timestamp) -> Purged {
        let mut purged = Purged::default();
        while purged.workflows < max
            && let Some((at, number)) = self.finished.first().copied()
            && retention.lets_go(at, self.finished.len() as u64, self.finished_bytes)
        {
            self.finished.remove(&(at, number));
            purged.workflows += 1;
            let Some(id) = self.order.remove(&number) else { continue };
            let Some(workflow) = self.workflows.remove(&id) else { continue };
            self.finished_bytes = self.finished_bytes.saturating_sub(workflow.bytes);
            if let Some(given) = workflow.idempotency {
                self.idempotency.remove(&(workflow.principal, given.key));
            }
        }
        if purged.workflows > 0 {
            self.feed.retain(|slot| self.workflows.contains_key(&slot.id));
        }
        purged.blobs = self.purge_blobs(now);
        purged.records = self.purge_records(now);
        self.forget_full_buckets(now);
        purged
    }

    pub(super) fn workflow_count(&self) -> u64 {
        self.workflows.len() as u64
    }

    pub(super) fn queued(&self) -> u64 {
        self.queue.len() as u64
    }

    /// What blobs and small records take; records are shared with their readers and not counted.
    pub(super) fn bytes(&self) -> u64 {
        let small = self.records.values().flat_map(|space| space.values()).map(|small| small.record.value.len());
        (self.blob_bytes + small.sum::<usize>()) as u64
    }

    fn purge_blobs(&mut self, now: Timestamp) -> usize {
        if self.blobs.is_empty() {
            return 0;
        }
        let mut oldest: HashMap<&Principal, Timestamp> = HashMap::new();
        for workflow in self.order.values().filter_map(|id| self.workflows.get(id)) {
            oldest.entry(&workflow.principal).or_insert(workflow.created);
        }
        let mut count = 0;
        for (tenant, blobs) in &mut self.blobs {
            let unused_before = blobs_unused_before(oldest.get(tenant).copied(), now);
            blobs.retain(|_, blob| {
                let keep = blob.used >= unused_before;
                if !keep {
                    count += 1;
                    self.blob_bytes -= blob.bytes.len();
                }
                keep
            });
        }
        self.blobs.retain(|_, blobs| !blobs.is_empty());
        count
    }

    fn purge_records(&mut self, now: Timestamp) -> usize {
        let mut count = 0;
        for space in self.records.values_mut() {
            let before = space.len();
            space.retain(|_, small| small.lives(now));
            count += before - space.len();
        }
        self.records.retain(|_, space| !space.is_empty());
        count
    }

    fn forget_full_buckets(&mut self, now: Timestamp) {
        self.buckets.retain(|_, (_, full_at)| full_at.is_none_or(|at| at > now));
    }
}

impl Small {
    fn lives(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}
