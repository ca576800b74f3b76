//! Model providers: the [`Provider`] contract, the wires of services and local servers, the extractive writer.
//!
//! A provider answers one request of an agent: messages, tools and an output schema go in, a reply with its token counts
//! and its cost comes out, or an error with a class to branch on. Providers do not retry and keep no conversation.
//!
//! ```
//! # #[cfg(feature = "http")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mcp_orchestrator_providers::{Price, Provider, http};
//!
//! // Builds without opening a connection; `check` and `chat` are the two that do.
//! let ollama = http::vendor("ollama").ok_or("not in the catalogue")?.provider(None).build()?;
//! assert_eq!(ollama.name().as_str(), "ollama");
//! assert_eq!(ollama.capabilities(None).price, Some(Price::FREE));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "http"))]
//! # fn main() {}
//! ```
//!
//! | feature | what it adds | depends on |
//! |---|---|---|
//! | `http` | `HttpProvider`: models behind HTTP, hosted services and local servers; `keys` in turn, `clients` on demand | `mcp-orchestrator-egress`, tokio |
//! | `layers` | `layers`: rate limits, circuit breaker, retries, fallback and cache around any provider | tokio, sha2 |
//! | `extractive` | `ExtractiveProvider`: writes from quotes, without a model | – |
//!
//! None is on by default; without them only the contract is there. Start at [`Provider`].
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
#[cfg(feature = "http")]
mod chat;
#[cfg(feature = "http")]
pub mod clients;
mod estimate;
#[cfg(feature = "extractive")]
mod extractive;
#[cfg(feature = "http")]
mod gemini;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http")]
pub mod keys;
#[cfg(feature = "layers")]
pub mod layers;
#[cfg(feature = "http")]
mod messages;
mod model;
mod provider;
#[cfg(any(feature = "http", feature = "layers"))]
mod recent;
#[cfg(feature = "http")]
mod responses;

pub use backoff::Backoff;
pub use estimate::estimated_prompt_tokens;
#[cfg(feature = "extractive")]
pub use extractive::ExtractiveProvider;
pub use model::{LongPrompts, ModelCard, ModelPrice, TokenRate};
pub use provider::{
    Allowance, Capabilities, ChatAnswer, ChatRequest, DeltaSink, NoDeltas, Price, Provider, ProviderError, RateLimits,
};
