//! What can go wrong with a corpus. Owns the error; every variant names the folder, path or corpus it is about.

use std::{io, path::PathBuf};

use mcp_orchestrator_domain::CorpusName;

/// Why a corpus cannot be opened, refreshed or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The caller named no folder.
    #[error("corpus {0} has no folder")]
    NoFolder(CorpusName),
    /// The folder is not there.
    #[error("folder {} does not exist", .path.display())]
    Missing {
        /// As the caller gave it.
        path: PathBuf,
    },
    /// The folder is there and cannot be read.
    #[error("folder {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// As the caller gave it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Neither a folder nor a regular file.
    #[error("{} is neither a folder nor a file", .path.display())]
    NotAFolder {
        /// As the caller gave it.
        path: PathBuf,
    },
    /// No document with text in it was found.
    #[error("{} holds no document that can be searched ({skipped} files passed over)", list(.paths))]
    Empty {
        /// The corpus's folders as the caller gave them.
        paths: Vec<PathBuf>,
        /// Files that were seen and not taken.
        skipped: usize,
    },
    /// More files than the limit allows.
    #[error("{} holds more than {files_max} files", .path.display())]
    TooManyFiles {
        /// As the caller gave it.
        path: PathBuf,
        /// The limit.
        files_max: usize,
    },
    /// More bytes than the limit allows.
    #[error("{} holds more than {total_bytes_max} bytes of documents", .path.display())]
    TooManyBytes {
        /// As the caller gave it.
        path: PathBuf,
        /// The limit.
        total_bytes_max: u64,
    },
    /// The cache folder, where the index is kept, failed.
    #[error("index in {} failed: {source}", .path.display())]
    Cache {
        /// The index's folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The search index failed.
    #[error("index of corpus {corpus} failed: {source}")]
    Index {
        /// The corpus.
        corpus: CorpusName,
        /// What the index said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The caller asked for a document that is not in the corpus.
    #[error("corpus {corpus} has no document {path:?}")]
    UnknownDocument {
        /// The corpus.
        corpus: CorpusName,
        /// As the caller gave it, at most 200 characters.
        path: String,
        /// Documents with the same file name, at most three.
        similar: Vec<String>,
    },
}

impl CorpusError {
    pub(super) fn index(corpus: &CorpusName, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Index { corpus: corpus.clone(), source: source.into() }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
