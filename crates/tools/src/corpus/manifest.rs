//! What an index holds and from which state of which files. Owns the comparison with the files there are now; travels
//! inside the index's own commit, so that both change together or not at all.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::Digest;
use serde::{Deserialize, Serialize};

use super::{
    SkipReason,
    kind::Kind,
    walk::{Found, Listing},
};

/// A file changed so shortly before it was read may change again within the clock's resolution.
const RACY_NS: u64 = 2_000_000_000;

/// The state of an index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// By name.
    pub(super) files: BTreeMap<String, Entry>,
}

/// One file as it was indexed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "b")]
    pub(super) bytes: u64,
    #[serde(rename = "m")]
    pub(super) modified_ns: u64,
    /// When it was read.
    #[serde(rename = "r")]
    pub(super) read_ns: u64,
    /// First eight bytes of the content's hash.
    #[serde(rename = "h")]
    pub(super) hash: u64,
    #[serde(rename = "o")]
    pub(super) outcome: Outcome,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    #[serde(rename = "i")]
    Indexed(Document),
    #[serde(rename = "s")]
    Skipped(SkipReason),
}

/// A document in the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    #[serde(rename = "s")]
    pub(super) snapshot: Digest,
    #[serde(rename = "t")]
    pub(super) title: String,
    #[serde(rename = "b")]
    pub(super) text_bytes: u64,
    #[serde(rename = "p")]
    pub(super) passages: u32,
    #[serde(rename = "k")]
    pub(super) kind: Kind,
}

/// How the files differ from the index.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// New or certainly different.
    pub(super) changed: Vec<Found>,
    /// The same size and time, but the time cannot be trusted: the content decides.
    pub(super) doubtful: Vec<Found>,
    /// No longer there.
    pub(super) removed: Vec<String>,
}

impl Manifest {
    /// Compares the files there are with the files that were indexed.
    pub(super) fn compare(&self, listing: &Listing) -> Difference {
        let mut difference = Difference::default();
        for found in &listing.files {
            match self.files.get(&found.name) {
                Some(entry) if entry.bytes == found.bytes && entry.modified_ns == found.modified_ns => {
                    if entry.is_racy() {
                        difference.doubtful.push(found.clone());
                    }
                }
                Some(_) | None => difference.changed.push(found.clone()),
            }
        }
        let is_there = |name: &str| listing.files.binary_search_by(|found| found.name.as_str().cmp(name)).is_ok();
        difference.removed = self.files.keys().filter(|name| !is_there(name)).cloned().collect();
        difference
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.files.iter().filter_map(|(name, entry)| match &entry.outcome {
            Outcome::Indexed(document) => Some((name.as_str(), document)),
            Outcome::Skipped(_) => None,
        })
    }

    pub(super) fn skipped(&self) -> impl Iterator<Item = (&str, SkipReason)> {
        self.files.iter().filter_map(|(name, entry)| match entry.outcome {
            Outcome::Skipped(reason) => Some((name.as_str(), reason)),
            Outcome::Indexed(_) => None,
        })
    }

    pub(super) fn document(&self, name: &str) -> Option<&Document> {
        match &self.files.get(name)?.outcome {
            Outcome::Indexed(document) => Some(document),
            Outcome::Skipped(_) => None,
        }
    }

    pub(super) fn passages(&self) -> u64 {
        self.documents().map(|(_, document)| u64::from(document.passages)).sum()
    }
}

impl Entry {
    fn is_racy(&self) -> bool {
        self.modified_ns == 0 || self.modified_ns.saturating_add(RACY_NS) > self.read_ns
    }
}
