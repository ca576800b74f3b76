//! The engine put together from what was chosen. Owns which part goes where; starts nothing.

use std::sync::Arc;

use mcp_orchestrator::{Builder, Orchestrator};
use mcp_orchestrator_store::Store;
use mcp_orchestrator_tools::Corpora;

use crate::{Choice, Settings, corpus_tools};

/// A builder with this store, these providers (the first is the default one), these documents and the settings' limits.
/// Without documents no tool is registered: agents then have nothing to cite.
pub fn engine(store: Arc<dyn Store>, settings: &Settings, providers: &[Choice], documents: &Corpora) -> Builder {
    let mut builder = Orchestrator::builder_shared(store)
        .with_limits(settings.limits)
        .with_corpus_names(documents.iter().map(|corpus| corpus.name().clone()));
    for choice in providers {
        builder = builder.with_shared_provider(Arc::clone(&choice.provider));
    }
    if documents.iter().next().is_some() {
        for tool in corpus_tools(documents) {
            builder = builder.with_shared_tool(tool);
        }
    }
    builder
}
