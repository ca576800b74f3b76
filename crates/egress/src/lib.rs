//! The one way out: a shared HTTP client with its TLS provider, its address check and its limits.
//!
//! Every crate of `mcp-orchestrator` that talks to a service does it through [`HttpClient`]; only this crate knows the
//! HTTP library. Each request has a bound on everything: connecting, the head, each silence, the body's length.
//! Redirects are not followed and no proxy is taken from the environment. Errors hold no address, header or body.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use mcp_orchestrator_egress::{BaseUrl, HttpClient, Request};
//!
//! let client = HttpClient::default();
//! let base: BaseUrl = "http://127.0.0.1:11434/v1".parse()?;
//! let request = Request::get(&base, "/models").with_head_timeout(Duration::from_secs(5));
//! let response = client.send(request).await?;
//! println!("{} {}", response.status(), String::from_utf8_lossy(&response.body().await?));
//! # Ok(())
//! # }
//! ```
//!
//! It has no features: TLS is rustls with *ring* and the system's certificates. Start at [`HttpClient`]; answers that are streams
//! of server-sent events are read by [`sse`].

mod base_url;
mod client;
mod error;
mod request;
mod response;
pub mod sse;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use client::{ClientSettings, HttpClient};
pub use error::{Cause, HttpError, Phase};
pub use request::Request;
pub use response::Response;
