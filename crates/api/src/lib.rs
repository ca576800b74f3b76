//! What the server of `mcp-orchestrator` offers, whatever the wire: tools by their names, resources, prompts, views of
//! workflows, errors by blame.
//!
//! Transports translate: HTTP routes, MCP methods and the original's calls all end in a method of [`Api`], and every
//! shape a client sees is one of [`view`], with the JSON Schema that OpenAPI and MCP both show. Whoever calls is a
//! [`Caller`], made by the one place of each transport that authenticates.
//!
//! It has no features. Start at [`Api`].

mod api;
pub mod arguments;
mod caller;
mod config;
mod error;
mod prompt;
mod resource;
mod schema;
mod start;
mod summary;
mod tools;
pub mod view;

pub use api::{Api, Download, LogPage};
pub use caller::Caller;
pub use error::{ApiError, Code, FieldProblem};
pub use prompt::{PROMPTS, PromptSpec, prompt};
pub use resource::{ResourceTemplate, ResourceText, ResourceView, ResourcesView};
pub use schema::{StartKind, start_schema};
pub use start::{StartCall, WAIT_SECONDS_MAX};
pub use summary::{SUMMARY_CHARS_MAX, status_line, summary};
pub use tools::{Called, CancelAnswer, PassageView, ToolCallAnswer, ToolKind, ToolSpec};
