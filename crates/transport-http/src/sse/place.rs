//! Where a reader of several workflows stands, as one text. Owns that text; each workflow's part is a cursor.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::Cursor;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The longest text that is read.
const BYTES_MAX: usize = 4_096;
/// Between a workflow's short name and its cursor.
const OF: char = '.';
/// Between two workflows.
const AND: char = '~';

/// A place in the streams of several workflows: for each that has begun the first eight digits of the SHA-256 of its id
/// and its cursor. Opaque to clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    cursors: BTreeMap<String, Cursor>,
}

impl Place {
    /// Reads an id that a client hands back.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let refused = || {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            Problem::bad_request(format!("{shown:?} is no id of an event of this stream"))
                .with_code("invalid_cursor")
                .with_hint("hand back the id of the last event as it was given, or none")
        };
        if text.len() > BYTES_MAX {
            return Err(refused());
        }
        let mut cursors = BTreeMap::new();
        for part in text.split(AND) {
            let (name, cursor) = part.split_once(OF).ok_or_else(refused)?;
            let cursor: Cursor = cursor.parse().map_err(|_| refused())?;
            let is_name = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_name || cursors.insert(name.to_owned(), cursor).is_some() {
                return Err(refused());
            }
        }
        Ok(Self { cursors })
    }

    /// Where the reader stands in one workflow.
    pub(crate) fn of(&self, id: &WorkflowId) -> Cursor {
        self.cursors.get(&short(id)).copied().unwrap_or(Cursor::START)
    }

    /// The text of a place.
    pub(crate) fn text<'a>(cursors: impl Iterator<Item = (&'a str, Cursor)>) -> String {
        let mut text = String::new();
        for (name, cursor) in cursors.filter(|(_, cursor)| *cursor != Cursor::START) {
            if !text.is_empty() {
                text.push(AND);
            }
            text.push_str(name);
            text.push(OF);
            text.push_str(&cursor.to_string());
        }
        text
    }
}

/// The short name of a workflow in a place.
pub(super) fn short(id: &WorkflowId) -> String {
    let digest = Sha256::digest(id.as_str().as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
