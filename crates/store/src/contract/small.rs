//! Everything a store keeps beside logs: small records, buckets, what it says of itself. Owns shapes only.

use std::time::Duration;

use bytes::Bytes;

/// A small record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct SmallRecord {
    /// Grows with every write, from 1.
    pub version: u64,
    /// At most [`SmallRecord::BYTES_MAX`].
    pub value: Bytes,
}

impl SmallRecord {
    /// The largest value, in bytes.
    pub const BYTES_MAX: usize = 256 * 1024;
}

/// A small record to write.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct RecordPut {
    /// The kind of record.
    pub space: String,
    /// Its key.
    pub key: String,
    /// The version it must have; 0: it must not exist.
    pub expected: u64,
    /// The value; `None` deletes it, and the new version is then 0.
    pub value: Option<Bytes>,
    /// How long it lives; `None`: until it is deleted.
    pub ttl: Option<Duration>,
}

/// Something to take from a bucket.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct BucketTake {
    /// The bucket's name.
    pub key: String,
    /// How much. More than `capacity` is granted when the bucket is full, and paid back before anything else is.
    pub amount: u64,
    /// How much it holds when full.
    pub capacity: u64,
    /// How much flows in each second.
    pub per_second: f64,
}

/// What a bucket answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum BucketAnswer {
    /// Taken.
    Taken,
    /// Not enough; ask again after this.
    Wait(Duration),
}

/// What kind of store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct StoreInfo {
    /// For example `sqlite`.
    pub kind: &'static str,
    /// The version of the engine behind it.
    pub version: String,
    /// What a 2xx answer means, in words.
    pub durability: &'static str,
    /// Where it is, without secrets.
    pub location: String,
    /// The version of what it has written, if it writes anything: a program that knows it can read it.
    pub schema: Option<u64>,
    /// Workflows in it.
    pub workflows: u64,
    /// Of these, those in the queue: nobody leases them, and they are claimable, now or from a moment on.
    pub queued: u64,
    /// Those of them that have ended.
    pub finished: u64,
    /// Bytes of the logs of those that have ended: the text of their records as the adapter stores it, or would if it
    /// did. A count kept with every append, not a scan.
    pub finished_bytes: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// What an operator should know.
    pub warnings: Vec<String>,
}
