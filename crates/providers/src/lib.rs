//! Model providers: the [`Provider`] contract, the Chat wire and the extractive writer.
mod provider;

pub use provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, NoDeltas, Price, Provider, ProviderError};
