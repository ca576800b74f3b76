//! The words of [`Provider`](crate::Provider): what it is asked and what it answers.
//!
//! ```
//! use mcp_orchestrator::{
//!     Provider, async_trait,
//!     domain::{Cost, ModelName, ProviderName},
//!     provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, ProviderError},
//! };
//!
//! /// Says what it was asked.
//! struct Parrot(ProviderName);
//!
//! #[async_trait]
//! impl Provider for Parrot {
//!     fn name(&self) -> &ProviderName {
//!         &self.0
//!     }
//!
//!     fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
//!         Capabilities { price: Some(Price::FREE), is_model: true, ..Capabilities::default() }
//!     }
//!
//!     async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
//!         let text = request.input.task.clone();
//!         sink.text(&text);
//!         Ok(ChatAnswer { cost: Cost::FREE, ..ChatAnswer::text(text) })
//!     }
//! }
//! # let _ = Parrot(ProviderName::new("parrot")?);
//! # Ok::<(), mcp_orchestrator::domain::InvalidName>(())
//! ```

#[cfg(feature = "http-providers")]
pub use mcp_orchestrator_providers::http::{
    CostReport, Dialect, Effort, HttpProviderBuilder, HttpTimeouts, InvalidHttpProvider, OutputSchema, SystemMessages,
    Temperature, TokenLimit, UnknownEffort, UnknownWire, Vendor, Wire, catalogue, vendor,
};
pub use mcp_orchestrator_providers::{
    Allowance, Backoff, Capabilities, ChatAnswer, ChatRequest, DeltaSink, LongPrompts, ModelCard, ModelPrice, NoDeltas,
    Price, ProviderError, RateLimits, TokenRate, estimated_prompt_tokens,
};
#[cfg(feature = "http-providers")]
pub use mcp_orchestrator_providers::{
    clients::Clients,
    keys::{Key, KeyError, KeyProvider, KeyRing},
};
