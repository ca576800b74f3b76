//! A folder of documents for a test.

use std::{fs, path::PathBuf, sync::Arc};

use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_tools::{Corpus, CorpusError, CorpusOptions, Hit};

/// A folder and a cache that vanish with it.
pub(crate) struct Folder {
    home: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self { home: tempfile::tempdir().unwrap() };
        fs::create_dir(folder.docs()).unwrap();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn docs(&self) -> PathBuf {
        self.home.path().join("docs")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    /// A place beside the documents.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.docs().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.docs().join(name)).unwrap();
    }

    pub(crate) fn options(&self) -> CorpusOptions {
        CorpusOptions::new(name("docs"), vec![self.docs()]).with_cache(self.cache())
    }

    pub(crate) fn open(&self) -> Arc<Corpus> {
        Arc::new(self.try_open().unwrap())
    }

    pub(crate) fn try_open(&self) -> Result<Corpus, CorpusError> {
        Corpus::open(self.options())
    }
}

pub(crate) fn name(name: &str) -> CorpusName {
    CorpusName::new(name).unwrap()
}

/// The addresses found for a query, best first, each once.
pub(crate) fn found(corpus: &Corpus, query: &str) -> Vec<String> {
    let mut uris: Vec<String> = Vec::new();
    for hit in hits(corpus, query) {
        if !uris.contains(&hit.span.source.uri) {
            uris.push(hit.span.source.uri.clone());
        }
    }
    uris
}

/// The hits for a query, each proved against its snapshot.
pub(crate) fn hits(corpus: &Corpus, query: &str) -> Vec<Hit> {
    let hits = corpus.search(query, 50).unwrap();
    for hit in &hits {
        let snapshot = corpus.snapshot(&hit.span.snapshot).unwrap().expect("every hit has its text");
        let range = usize::try_from(hit.span.start).unwrap()..usize::try_from(hit.span.end).unwrap();
        assert_eq!(snapshot.text.get(range), Some(&*hit.span.quote));
        assert_eq!(mcp_orchestrator_tools::digest_of(&snapshot.text), hit.span.snapshot);
        assert!((0.0..=1.0).contains(&hit.coverage));
    }
    hits
}
