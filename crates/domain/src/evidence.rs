//! Evidence: byte ranges in stored texts. Owns the shapes and where an id is cited; does not hash, read or search.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Digest, EvidenceId};

/// A verbatim quote with its place: bytes `start..end` of the UTF-8 snapshot named by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "tools build it")]
pub struct Span {
    /// What agents cite. Derived from snapshot and range, so the same place has the same id everywhere.
    pub id: EvidenceId,
    /// SHA-256 of the snapshot, the text that was indexed or fetched.
    pub snapshot: Digest,
    /// First byte of the quote in the snapshot.
    pub start: u64,
    /// The byte after the quote's last.
    pub end: u64,
    /// The quote: exactly those bytes.
    pub quote: Arc<str>,
    /// Where the snapshot is from.
    pub source: Arc<Source>,
}

/// Where a snapshot is from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "tools build it")]
pub struct Source {
    /// `corpus:<name>/<path inside it>` or a URL. Never a path of the machine.
    pub uri: String,
    /// What a reader calls it: a heading or a file name.
    pub title: String,
}

/// Looks evidence up. Implemented by whoever holds spans and snapshots: a workflow, a report's evidence folder.
pub trait Evidence {
    /// The span with this id, if there is one.
    fn span(&self, id: &EvidenceId) -> Option<&Span>;

    /// The text of a snapshot, if it is at hand.
    fn snapshot(&self, digest: &Digest) -> Option<&str>;
}

/// Evidence held in memory.
#[derive(Clone, Debug, Default)]
pub struct EvidenceSet {
    spans: HashMap<EvidenceId, Arc<Span>>,
    snapshots: HashMap<Digest, Arc<str>>,
}

impl EvidenceSet {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a span; the first of an id stays.
    pub fn add_span(&mut self, span: Arc<Span>) {
        self.spans.entry(span.id.clone()).or_insert(span);
    }

    /// Adds a snapshot's text. The caller has checked that it hashes to `digest`.
    pub fn add_snapshot(&mut self, digest: Digest, text: Arc<str>) {
        self.snapshots.insert(digest, text);
    }

    /// All spans in no particular order.
    pub fn spans(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.spans.values()
    }
}

impl Evidence for EvidenceSet {
    fn span(&self, id: &EvidenceId) -> Option<&Span> {
        self.spans.get(id).map(Arc::as_ref)
    }

    fn snapshot(&self, digest: &Digest) -> Option<&str> {
        self.snapshots.get(digest).map(AsRef::as_ref)
    }
}

/// The evidence ids cited in a text as `[ev_…]`, in order, each once.
///
/// Several ids may share one bracket: `[ev_0a1b2c, ev_3d4e5f]`.
#[must_use]
pub fn cited(text: &str) -> Vec<EvidenceId> {
    let mut ids = Vec::new();
    for piece in text.split('[').skip(1) {
        let Some((inside, _)) = piece.split_once(']') else { continue };
        for word in inside.split([',', ';', ' ']) {
            if let Ok(id) = EvidenceId::new(word.trim())
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
    }
    ids
}
