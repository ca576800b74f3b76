//! The words of [`Tool`](crate::Tool): what it is, how it is called, what it answers.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mcp_orchestrator::{
//!     Tool, async_trait,
//!     domain::{Source, ToolName, ToolSpec},
//!     tool::{Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation},
//! };
//!
//! /// Knows one fact, and proves it.
//! struct Almanac(ToolDescription);
//!
//! #[async_trait]
//! impl Tool for Almanac {
//!     fn description(&self) -> &ToolDescription {
//!         &self.0
//!     }
//!
//!     async fn call(&self, _call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
//!         let page = Snapshot::of("High water is at 06:10.");
//!         let source = Arc::new(Source { uri: "almanac:today".into(), title: "Almanac".into() });
//!         let spans = page.quote(0..page.text.len(), &source).into_iter().collect();
//!         Ok(ToolAnswer { content: "One entry.".into(), spans, snapshots: vec![page], ..ToolAnswer::default() })
//!     }
//! }
//! # let parameters = serde_json::json!({ "type": "object" });
//! # let spec = ToolSpec { name: ToolName::new("almanac")?, description: "Today's tides.".into(), parameters };
//! # let _ = Almanac(ToolDescription {
//! #     spec, category: "harbour".into(), tags: Vec::new(), time_limit: Duration::from_secs(1), repeatable: true, is_source: true,
//! # });
//! # Ok::<(), mcp_orchestrator::domain::InvalidName>(())
//! ```
//!
//! With the feature `corpus` the tools behind `Builder::with_corpus` are here too, for those
//! who keep an index on disk or limit what is read: register `CorpusSearch` and `CorpusRead` over a `Corpora`, and name the
//! corpora with [`Builder::with_corpus_names`](crate::Builder::with_corpus_names).

#[cfg(feature = "search")]
pub use mcp_orchestrator_tools::{
    Contact, InvalidContact, SEARCH_SOURCES, SearchError, SearchOptions, SearchSource, SearchTool, SharedPace,
    SourceNeeds,
};
#[cfg(feature = "corpus")]
pub use mcp_orchestrator_tools::{
    Corpora, Corpus, CorpusDocument, CorpusError, CorpusLimits, CorpusOptions, CorpusRead, CorpusSearch, CorpusSummary,
    Hit, Reading, SkipReason,
};
pub use mcp_orchestrator_tools::{Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation, evidence_id};
