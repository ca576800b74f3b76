//! The Chat wire against a scripted server on the loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
mod answers;
mod failures;
mod fold;
mod limits;
mod requests;
mod services;

use std::{future::Future, time::Duration};

use mcp_orchestrator_domain::{Message, ModelName};
use mcp_orchestrator_providers::{
    ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError,
    http::{HttpProvider, HttpProviderBuilder, HttpTimeouts},
};

use mcp_orchestrator_testkit::provider_suite::{Pieces, input, server};
use server::Server;

/// A key that must never be seen again.
const KEY: &str = "sk-test-0123456789abcdefghij";

/// Runs an async test on its own runtime, so that a proptest can do it per case.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A provider that gives up soon: nothing on the loopback takes long unless it is meant to.
fn provider(server: &Server) -> HttpProviderBuilder {
    HttpProvider::builder("lab", server.base_url()).with_key(KEY.into()).with_default_model("m1").with_timeouts(
        HttpTimeouts { head: Duration::from_secs(20), idle: Duration::from_secs(20), probe: Duration::from_secs(20) },
    )
}

/// Asks `change` of a minimal request.
async fn ask_with(
    provider: &HttpProvider,
    sink: &mut dyn DeltaSink,
    change: impl FnOnce(&mut ChatRequest<'_>),
) -> Result<ChatAnswer, ProviderError> {
    let input = input();
    let messages = [Message::User("Hello".to_owned())];
    let mut request = ChatRequest {
        model: None,
        messages: &messages,
        tools: &[],
        former_tools: &[],
        output_schema: None,
        temperature: None,
        output_tokens_max: 256,
        idempotency_key: "wf/step/1",
        request_id: None,
        input: &input,
    };
    change(&mut request);
    provider.chat(request, sink).await
}

async fn ask(provider: &HttpProvider) -> Result<ChatAnswer, ProviderError> {
    ask_with(provider, &mut Pieces::default(), |_| {}).await
}

fn model(name: &str) -> ModelName {
    ModelName::new(name).unwrap()
}
