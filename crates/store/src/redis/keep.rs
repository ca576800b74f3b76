//! What is kept beside logs in Redis: blobs, small records, buckets, and their end. Owns the calls; when something may go
//! is said in the scripts.

use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, millis};

use super::{
    RedisStore,
    log::{number, unreadable},
    scripts::{BLOB_PURGE, BLOB_TOUCH, BUCKET, RECORD_PURGE, RECORD_PUT},
};
use crate::{
    BLOB_BYTES_MAX, BucketAct, BucketAnswer, BucketAsk, PAGE_MAX, RecordPut, SmallRecord, StoreError, bucket,
    digest::hash, rules::BLOB_GRACE,
};

/// Blobs or records one script deletes: others wait for it.
const DELETED_AT_ONCE: usize = 256;

/// Small records fetched at once: sixteen megabytes at most.
const RECORDS_AT_ONCE: usize = 64;

impl RedisStore {
    pub(super) async fn keep_blob(&self, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: bytes.len(), bytes_max: BLOB_BYTES_MAX });
        }
        let sha256 = hash(&bytes).await?;
        // Noted as used before the bytes are there, so that they are never there unnoted and kept for ever.
        if !self.touch_blob(tenant, &sha256).await? {
            let mut set = redis::cmd("SET");
            set.arg(self.keys.blob(tenant, &sha256)).arg(&bytes[..]);
            self.lines.bulk::<()>(&set).await?;
            self.touch_blob(tenant, &sha256).await?;
        }
        Ok(BlobRef { sha256, bytes: bytes.len() as u64 })
    }

    /// Notes that a blob is used now; whether its bytes are here.
    async fn touch_blob(&self, tenant: &Principal, sha256: &Digest) -> Result<bool, StoreError> {
        let (meta, blob) = (self.keys.meta(), self.keys.blob(tenant, sha256));
        let call = self.lines.call(&BLOB_TOUCH, &[&meta, &blob]).arg(tenant.as_str()).arg(sha256.to_string());
        let answer: Vec<String> = self.lines.run(call).await?;
        Ok(answer.first().is_some_and(|here| here == "1"))
    }

    pub(super) async fn blob(&self, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, StoreError> {
        let bytes: Option<Vec<u8>> = self.lines.bulk(&redis::Cmd::get(self.keys.blob(tenant, sha256))).await?;
        let Some(bytes) = bytes.map(Bytes::from) else { return Ok(None) };
        if hash(&bytes).await? != *sha256 {
            return Err(StoreError::Unreadable(format!("blob {sha256} is not what it was")));
        }
        Ok(Some(bytes))
    }

    pub(super) async fn purge_blobs(&self) -> Result<usize, StoreError> {
        let (mut sum, mut after) = (0, "-".to_owned());
        loop {
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(self.keys.of("tenants")).arg(&after).arg("+").arg(&["BYLEX", "LIMIT", "0"]).arg(PAGE_MAX);
            let tenants: Vec<String> = self.lines.command(&ask).await?;
            let Some(last) = tenants.last() else { return Ok(sum) };
            after = format!("({last}");
            for tenant in &tenants {
                sum += self
                    .repeat(|| {
                        let call = self.lines.call(&BLOB_PURGE, &[&self.keys.meta()]);
                        call.arg(tenant).arg(millis(BLOB_GRACE)).arg(DELETED_AT_ONCE)
                    })
                    .await?;
            }
        }
    }

    pub(super) async fn purge_records(&self) -> Result<usize, StoreError> {
        self.repeat(|| self.lines.call(&RECORD_PURGE, &[&self.keys.meta()]).arg(DELETED_AT_ONCE)).await
    }

    /// Repeats a piece of work that does a bounded part at a time, until nothing is left to do.
    async fn repeat(&self, part: impl Fn() -> super::lines::Call) -> Result<usize, StoreError> {
        let mut sum = 0;
        loop {
            let answer: Vec<String> = self.lines.run(part()).await?;
            let done = answer.first().map_or(Ok(0), |count| number(count))?;
            let done = usize::try_from(done).unwrap_or(usize::MAX);
            sum += done;
            if done < DELETED_AT_ONCE {
                return Ok(sum);
            }
        }
    }

    pub(super) async fn small(&self, space: &str, key: &str) -> Result<Option<SmallRecord>, StoreError> {
        let mut ask = redis::pipe();
        ask.cmd("TIME").hget(self.keys.records(space), key);
        let (time, found): ((u64, u64), Option<Vec<u8>>) = self.lines.pipeline(&ask).await?;
        let now = self.now_ms(time);
        found.map(|kept| Kept::read(kept, key)).transpose().map(|kept| kept.and_then(|kept| kept.at(now)))
    }

    pub(super) async fn put_small(&self, put: RecordPut) -> Result<u64, StoreError> {
        let bytes = put.value.as_ref().map_or(0, Bytes::len);
        if bytes > SmallRecord::BYTES_MAX {
            return Err(StoreError::TooLarge { bytes, bytes_max: SmallRecord::BYTES_MAX });
        }
        let names = [self.keys.meta(), self.keys.records(&put.space), self.keys.names(&put.space)];
        let mut call = self
            .lines
            .call(&RECORD_PUT, &[&names[0], &names[1], &names[2]])
            .arg(&put.space)
            .arg(&put.key)
            .arg(put.expected)
            .arg(put.ttl.map_or_else(String::new, |ttl| millis(ttl).to_string()));
        if let Some(value) = &put.value {
            call = call.arg(&value[..]);
        }
        let answer: Vec<String> = self.lines.run(call).await?;
        let version = answer.get(1).map_or(Ok(0), |version| number(version))?;
        match answer.first().map(String::as_str) {
            Some("ok") => Ok(version),
            Some("conflict") => Err(StoreError::VersionConflict { found: version }),
            other => Err(unreadable("the answer to a record", other.unwrap_or_default())),
        }
    }

    pub(super) async fn smalls(
        &self,
        space: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, SmallRecord)>, StoreError> {
        let max = max.min(PAGE_MAX);
        let mut records = Vec::new();
        let mut from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        while records.len() < max {
            let mut ask = redis::cmd("ZRANGE");
            let wanted = (max - records.len()).min(RECORDS_AT_ONCE);
            ask.arg(self.keys.names(space)).arg(&from).arg("+").arg(&["BYLEX", "LIMIT", "0"]).arg(wanted);
            let keys: Vec<String> = self.lines.command(&ask).await?;
            let Some(last) = keys.last() else { break };
            from = format!("({last}");
            let mut ask = redis::pipe();
            ask.cmd("TIME").cmd("HMGET").arg(self.keys.records(space)).arg(&keys);
            let (time, found): ((u64, u64), Vec<Option<Vec<u8>>>) = self.lines.pipeline(&ask).await?;
            let now = self.now_ms(time);
            for (key, kept) in keys.into_iter().zip(found) {
                let Some(kept) = kept.map(|kept| Kept::read(kept, &key)).transpose()? else { continue };
                records.extend(kept.at(now).map(|record| (key, record)));
            }
        }
        Ok(records)
    }

    pub(super) async fn ask_bucket(&self, ask: &BucketAsk) -> Result<BucketAnswer, StoreError> {
        let (meta, bucket) = (self.keys.meta(), self.keys.bucket(&ask.key));
        let (act, amount, more) = match ask.act {
            BucketAct::Take { amount, wait_max } => ("take", amount, millis(wait_max)),
            BucketAct::Look { amount, place } => ("look", amount, place),
            BucketAct::Give { amount } => ("give", amount, 0),
            BucketAct::Leave { amount, place } => ("leave", amount, place),
        };
        let call = self.lines.call(&BUCKET, &[&meta, &bucket]).arg(act).arg(amount).arg(more);
        let call = call.arg(ask.capacity).arg(bucket::flow(ask));
        let answer: (String, String, String) = self.lines.run(call).await?;
        let number = |text: &str| text.parse::<f64>().map_err(|_| unreadable("what a bucket holds", text));
        let (held, taken) = (number(&answer.1)?, number(&answer.2)?);
        Ok(match (answer.0.as_str(), ask.act) {
            ("done", BucketAct::Take { amount, .. }) => {
                BucketAnswer::Taken { place: bucket::whole(taken), wait: bucket::wait(held, taken, amount, taken, ask) }
            }
            (_, BucketAct::Take { amount, .. }) => {
                #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
                let held = held - amount as f64;
                BucketAnswer::Wait(bucket::wait(held, taken, amount, taken, ask))
            }
            (_, BucketAct::Look { amount, place }) => {
                #[expect(clippy::cast_precision_loss, reason = "places are far below 2^52")]
                let wait = bucket::wait(held, taken, amount, place as f64, ask);
                BucketAnswer::Taken { place, wait }
            }
            ("done", BucketAct::Give { amount } | BucketAct::Leave { amount, .. }) => BucketAnswer::Given(amount),
            (_, BucketAct::Give { .. } | BucketAct::Leave { .. }) => BucketAnswer::Given(0),
        })
    }

    /// The store's time, given Redis's.
    pub(super) fn now_ms(&self, (seconds, micros): (u64, u64)) -> u64 {
        self.lines.manual_now().map_or(seconds * 1000 + micros / 1000, |now| now.as_millis())
    }
}

/// A small record with its end.
struct Kept {
    record: SmallRecord,
    ends: u64,
}

impl Kept {
    fn read(kept: Vec<u8>, key: &str) -> Result<Self, StoreError> {
        let kept = Bytes::from(kept);
        let mut parts = kept.splitn(3, |byte| *byte == b' ');
        let mut next = || {
            let part = parts.next().and_then(|part| std::str::from_utf8(part).ok());
            part.and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| unreadable("a small record", key))
        };
        let (version, ends) = (next()?, next()?);
        let value = parts.next().ok_or_else(|| unreadable("a small record", key))?;
        Ok(Self { record: SmallRecord { version, value: kept.slice_ref(value) }, ends })
    }

    /// The record, unless it has ended.
    fn at(self, now: u64) -> Option<SmallRecord> {
        (self.ends == 0 || self.ends > now).then_some(self.record)
    }
}
