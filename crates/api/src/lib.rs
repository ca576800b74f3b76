//! What the server of `mcp-orchestrator` offers, whatever the wire: tools by their names, resources, prompts, views of
//! workflows, errors by blame.
//!
//! Transports translate: HTTP routes, MCP methods and the original's calls all end in a method of [`Api`], and every
//! shape a client sees is one of [`view`], with the JSON Schema that OpenAPI and MCP both show. Whoever calls is a
//! [`Caller`], made by the one place of each transport that authenticates.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mcp_orchestrator::{ExtractiveProvider, MemoryStore, Orchestrator, Store};
//! use mcp_orchestrator_api::{Api, Caller};
//! use mcp_orchestrator_webhooks::Webhooks;
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let handle = Orchestrator::builder_shared(store.clone()).with_provider(ExtractiveProvider::new()).build()?.start();
//! let api = Api::new(handle.clone(), Webhooks::new(store, Default::default(), Default::default()));
//!
//! let arguments = json!({ "status": "running" }).as_object().cloned().unwrap_or_default();
//! let listed = api.call_tool(&Caller::local(), "list_orchestrations", arguments).await?;
//! assert_eq!(listed["workflows"], json!([]));
//! handle.shutdown(Duration::ZERO).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It has no features. Start at [`Api`].

mod api;
pub mod arguments;
mod caller;
mod config;
mod error;
mod fork;
mod images;
mod prompt;
mod providers;
mod resource;
mod schema;
mod start;
mod submit;
mod summary;
mod tools;
pub mod view;

pub use api::{Api, Download, LogPage};
pub use caller::Caller;
pub use error::{ApiError, Code, FieldProblem};
pub use fork::{ForkCall, fork_schema};
pub use prompt::{PROMPTS, PromptSpec, prompt};
pub use resource::{ResourceTemplate, ResourceText, ResourceView, ResourcesView};
pub use schema::{StartKind, start_schema, submission_schema};
pub use start::{StartCall, WAIT_SECONDS_MAX};
pub use submit::Defaults;
pub use summary::{SUMMARY_CHARS_MAX, status_line, summary};
pub use tools::{Called, CancelAnswer, PassageView, ToolCallAnswer, ToolKind, ToolSpec};
