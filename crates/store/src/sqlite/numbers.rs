//! Between our unsigned numbers and SQLite's signed ones. Saturates: no value of ours is near the edge.

use mcp_orchestrator_domain::{Seq, Timestamp};

pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn int_len(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn ms(time: Timestamp) -> i64 {
    int(time.as_millis())
}

pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millis(uint(ms))
}

pub(super) fn seq(value: i64) -> Seq {
    Seq::new(uint(value))
}
