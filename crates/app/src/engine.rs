//! The engine put together from what was chosen. Owns which part goes where; starts nothing.

use std::sync::Arc;

use mcp_orchestrator::{Builder, Orchestrator};
use mcp_orchestrator_domain::ProviderName;
use mcp_orchestrator_store::Store;
use mcp_orchestrator_tools::Corpora;

use crate::{Choice, ProviderSettings, Settings, Web, corpus_tools, layered};

/// A builder with this store, these providers (the first is the default one), these documents and the settings' limits.
/// Each provider is [`layered`]; those of them the settings name as fallbacks are asked when another one cannot answer, and
/// beside one that takes long if the settings want that.
/// Without documents and search services no tool is registered: agents then have nothing to cite.
pub fn engine(
    store: &Arc<dyn Store>,
    settings: &Settings,
    providers: &[Choice],
    documents: &Corpora,
    web: &Web,
) -> Builder {
    let mut builder = Orchestrator::builder_shared(Arc::clone(store))
        .with_limits(settings.limits)
        .with_corpus_names(documents.iter().map(|corpus| corpus.name().clone()));
    let none = ProviderSettings::default();
    for choice in providers {
        let own = settings.providers.get(choice.name.as_str()).unwrap_or(&none);
        builder = builder.with_shared_provider(layered(Arc::clone(&choice.provider), own, store));
    }
    let is_there = |name: &&ProviderName| providers.iter().any(|choice| choice.name == **name);
    builder = builder.with_fallback(settings.provider_fallback.iter().filter(is_there).cloned());
    if let Some(hedge) = settings.provider_hedge {
        builder = builder.with_hedge(hedge);
    }
    if documents.iter().next().is_some() {
        for tool in corpus_tools(documents) {
            builder = builder.with_shared_tool(tool);
        }
    }
    web.join(builder, settings, store)
}
