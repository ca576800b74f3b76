//! What every command that works with workflows has: settings, folders, the store, an engine. Made only as far as needed.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc};

use mcp_orchestrator::{Handle, Orchestrator, WorkerMode};
use mcp_orchestrator_app::{
    Choice, CorpusFolders, Folders, Providers, Settings, Sources, StoreUrl, Web, engine, open_corpora,
};
use mcp_orchestrator_providers::ExtractiveProvider;
use mcp_orchestrator_store::{MemoryStore, Store};
use mcp_orchestrator_tools::Corpora;

use crate::{args::Common, error::CliError, remote::Server, terminal::Terminal, workflows::Workflows};

/// A command's surroundings.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) terminal: Terminal,
    pub(crate) folders: Folders,
    pub(crate) settings: Settings,
    /// The person's own settings file, whether it is there or not.
    pub(crate) file: PathBuf,
    environment: BTreeMap<String, String>,
    /// The address of the server that is to do the work.
    server: Option<String>,
    has_store_flag: bool,
}

impl Session {
    /// Reads the settings; opens nothing.
    pub(crate) fn new(common: &Common, terminal: Terminal) -> Result<Self, CliError> {
        let folders = Folders::of_this_process()?;
        // A variable that is not UTF-8 can name no setting and hold no key.
        let environment: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let sources = Sources {
            folders,
            file: common.config.clone(),
            environment,
            flags: common.store.iter().map(|url| ("store.url", "--store", url.clone())).collect(),
        };
        let settings = Settings::load(&sources)?;
        let Sources { folders, environment, file, .. } = sources;
        let file = file.unwrap_or_else(|| folders.config_file());
        // A variable that is set to nothing names no server.
        let server = common.server.clone().filter(|url| !url.trim().is_empty());
        let has_store_flag = common.store.is_some();
        Ok(Self { terminal, folders, settings, file, environment, server, has_store_flag })
    }

    /// The providers under these settings.
    pub(crate) fn providers(&self) -> Providers<'_> {
        Providers::new(&self.settings, &self.environment)
    }

    /// The server that is to do the work, if one is.
    pub(crate) fn server(&self) -> Result<Option<Server>, CliError> {
        match &self.server {
            None => Ok(None),
            Some(_) if self.has_store_flag => Err(CliError::StoreAtServer),
            Some(url) => Ok(Some(Server::at(url)?)),
        }
    }

    /// Workflows to read, watch, answer and cancel, wherever they are.
    pub(crate) async fn workflows(&self) -> Result<Workflows, CliError> {
        match self.server()? {
            Some(server) => Ok(Workflows::There(server)),
            None => Ok(Workflows::Here(self.reader().await?)),
        }
    }

    /// Runs async work to its end on a runtime of its own.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
        let done = runtime.block_on(work);
        // A thread that still reads a folder must not hold up the end of the process.
        runtime.shutdown_background();
        done
    }

    /// The store workflows are kept in.
    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>, CliError> {
        Ok(StoreUrl::parse(&self.settings.store_url)?.open().await?)
    }

    /// The store workflows are kept in, which is not made: a person's own may not be there yet and is then empty, one
    /// they named must be there.
    async fn store_to_read(&self) -> Result<Arc<dyn Store>, CliError> {
        match StoreUrl::parse(&self.settings.store_url)? {
            StoreUrl::Sqlite(path) if !path.exists() && path == self.folders.database() => {
                Ok(Arc::new(MemoryStore::new()))
            }
            StoreUrl::Sqlite(path) if !path.exists() => Err(CliError::NoStore(path)),
            store => Ok(store.open().await?),
        }
    }

    /// An engine that runs nothing: it reads, watches and cancels.
    async fn reader(&self) -> Result<Handle, CliError> {
        let builder = Orchestrator::builder_shared(self.store_to_read().await?)
            .with_provider(ExtractiveProvider::new())
            .with_worker_mode(WorkerMode::None);
        Ok(builder.build()?.start())
    }

    /// An engine that runs what this process submits, and what `mode` says.
    pub(crate) fn worker(
        &self,
        store: &Arc<dyn Store>,
        choice: &Choice,
        corpora: &Corpora,
        web: &Web,
        mode: WorkerMode,
    ) -> Result<Handle, CliError> {
        let mut choices = vec![choice.clone()];
        choices.extend(self.providers().fallbacks(&choices)?);
        let builder = engine(store, &self.settings, &choices, corpora, web).with_running_max(1).with_worker_mode(mode);
        Ok(builder.build()?.start())
    }

    /// Makes documents searchable.
    pub(crate) async fn search_in(&self, folders: &CorpusFolders) -> Result<Corpora, CliError> {
        let (folders, cache) = (folders.clone(), self.folders.cache.join("corpora"));
        let opened = tokio::task::spawn_blocking(move || open_corpora(&folders, &cache)).await;
        Ok(opened.map_err(|error| CliError::Runtime(std::io::Error::other(error)))??)
    }

    /// Makes documents searchable and says what they are.
    pub(crate) async fn open(&self, folders: &CorpusFolders) -> Result<Corpora, CliError> {
        let corpora = self.search_in(folders).await?;
        for corpus in corpora.iter() {
            let summary = corpus.summary();
            let read = if summary.changed > 0 { format!(", {} read anew", summary.changed) } else { String::new() };
            self.terminal.note(format!("corpus {}: {} documents{read}", corpus.name(), summary.documents));
        }
        Ok(corpora)
    }
}
