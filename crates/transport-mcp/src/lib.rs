//! MCP: stdio and streamable HTTP, both protocol eras, Tasks.
//!
//! [`McpServer`] offers what [`Api`](mcp_orchestrator_api::Api) offers to MCP clients of every kind: version 2026-07-28
//! without sessions, and the versions from 2024-11-05 to 2025-11-25 with them.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mcp_orchestrator_api::Api;
//! use mcp_orchestrator_transport_mcp::{McpServer, McpSettings};
//!
//! # async fn serve(api: Api) -> Result<(), Box<dyn std::error::Error>> {
//! let server = McpServer::new(api, McpSettings::default())?;
//!
//! // Over HTTP: a tower service for one path.
//! let routes: axum::Router = axum::Router::new().nest_service("/mcp", server.http_service());
//!
//! // Or over the pipes of a program that started this one.
//! server.serve_stdio(tokio::io::stdin(), tokio::io::stdout(), std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What becomes of a long call
//!
//! A workflow outlives every client's patience, so the tools that start one answer in the way their client can take:
//!
//! * a client that declares the tasks extension in a request of version 2026-07-28 gets a task, whose id is the workflow's;
//! * any other waits a bounded time, with progress when it asked for it, and gets the report, or the id and what to call
//!   next;
//! * the explicit tools (`wait_for_orchestration` and its like) do the rest for whoever comes back.
//!
//! The end of a call, a connection or a process ends a wait and never a workflow.
//!
//! # Where to start
//!
//! [`McpServer`], then [`McpSettings`]. [`Extra`] is how embedders add tools, resources and prompts of their own.
//!
//! It has no features.

mod answers;
mod broken;
mod call;
mod client;
mod extra;
mod follow;
mod handler;
mod http;
mod input;
mod lanes;
mod parts;
mod resources;
mod server;
mod sessions;
mod settings;
mod stdio;
mod tasks;
mod waiting;
mod wire;

pub use async_trait::async_trait;
pub use extra::{Extra, Own};
pub use http::{McpBody, McpHttp};
pub use rmcp;
pub use server::McpServer;
pub use settings::{McpSettings, WAIT_MAX};
pub use stdio::StdioError;
