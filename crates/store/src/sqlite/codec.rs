//! A record as JSON text. Owns the envelope and its version; the shapes inside are the domain's.

use std::{ops::Range, sync::Arc};

use mcp_orchestrator_domain::{Event, Progress, Record, Timestamp};
use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The largest append, in bytes of JSON. Long texts are blobs.
pub(super) const APPEND_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct Read {
    v: u16,
    at: Timestamp,
    progress: Progress,
    event: Event,
}

/// Only the version, for what is otherwise unreadable.
#[derive(Deserialize)]
struct Versioned {
    v: u16,
}

/// How every envelope begins: `Read` is its whole shape.
const VERSION_AND_AT: &[u8] = b"{\"v\":1,\"at\":";
const _: () = assert!(Event::VERSION == 1, "the envelope names the version of what it holds");

/// The records of one append, encoded before they are handed to the writer.
#[derive(Debug)]
pub(super) struct Encoded {
    text: Vec<u8>,
    parts: Vec<(&'static str, Range<usize>)>,
}

/// Bytes that are UTF-8 by construction, bound as text without another look.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

impl Encoded {
    pub(super) fn new(records: &[Arc<Record>]) -> Result<Self, StoreError> {
        let mut text = Vec::with_capacity(records.len() * 512);
        let mut parts = Vec::with_capacity(records.len());
        // The records of one append mostly share their progress: it is written out once and then copied.
        let mut written: Option<(&Progress, Range<usize>)> = None;
        for record in records {
            let start = text.len();
            text.extend_from_slice(VERSION_AND_AT);
            json(&mut text, &record.at)?;
            text.extend_from_slice(b",\"progress\":");
            let progress = text.len();
            match &written {
                Some((same, range)) if **same == record.progress => text.extend_from_within(range.clone()),
                Some(_) | None => {
                    json(&mut text, &record.progress)?;
                    written = Some((&record.progress, progress..text.len()));
                }
            }
            text.extend_from_slice(b",\"event\":");
            json(&mut text, &record.event)?;
            text.push(b'}');
            parts.push((record.event.kind(), start..text.len()));
        }
        Ok(Self { text, parts })
    }

    /// Bytes of JSON.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// How many records.
    pub(super) fn count(&self) -> u64 {
        self.parts.len() as u64
    }

    /// Kind and text of each record.
    pub(super) fn parts(&self) -> impl ExactSizeIterator<Item = (&'static str, Text<'_>)> {
        self.parts.iter().map(|(kind, range)| (*kind, Text(self.text.get(range.clone()).unwrap_or_default())))
    }
}

/// Anything of ours as JSON text.
pub(super) fn json_text(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::with_capacity(512);
    json(&mut text, value)?;
    Ok(text)
}

fn json(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), StoreError> {
    serde_json::to_writer(text, value)
        .map_err(|error| StoreError::Unavailable(format!("a value cannot be written as JSON: {error}")))
}

/// Reads a record back. `what` names it in the error.
pub(super) fn decode(text: &str, what: impl FnOnce() -> String) -> Result<Arc<Record>, StoreError> {
    match serde_json::from_str::<Read>(text) {
        Ok(read) if read.v <= Event::VERSION => {
            Ok(Arc::new(Record { at: read.at, progress: read.progress, event: read.event }))
        }
        Ok(read) => Err(newer(&what(), read.v)),
        Err(error) => match serde_json::from_str::<Versioned>(text) {
            Ok(Versioned { v }) if v > Event::VERSION => Err(newer(&what(), v)),
            Ok(_) | Err(_) => Err(StoreError::Unreadable(format!("{}: {error}", what()))),
        },
    }
}

fn newer(what: &str, version: u16) -> StoreError {
    let ours = Event::VERSION;
    StoreError::Unreadable(format!("{what} has version {version}, this program reads up to {ours}"))
}

/// Reads JSON of ours back. `what` names it in the error.
pub(super) fn from_json<'de, T: Deserialize<'de>>(text: &'de str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(format!("{what}: {error}")))
}
