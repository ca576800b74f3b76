//! Models behind HTTP: hosted services and servers of your own, over four wires.
//!
//! [`catalogue`] lists the known services; [`HttpProvider::builder`] reaches any other one by its address.
//!
//! ```no_run
//! use mcp_orchestrator_providers::http::{self, HttpProvider, Wire};
//!
//! let known = http::vendor("anthropic").expect("it is in the catalogue").provider(Some("key".into())).build()?;
//! let own = HttpProvider::builder("lab", "http://10.0.0.5:8000/v1").with_default_model("qwen3").build()?;
//! let proxy = HttpProvider::builder("proxy", "http://10.0.0.6/v1").with_wire(Wire::Messages).build()?;
//! # Ok::<(), http::InvalidHttpProvider>(())
//! ```
//!
//! This module owns what the wires share: sending, reading, time limits, what an error means, how long to wait, which model
//! and what it costs. A wire owns how a request and an answer look: `chat`, `responses`, `messages`, `gemini`. What a service
//! does otherwise than others on its wire is a [`Dialect`], not code. Every request is streamed.

mod answer;
mod builder;
mod catalogue;
pub(crate) mod continuation;
mod dialect;
pub(crate) mod fold;
mod known;
mod limits;
pub(crate) mod loose;
mod models;
mod prices;
mod provider;
mod refusal;
pub(crate) mod request;
mod retry_after;
pub(crate) mod schema;
mod scrub;
mod wire;

pub use builder::{HttpProviderBuilder, HttpTimeouts, InvalidHttpProvider};
pub use catalogue::{Vendor, catalogue, vendor};
pub use dialect::{CostReport, Dialect, Effort, OutputSchema, SystemMessages, Temperature, TokenLimit, UnknownEffort};
pub use provider::HttpProvider;
pub use wire::{UnknownWire, Wire};
