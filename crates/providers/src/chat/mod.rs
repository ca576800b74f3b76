//! The Chat wire: `/chat/completions` as OpenAI defined it and most services and local servers speak it.
//!
//! [`catalogue`] lists the known services; [`ChatProvider::builder`] reaches any other one by its address.
//!
//! ```no_run
//! use mcp_orchestrator_providers::chat::{self, ChatProvider};
//!
//! let known = chat::vendor("groq").expect("it is in the catalogue").provider(Some("key".into())).build()?;
//! let own = ChatProvider::builder("lab", "http://10.0.0.5:8000/v1").with_default_model("qwen3").build()?;
//! # Ok::<(), chat::InvalidChatProvider>(())
//! ```
//!
//! Every request is streamed. A service's deviations are a [`Dialect`], not code.

mod answer;
mod builder;
mod catalogue;
mod chunk;
mod continuation;
mod dialect;
mod fold;
mod models;
mod provider;
mod refusal;
mod request;
mod retry_after;
mod scrub;

pub use builder::{ChatProviderBuilder, ChatTimeouts, InvalidChatProvider};
pub use catalogue::{Vendor, catalogue, vendor};
pub use dialect::{CostReport, Dialect, OutputSchema, Probe, ProbeAuth, SystemMessages, Temperature, TokenLimit};
pub use provider::ChatProvider;
