//! The one way out: a shared HTTP client with its TLS provider, its address check and its limits.
//!
//! Every crate of `mcp-orchestrator` that talks to a service does it through [`HttpClient`]; only this crate knows the
//! HTTP library. Each request has a bound on everything: connecting, the head, each silence, the body's length.
//! Redirects are not followed and no proxy is taken from the environment. Errors hold no address, header or body.
//!
//! Whoever names an address decides what it may be. A client is made with a [`Guard`]: [`Guard::operator`], the default,
//! for addresses that settings name, and [`Guard::public`] for those that callers name, which then can be no address of
//! this machine or of the network it is in.
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
//! It has no features: TLS is rustls with *ring* and the system's certificates. Start at [`HttpClient`] and [`Guard`]; answers
//! that are streams of server-sent events are read by [`sse`].

mod address;
mod base_url;
mod client;
mod error;
mod guard;
mod request;
mod resolver;
mod response;
pub mod sse;
mod target;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use client::{ClientSettings, HttpClient};
pub use error::{Cause, HttpError, Phase, Refusal};
pub use guard::{Guard, InvalidRule};
pub use request::Request;
pub use resolver::{Resolver, Resolving};
pub use response::Response;
pub use target::Target;
