//! An api over a real orchestrator that answers from a small folder, without a model.

use std::sync::Arc;

use mcp_orchestrator::{ExtractiveProvider, Handle, MemoryStore, Orchestrator, Store};
use mcp_orchestrator_api::Api;
use mcp_orchestrator_webhooks::Webhooks;
use tempfile::TempDir;

/// An api and what it stands on.
pub(crate) struct Setting {
    pub(crate) api: Api,
    pub(crate) handle: Handle,
    _folder: TempDir,
}

/// A question the folder answers.
pub(crate) const QUESTION: &str = "When is high water in the harbour?";

pub(crate) fn setting() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tides.md"), "# Tides\n\nHigh water in the harbour is at 06:10.\n").unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handle = Orchestrator::builder_shared(Arc::clone(&store))
        .with_provider(ExtractiveProvider::new())
        .with_corpus("harbour", folder.path())
        .build()
        .unwrap()
        .start();
    let webhooks = Webhooks::new(store, Default::default(), Default::default());
    Setting { api: Api::new(handle.clone(), webhooks), handle, _folder: folder }
}
