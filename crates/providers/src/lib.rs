//! Model providers: the [`Provider`] contract, the Chat wire and the extractive writer.
#[cfg(feature = "http")]
pub mod chat;
#[cfg(feature = "extractive")]
mod extractive;
mod provider;

#[cfg(feature = "extractive")]
pub use extractive::ExtractiveProvider;
pub use provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, NoDeltas, Price, Provider, ProviderError};
