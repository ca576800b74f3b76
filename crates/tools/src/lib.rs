//! Tools of `mcp-orchestrator`: the [`Tool`] contract, the [`Registry`] that calls tools, and full-text search over folders.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use async_trait::async_trait;
//! use mcp_orchestrator_domain::{Principal, ToolName, ToolSpec};
//! use mcp_orchestrator_tools::{
//!     Arguments, CallContext, Registry, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation,
//! };
//! use serde_json::json;
//!
//! struct Shout(ToolDescription);
//!
//! #[async_trait]
//! impl Tool for Shout {
//!     fn description(&self) -> &ToolDescription {
//!         &self.0
//!     }
//!
//!     async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
//!         let text = call.arguments["text"].as_str().unwrap_or_default();
//!         Ok(ToolAnswer { content: text.to_uppercase(), ..ToolAnswer::default() })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let parameters = json!({
//!     "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"],
//! });
//! let spec = ToolSpec { name: ToolName::new("shout")?, description: "Says it loudly.".into(), parameters };
//! let registry = Registry::new();
//! registry.register(Arc::new(Shout(ToolDescription {
//!     spec,
//!     category: "text".into(),
//!     tags: vec!["demo".into()],
//!     time_limit: Duration::from_secs(1),
//!     repeatable: true,
//!     is_source: false,
//! })))?;
//!
//! let principal = Principal::local();
//! let context = CallContext { idempotency_key: "1", principal: &principal, corpora: &[] };
//! let answer = registry.call("shout", Arguments::Text(r#"{"text": "fire"}"#), context.clone()).await?;
//! assert_eq!(answer.content, "FIRE");
//! let refused = registry.call("shout", Arguments::Text("{}"), context).await;
//! assert_eq!(refused.unwrap_err().to_string(), "argument /text: is required");
//! # Ok(())
//! # }
//! ```
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `corpus` | `Corpus` and the tools `corpus_search` and `corpus_read` (brings `tantivy`) | no |
//! | `search` | `SearchTool`: arXiv, Crossref, Stack Overflow and eighteen other services of the network as tools | no |
//! | `json-schema` | checking arguments against the whole of JSON Schema (brings `jsonschema`) | no |
//!
//! Without `json-schema`, arguments are an object, hold what is required, hold nothing unknown where the schema says
//! `"additionalProperties": false`, and have the types the schema names at the top level; what a schema says beyond that
//! is for the model to read, and for the tool to check.
//!
//! Start at [`Tool`] to write one, at [`Registry`] to call some, and at `Corpus` to search a folder:
//!
#![cfg_attr(feature = "corpus", doc = "```")]
#![cfg_attr(not(feature = "corpus"), doc = "```ignore")]
//! use mcp_orchestrator_domain::CorpusName;
//! use mcp_orchestrator_tools::{Corpus, CorpusOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let (docs, cache) = (home.path().join("docs"), home.path().join("cache"));
//! # std::fs::create_dir(&docs)?;
//! std::fs::write(docs.join("log.md"), "# The log\n\nA workflow resumes from its log after a crash.")?;
//! let options = CorpusOptions::new(CorpusName::new("docs")?, vec![docs]).with_cache(cache);
//! let corpus = Corpus::open(options)?;
//! let hits = corpus.search("What happens after a crash?", 5)?;
//! assert_eq!(&*hits[0].span.quote, "A workflow resumes from its log after a crash.");
//! assert_eq!(hits[0].span.source.uri, "corpus:docs/log.md");
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod callable;
#[cfg(feature = "corpus")]
mod corpus;
mod registry;
#[cfg(feature = "search")]
mod search;
mod span;
mod tool;

pub use answer::{answer_by_schema, check_schema};
pub use callable::Callable;
#[cfg(feature = "corpus")]
pub use corpus::{
    Corpora, Corpus, CorpusDocument, CorpusError, CorpusLimits, CorpusOptions, CorpusRead, CorpusSearch, CorpusSummary,
    Hit, Reading, SkipReason,
};
pub use registry::{
    AnswerBounds, Arguments, CallContext, Manifest, ManifestEntry, RegisterError, Registry, ToolFilter,
};
#[cfg(feature = "search")]
pub use search::{
    Contact, InvalidContact, SEARCH_SOURCES, SearchError, SearchOptions, SearchSource, SearchTool, SharedPace,
    SourceNeeds,
};
pub use span::{digest_of, evidence_id};
pub use tool::{Snapshot, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation};
