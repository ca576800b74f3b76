//! Documents made searchable: corpora opened over their folders, and the tools agents search them with.

use std::{path::Path, sync::Arc};

use mcp_orchestrator_tools::{Corpora, Corpus, CorpusOptions, CorpusRead, CorpusSearch, Tool};

use crate::{CorpusFolders, DocumentsError};

/// Opens every corpus; only new and changed files are read. Blocks: on a large folder for seconds.
///
/// # Errors
/// [`DocumentsError::Corpus`] when one is empty, too large, or cannot be read or indexed.
pub fn open_corpora(folders: &CorpusFolders, cache: &Path) -> Result<Corpora, DocumentsError> {
    let mut open = Vec::with_capacity(folders.len());
    for (name, folders) in folders {
        let options = CorpusOptions::new(name.clone(), folders.clone()).with_cache(cache);
        let corpus = Corpus::open(options).map_err(|source| DocumentsError::Corpus { name: name.clone(), source })?;
        open.push(Arc::new(corpus));
    }
    Ok(Corpora::new(open))
}

/// The tools agents search documents with.
#[must_use]
pub fn corpus_tools(corpora: &Corpora) -> [Arc<dyn Tool>; 2] {
    [Arc::new(CorpusSearch::new(corpora.clone())), Arc::new(CorpusRead::new(corpora.clone()))]
}
