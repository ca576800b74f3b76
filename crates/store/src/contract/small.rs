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

/// Something asked of a bucket: a rate that all who share the store keep to together.
///
/// It holds at most `capacity` and refills evenly. Who takes from it is in a line with all who took before: what was taken may
/// be used when the bucket, without what was taken later, has had as much. So nobody is overtaken, however much he takes.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct BucketAsk {
    /// The bucket's name.
    pub key: String,
    /// How much it holds when full, as it is at first.
    pub capacity: u64,
    /// How much flows in each second. What is no number or below zero is nothing.
    pub per_second: f64,
    /// What is asked.
    pub act: BucketAct,
}

/// What is asked of a bucket. A write whose outcome is not known is not asked for again: what was taken twice is paid back by
/// time, what was given back twice by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store answers each")]
pub enum BucketAct {
    /// Takes, if what is taken may be used after `wait_max` from now at the latest; zero: now or not at all. More than the
    /// capacity may be used when the bucket is full, and holds up others until it is paid back.
    Take {
        /// How much.
        amount: u64,
        /// How long whoever takes would wait.
        wait_max: Duration,
    },
    /// Asks when what was taken may be used: earlier than was said at first, when somebody before gave something back.
    Look {
        /// How much was taken.
        amount: u64,
        /// Where.
        place: u64,
    },
    /// Gives back what was taken, might be used, and was not. The bucket never holds more than its capacity.
    Give {
        /// How much.
        amount: u64,
    },
    /// Gives back what was taken at a place before it might be used. Counts only while nobody has taken since: who did was told
    /// a moment that reckons with it.
    Leave {
        /// How much was taken.
        amount: u64,
        /// Where.
        place: u64,
    },
}

/// What a bucket answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three outcomes")]
pub enum BucketAnswer {
    /// It is taken, at this place, and may be used after this; zero: now.
    Taken {
        /// Which of all that was ever taken it is.
        place: u64,
        /// From now.
        wait: Duration,
    },
    /// Nothing was taken: it could be used only after this.
    Wait(Duration),
    /// So much was given back.
    Given(u64),
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
