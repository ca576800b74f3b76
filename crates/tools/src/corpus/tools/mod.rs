//! The corpora as tools. Owns which corpora a call may touch; searching and reading are the corpus's.

mod read;
mod search;

use std::{collections::BTreeMap, sync::Arc};

use mcp_orchestrator_domain::CorpusName;

pub use read::CorpusRead;
pub use search::CorpusSearch;

use super::{Corpus, CorpusError};
use crate::ToolError;

/// Corpora by name, shared by the tools.
#[derive(Clone, Debug, Default)]
pub struct Corpora(Arc<BTreeMap<CorpusName, Arc<Corpus>>>);

impl Corpora {
    /// These corpora; of two with one name the last stays.
    #[must_use]
    pub fn new(corpora: impl IntoIterator<Item = Arc<Corpus>>) -> Self {
        Self(Arc::new(corpora.into_iter().map(|corpus| (corpus.name().clone(), corpus)).collect()))
    }

    /// The corpus with this name.
    #[must_use]
    pub fn find(&self, name: &CorpusName) -> Option<&Arc<Corpus>> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Corpus>> {
        self.0.values()
    }

    /// The corpora a call may touch: those its workflow may (`allowed`, empty: all), and of these the one it names.
    fn choose(&self, allowed: &[CorpusName], named: Option<&str>) -> Result<Vec<Arc<Corpus>>, ToolError> {
        let open = self.iter().filter(|corpus| allowed.is_empty() || allowed.contains(corpus.name()));
        let open: Vec<Arc<Corpus>> = open.cloned().collect();
        if open.is_empty() {
            return Err(ToolError::failed("this workflow may search no corpus"));
        }
        let Some(named) = named else { return Ok(open) };
        let chosen: Vec<Arc<Corpus>> = open.iter().filter(|corpus| corpus.name().as_str() == named).cloned().collect();
        if chosen.is_empty() {
            let names: Vec<&str> = open.iter().map(|corpus| corpus.name().as_str()).collect();
            let detail = format!("no corpus has that name; there are: {}", names.join(", "));
            return Err(ToolError::Arguments { argument: "/corpus".to_owned(), detail });
        }
        Ok(chosen)
    }
}

impl From<CorpusError> for ToolError {
    fn from(error: CorpusError) -> Self {
        match error {
            CorpusError::UnknownDocument { similar, .. } => {
                let detail = if similar.is_empty() {
                    "no such document; corpus_search finds documents".to_owned()
                } else {
                    format!("no such document; there are: {}", similar.join(", "))
                };
                Self::Arguments { argument: "/path".to_owned(), detail }
            }
            // The folders of the machine are not a model's business: they stay in the source.
            other => Self::Failed { message: "the corpus cannot be read".to_owned(), source: Some(Box::new(other)) },
        }
    }
}

/// Runs what blocks where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) if stopped.is_panic() => Err(ToolError::Panicked),
        Err(_shut_down) => Err(ToolError::failed("the runtime is shutting down")),
    }
}
