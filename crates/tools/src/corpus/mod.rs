//! Full-text search over folders. Owns [`Corpus`], the one handle to an index; knows no model, no workflow and no network.

mod error;
mod extract;
mod index;
mod kind;
mod location;
mod manifest;
mod options;
mod passage;
mod read;
mod schema;
mod search;
mod tools;
mod update;
mod walk;
mod words;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use mcp_orchestrator_domain::{CorpusName, Digest, EvidenceId, Source};
use sha2::{Digest as _, Sha256};

pub use error::CorpusError;
pub use extract::SkipReason;
pub use options::{CorpusLimits, CorpusOptions};
pub use read::Reading;
pub use search::Hit;
pub use tools::{Corpora, CorpusRead, CorpusSearch};

use crate::Snapshot;
use index::State;
use update::Updated;
use walk::Root;

/// Folders of documents that can be searched.
///
/// Every call blocks: on files and on the index, for milliseconds when nothing changed. From async code use a blocking
/// task; the tools do. Calls may run at the same time from many threads; a search sees the index as of the last finished
/// [`refresh`](Corpus::refresh).
#[derive(Debug)]
pub struct Corpus {
    options: CorpusOptions,
    roots: Vec<Root>,
    folder: Option<PathBuf>,
    held: RwLock<Arc<Held>>,
    refreshing: Mutex<()>,
}

/// The index and what is known of it, replaced as a whole.
#[derive(Debug)]
struct Held {
    state: State,
    passed_over: Vec<(String, SkipReason)>,
    summary: CorpusSummary,
}

/// What a corpus holds and what the last update did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorpusSummary {
    /// Documents that can be found.
    pub documents: usize,
    /// Passages they were cut into.
    pub passages: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Files that were seen and not taken; [`Corpus::skipped`] names them.
    pub skipped: usize,
    /// Files the last update read.
    pub changed: usize,
    /// Files the last update found gone.
    pub removed: usize,
    /// Another process was indexing and took too long, so that this index is as it was before.
    pub is_stale: bool,
    /// How long the last update took.
    pub took: Duration,
}

/// A document of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorpusDocument {
    /// Its address and title.
    pub source: Source,
    /// Its text's address.
    pub snapshot: Digest,
    /// Bytes of its text.
    pub text_bytes: u64,
    /// Passages it was cut into.
    pub passages: u32,
}

impl Corpus {
    /// Opens a corpus: makes its index or brings it up to date. Only new and changed files are read; what is in the
    /// cache folder is shared with other processes, one of which writes at a time.
    ///
    /// # Errors
    /// [`CorpusError`] naming the folder that is missing, unreadable, empty or too large, or the index that failed. A
    /// cache folder that cannot be written is no error: the index is then made in memory, and a warning is logged.
    pub fn open(options: CorpusOptions) -> Result<Self, CorpusError> {
        let begun = Instant::now();
        if options.folders.is_empty() {
            return Err(CorpusError::NoFolder(options.name));
        }
        let roots = walk::roots(&options.folders)?;
        let key = key(&roots, &options.limits);
        let folder = options.cache.as_ref().and_then(|cache| update::prepare(&cache.join(schema::FORMAT), &key));
        let updated = update::update(&options, &roots, folder.as_deref(), None)?;
        let held = RwLock::new(Arc::new(Held::of(updated, begun.elapsed())));
        Ok(Self { options, roots, folder, held, refreshing: Mutex::default() })
    }

    /// Takes in what changed in the folders since. Searches go on meanwhile and see the old state; a second refresh
    /// waits for the first.
    ///
    /// # Errors
    /// As [`open`](Self::open); the corpus then stays as it was.
    pub fn refresh(&self) -> Result<CorpusSummary, CorpusError> {
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        // On disk another process may have gone ahead, so the folder's last commit counts, not ours.
        let current = if self.folder.is_some() { None } else { Some(self.held().state.clone()) };
        let updated = update::update(&self.options, &self.roots, self.folder.as_deref(), current)?;
        let held = Arc::new(Held::of(updated, begun.elapsed()));
        let summary = held.summary.clone();
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(summary)
    }

    /// What requests call it.
    #[must_use]
    pub fn name(&self) -> &CorpusName {
        &self.options.name
    }

    /// What it holds and what the last update did.
    #[must_use]
    pub fn summary(&self) -> CorpusSummary {
        self.held().summary.clone()
    }

    /// Its documents in the order of their addresses.
    #[must_use]
    pub fn documents(&self) -> Vec<CorpusDocument> {
        let held = self.held();
        let documents = held.state.manifest.documents().map(|(name, document)| CorpusDocument {
            source: Source::clone(&search::source(self.name(), name, &document.title, "")),
            snapshot: document.snapshot,
            text_bytes: document.text_bytes,
            passages: document.passages,
        });
        documents.collect()
    }

    /// The files that were seen and not taken, by name inside the corpus, and why.
    #[must_use]
    pub fn skipped(&self) -> Vec<(String, SkipReason)> {
        let held = self.held();
        let read = held.state.manifest.skipped().map(|(name, reason)| (name.to_owned(), reason));
        read.chain(held.passed_over.iter().cloned()).collect()
    }

    /// The passages that fit a question best, best first: at most `limit`, never more than 100. The question is plain
    /// text in any language; nothing in it is an operator. No hit means that no word of it occurs anywhere.
    ///
    /// # Errors
    /// [`CorpusError::Index`] when the index cannot be read.
    pub fn search(&self, query: &str, limit: usize) -> Result<Vec<Hit>, CorpusError> {
        search::search(&self.held().state, self.name(), query, limit)
            .map_err(|error| CorpusError::index(self.name(), error))
    }

    /// The text of a document by its address; `None` when no document has that text now.
    ///
    /// # Errors
    /// [`CorpusError::Index`] when the index cannot be read.
    pub fn snapshot(&self, digest: &Digest) -> Result<Option<Snapshot>, CorpusError> {
        read::snapshot(&self.held().state, digest).map_err(|error| CorpusError::index(self.name(), error))
    }

    /// The passages of a document in order, from the one that holds byte `from` on, about `bytes_max` bytes of them
    /// and at least one. `path` is the document's address or its path inside the corpus.
    ///
    /// # Errors
    /// [`CorpusError::UnknownDocument`]; [`CorpusError::Index`] when the index cannot be read.
    pub fn read(&self, path: &str, from: u64, bytes_max: usize) -> Result<Reading, CorpusError> {
        read::read(&self.held().state, self.name(), path, from, bytes_max)
    }

    /// Where the passage with this id is: its document's address and its first byte.
    ///
    /// # Errors
    /// [`CorpusError::Index`] when the index cannot be read.
    pub fn locate(&self, evidence: &EvidenceId) -> Result<Option<(String, u64)>, CorpusError> {
        let place =
            read::locate(&self.held().state, evidence).map_err(|error| CorpusError::index(self.name(), error))?;
        Ok(place.map(|(name, start)| (format!("corpus:{}/{name}", self.name()), start)))
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    fn of(updated: Updated, took: Duration) -> Self {
        let Updated { state, passed_over, changed, removed, is_stale } = updated;
        let manifest = &state.manifest;
        let summary = CorpusSummary {
            documents: manifest.documents().count(),
            passages: manifest.passages(),
            text_bytes: manifest.documents().map(|(_, document)| document.text_bytes).sum(),
            skipped: passed_over.len() + manifest.skipped().count(),
            changed,
            removed,
            is_stale,
            took,
        };
        Self { state, passed_over, summary }
    }
}

/// The same folders with the same limits share an index, whatever the corpus is called.
fn key(roots: &[Root], limits: &CorpusLimits) -> String {
    let mut hasher = Sha256::new();
    for root in roots {
        hasher.update(root.real.as_os_str().as_encoded_bytes());
        hasher.update([0]);
    }
    hasher.update(format!("{limits:?}"));
    let mut key = Digest::new(hasher.finalize().into()).to_string();
    key.truncate(24);
    key
}
