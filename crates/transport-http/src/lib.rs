//! HTTP for `mcp-orchestrator`: REST under `/v1`, server-sent events, OpenAPI, metrics, health, and the routes of the
//! original server.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mcp_orchestrator::{ExtractiveProvider, MemoryStore, Orchestrator, Store};
//! use mcp_orchestrator_api::Api;
//! use mcp_orchestrator_transport_http::{Http, Settings};
//! use mcp_orchestrator_webhooks::Webhooks;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let handle = Orchestrator::builder_shared(store.clone()).with_provider(ExtractiveProvider::new()).build()?.start();
//! let webhooks = Webhooks::new(store, Default::default(), Default::default());
//! let server = Http::new(Api::new(handle.clone(), webhooks), Settings::default()).build();
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let asked_to_stop = async {}; // in a program: a signal
//! server.serve(listener, asked_to_stop).await?;
//! handle.shutdown(Duration::ZERO).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the server can be asked, and every shape but those of HTTP itself, is `mcp-orchestrator-api`'s. Here are:
//!
//! * [`Http`], which puts routes and layers together, and takes MCP as a service to mount;
//! * [`HttpServer`], which accepts connections, bounds them, and drains;
//! * [`Settings`], every limit with its default;
//! * [`Authenticate`], who a request is from. The one there is, [`Local`], takes everybody for the machine's user, so serve
//!   on loopback;
//! * [`Metrics`] and [`Drain`], for who starts and stops the server.
//!
//! It has no features. It knows no TLS: put a proxy before it. Start at [`Http`].

mod answer;
mod drain;
mod extract;
mod http;
mod layers;
mod metrics;
mod openapi;
mod problem;
mod routes;
mod server;
mod settings;
mod sse;

pub use drain::Drain;
pub use http::Http;
pub use layers::{Authenticate, Authentication, Identity, Local, Peer, Refused};
pub use metrics::Metrics;
pub use server::HttpServer;
pub use settings::{ConnectionLimits, Rate, Settings};
