//! What a corpus is made of and how large it may be. Owns options and limits; opens nothing.

use std::{path::PathBuf, time::Duration};

use mcp_orchestrator_domain::CorpusName;

/// How to open a [`Corpus`](super::Corpus).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CorpusOptions {
    /// What requests call it.
    pub name: CorpusName,
    /// Its folders, or single files.
    pub folders: Vec<PathBuf>,
    /// Where its index is kept between runs; `None` keeps it in memory.
    pub cache: Option<PathBuf>,
    /// How large it may be.
    pub limits: CorpusLimits,
    /// How long to wait for another process that indexes the same folders.
    pub lock_wait: Duration,
}

impl CorpusOptions {
    /// A corpus of these folders with its index in memory and the usual limits.
    #[must_use]
    pub fn new(name: CorpusName, folders: Vec<PathBuf>) -> Self {
        Self { name, folders, cache: None, limits: CorpusLimits::default(), lock_wait: Duration::from_secs(60) }
    }

    /// Keeps the index below this folder. Several processes and several corpora may share it.
    #[must_use]
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Replaces the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: CorpusLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Waits at most this long for another process that indexes the same folders.
    #[must_use]
    pub fn with_lock_wait(mut self, lock_wait: Duration) -> Self {
        self.lock_wait = lock_wait;
        self
    }
}

/// How large a corpus may be. A larger file is passed over and counted; a larger corpus is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "callers build it with `..CorpusLimits::default()`")]
pub struct CorpusLimits {
    /// Bytes of one file.
    pub file_bytes_max: u64,
    /// Bytes of one PDF, which is mostly pictures.
    pub pdf_bytes_max: u64,
    /// Bytes of text kept of one document; the rest is cut off at a line.
    pub text_bytes_max: usize,
    /// Files.
    pub files_max: usize,
    /// Bytes of all files that are taken.
    pub total_bytes_max: u64,
    /// Folders inside folders.
    pub depth_max: usize,
}

impl Default for CorpusLimits {
    fn default() -> Self {
        Self {
            file_bytes_max: 4 << 20,
            pdf_bytes_max: 32 << 20,
            text_bytes_max: 4 << 20,
            files_max: 50_000,
            total_bytes_max: 1 << 30,
            depth_max: 64,
        }
    }
}
