//! Between our numbers and texts and SQLite's. Saturates: no value of ours is near the edge.

use mcp_orchestrator_domain::{Seq, Timestamp};
use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};

/// Bytes that are UTF-8 by construction, bound as text without another look.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

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
