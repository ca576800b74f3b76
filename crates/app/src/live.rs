//! Documents of a server: opened while it already serves, and brought up to date before they are searched. Owns when;
//! what is read is the corpus's.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_tools::{
    Corpora, CorpusRead, CorpusSearch, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation,
};
use tokio::sync::{Mutex, watch};

use crate::{CorpusFolders, corpus_tools, open_corpora};

/// Folders are not looked at again sooner than this.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// How much longer a call may take than the tool's own limit, for the first reading of large folders.
const OPENING_MAX: Duration = Duration::from_secs(300);

/// Folders of documents that a long-running process searches. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct LiveCorpora {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folders: CorpusFolders,
    cache: PathBuf,
    state: watch::Sender<State>,
    /// When the folders were last looked at. Held while they are, so that one call looks for all.
    looked: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug)]
enum State {
    Opening,
    Open(Corpora),
    Failed(String),
}

impl LiveCorpora {
    /// These folders, not read yet.
    #[must_use]
    pub fn new(folders: CorpusFolders, cache: PathBuf) -> Self {
        let (state, _) = watch::channel(State::Opening);
        Self { shared: Arc::new(Shared { folders, cache, state, looked: Mutex::new(None) }) }
    }

    /// The names requests choose among.
    pub fn names(&self) -> impl Iterator<Item = &CorpusName> {
        self.shared.folders.keys()
    }

    /// Reads the folders. Until it returns, calls of the tools wait; when they cannot be read, calls say why.
    ///
    /// Dropping the future leaves the reading to end by itself, and calls waiting.
    pub async fn open(&self) {
        let (folders, cache) = (self.shared.folders.clone(), self.shared.cache.clone());
        let opened = tokio::task::spawn_blocking(move || open_corpora(&folders, &cache)).await;
        let state = match opened {
            Ok(Ok(corpora)) => {
                for corpus in corpora.iter() {
                    let summary = corpus.summary();
                    tracing::info!(corpus = %corpus.name(), documents = summary.documents, "corpus is open");
                }
                *self.shared.looked.lock().await = Some(Instant::now());
                State::Open(corpora)
            }
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        };
        self.shared.state.send_replace(state);
    }

    /// The tools agents search with. They can be registered before the folders are read.
    #[must_use]
    pub fn tools(&self) -> [Arc<dyn Tool>; 2] {
        let none = Corpora::default();
        let descriptions =
            [CorpusSearch::new(none.clone()).description().clone(), CorpusRead::new(none).description().clone()];
        let mut which = 0..;
        descriptions.map(|mut description| {
            description.time_limit += OPENING_MAX;
            let tool = which.next().unwrap_or_default();
            Arc::new(LiveTool { corpora: self.clone(), tool, description }) as Arc<dyn Tool>
        })
    }

    /// The documents as they are now.
    async fn current(&self) -> Result<Corpora, ToolError> {
        let mut state = self.shared.state.subscribe();
        let known = state.wait_for(|state| !matches!(state, State::Opening)).await.map(|state| state.clone());
        let corpora = match known {
            Ok(State::Open(corpora)) => corpora,
            Ok(State::Failed(why)) => return Err(ToolError::failed(why)),
            _ => return Err(ToolError::failed("the documents are not open")),
        };
        let mut looked = self.shared.looked.lock().await;
        if looked.is_none_or(|at| at.elapsed() >= FRESH_FOR) {
            let stale = corpora.clone();
            let refreshed = tokio::task::spawn_blocking(move || {
                for corpus in stale.iter() {
                    if let Err(error) = corpus.refresh() {
                        tracing::warn!(corpus = %corpus.name(), %error, "corpus stays as it was");
                    }
                }
            });
            if refreshed.await.is_err() {
                return Err(ToolError::Panicked);
            }
            *looked = Some(Instant::now());
        }
        Ok(corpora)
    }
}

/// The reason stays in the log: the folders of the machine are not a client's business.
fn failed(error: &dyn std::error::Error) -> State {
    tracing::error!(%error, "documents cannot be searched");
    State::Failed("the documents of this server cannot be searched; its log says why".to_owned())
}

/// One of the tools, over whatever the folders hold when it is called.
#[derive(Debug)]
struct LiveTool {
    corpora: LiveCorpora,
    /// Which of [`corpus_tools`].
    tool: usize,
    description: ToolDescription,
}

#[async_trait]
impl Tool for LiveTool {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let corpora = self.corpora.current().await?;
        let [search, read] = corpus_tools(&corpora);
        let tool = if self.tool == 0 { search } else { read };
        tool.call(call).await
    }
}
