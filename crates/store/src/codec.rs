//! Records as JSON text: the lines of an entry, and what of a summary changes. Owns the envelope and its version; the
//! shapes inside are the domain's.

use std::{fmt, sync::Arc};

use mcp_orchestrator_domain::{Event, Failure, ForkedFrom, Progress, Record, Status, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Summary, moved::Moved};

/// The largest append, in bytes of JSON. Long texts are blobs.
pub(crate) const APPEND_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One line of an entry. The first says all; what it says of `v`, `at` and `progress` holds until a line says
/// otherwise, of `progress` mostly by what `moved`.
#[derive(Deserialize)]
struct Line {
    v: Option<u16>,
    at: Option<Timestamp>,
    progress: Option<Progress>,
    moved: Option<Moved>,
    event: Event,
}

/// A line that is passed over, or whose event nobody here can read.
#[derive(Deserialize)]
struct Envelope {
    v: Option<u16>,
    at: Option<Timestamp>,
    progress: Option<Progress>,
    moved: Option<Moved>,
}

/// How every entry begins.
const VERSION: &[u8] = b"{\"v\":1,";
const _: () = assert!(Event::VERSION == 1, "the entry names the version of what it holds");

/// The records of one append, encoded before they are handed to a writer: one line of JSON for each.
#[derive(Debug)]
pub(crate) struct Encoded {
    text: Vec<u8>,
    count: u64,
}

impl Encoded {
    /// Encodes at least one record, at most [`APPEND_BYTES_MAX`].
    pub(crate) fn new(records: &[Arc<Record>]) -> Result<Self, StoreError> {
        if records.is_empty() {
            return Err(StoreError::Empty);
        }
        let encoded = Self::of(records)?;
        let bytes = encoded.text.len();
        if bytes > APPEND_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes, bytes_max: APPEND_BYTES_MAX });
        }
        Ok(encoded)
    }

    fn of(records: &[Arc<Record>]) -> Result<Self, StoreError> {
        let mut text = Vec::with_capacity(256 + records.len() * 384);
        let mut before: Option<&Record> = None;
        for record in records {
            // The records of one append mostly share their moment and nearly all of their progress, which
            // would be three tenths of all text.
            match before {
                None => text.extend_from_slice(VERSION),
                Some(_) => text.extend_from_slice(b"\n{"),
            }
            if before.is_none_or(|before| before.at != record.at) {
                text.extend_from_slice(b"\"at\":");
                json(&mut text, &record.at)?;
                text.push(b',');
            }
            match before {
                None => {
                    text.extend_from_slice(b"\"progress\":");
                    json(&mut text, &record.progress)?;
                    text.push(b',');
                }
                Some(before) if before.progress != record.progress => {
                    text.extend_from_slice(b"\"moved\":");
                    json(&mut text, &Moved::between(&before.progress, &record.progress))?;
                    text.push(b',');
                }
                Some(_) => {}
            }
            text.extend_from_slice(b"\"event\":");
            json(&mut text, &record.event)?;
            text.push(b'}');
            before = Some(record);
        }
        Ok(Self { text, count: records.len() as u64 })
    }

    /// Bytes of JSON.
    #[cfg(feature = "sqlite")]
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// How many records.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// All lines.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Anything of ours as JSON text.
pub(crate) fn json_text(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::with_capacity(512);
    json(&mut text, value)?;
    Ok(text)
}

fn json(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), StoreError> {
    serde_json::to_writer(text, value)
        .map_err(|error| StoreError::Unavailable(format!("a value cannot be written as JSON: {error}")))
}

/// Reads an entry line by line. A text that has fewer lines than it should is unreadable where they end.
pub(crate) struct Lines<'a> {
    lines: std::str::Split<'a, char>,
    at: Option<Timestamp>,
    progress: Option<Progress>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        // No line holds a line break: JSON writes it as an escape.
        Self { lines: text.split('\n'), at: None, progress: None }
    }

    /// Passes over a record.
    pub(crate) fn pass(&mut self, what: impl FnOnce() -> String) -> Result<(), StoreError> {
        let line = self.lines.next().unwrap_or_default();
        let read: Envelope = serde_json::from_str(line).map_err(|error| unreadable(&what(), &error))?;
        self.take(read.at, read.progress, read.moved);
        Ok(())
    }

    /// Reads the next record, and says how many bytes it took. `what` names it in the error.
    pub(crate) fn read(&mut self, what: impl FnOnce() -> String) -> Result<(Arc<Record>, usize), StoreError> {
        let line = self.lines.next().unwrap_or_default();
        let read: Line = match serde_json::from_str(line) {
            Ok(read) => read,
            Err(error) => {
                let version = serde_json::from_str::<Envelope>(line).ok().and_then(|envelope| envelope.v);
                return Err(match version {
                    Some(v) if v > Event::VERSION => newer(&what(), v),
                    Some(_) | None => unreadable(&what(), &error),
                });
            }
        };
        if let Some(v) = read.v
            && v > Event::VERSION
        {
            return Err(newer(&what(), v));
        }
        self.take(read.at, read.progress, read.moved);
        let (Some(at), Some(progress)) = (self.at, self.progress) else {
            return Err(unreadable(&what(), &"its first line says neither when nor how far"));
        };
        Ok((Arc::new(Record { at, progress, event: read.event }), line.len()))
    }

    /// Takes in what a line says beside its event.
    fn take(&mut self, at: Option<Timestamp>, progress: Option<Progress>, moved: Option<Moved>) {
        self.at = at.or(self.at);
        self.progress = progress.or(self.progress);
        if let (Some(progress), Some(moved)) = (&mut self.progress, moved) {
            moved.apply(progress);
        }
    }
}

fn unreadable(what: &str, why: &impl fmt::Display) -> StoreError {
    StoreError::Unreadable(format!("{what}: {why}"))
}

fn newer(what: &str, version: u16) -> StoreError {
    let ours = Event::VERSION;
    StoreError::Unreadable(format!("{what} has version {version}, this program reads up to {ours}"))
}

/// Reads JSON of ours back. `what` names it in the error.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(text: &'de str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(format!("{what}: {error}")))
}

/// What of a summary changes: its title and task stay as they are and need not be written with every append.
#[derive(Serialize, Deserialize)]
pub(crate) struct Changing {
    status: Status,
    progress: Progress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forked_from: Option<ForkedFrom>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    poisoned: Option<u32>,
}

impl Changing {
    /// What changes, what stays: title and task.
    pub(crate) fn split(summary: Summary) -> (Self, Arc<str>, Arc<str>) {
        let Summary { status, title, task, progress, started, finished, failure, forked_from, poisoned } = summary;
        (Self { status, progress, started, finished, failure, forked_from, poisoned }, title, task)
    }

    /// The whole again.
    pub(crate) fn with(self, title: Arc<str>, task: Arc<str>) -> Summary {
        let Self { status, progress, started, finished, failure, forked_from, poisoned } = self;
        Summary { status, title, task, progress, started, finished, failure, forked_from, poisoned }
    }
}

/// A summary, encoded: what changes as text, beside it what has columns of its own.
pub(crate) struct Shown {
    pub(crate) title: Arc<str>,
    pub(crate) task: Arc<str>,
    pub(crate) status: &'static str,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) text: Vec<u8>,
}

impl Shown {
    pub(crate) fn new(summary: Summary) -> Result<Self, StoreError> {
        let (status, finished) = (summary.status.as_str(), summary.finished);
        let (changing, title, task) = Changing::split(summary);
        Ok(Self { title, task, status, finished, text: json_text(&changing)? })
    }
}
