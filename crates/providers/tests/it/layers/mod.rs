//! The layers around a provider, driven through `Provider` with a clock that is moved.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod alone;
mod breaker;
mod governor;
mod line;
mod retry;
mod shared;
mod storm;
mod stub;

use std::{future::Future, time::Duration};

use mcp_orchestrator_domain::{Message, ModelName, Role, StepInput};
use mcp_orchestrator_providers::{ChatAnswer, ChatRequest, DeltaSink, NoDeltas, Provider, ProviderError};
use tokio::time::Instant;

/// Runs a test on a clock that stands still while anything can be done, and then goes to the next timer.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test)
}

pub(crate) async fn ask(provider: &dyn Provider) -> Result<ChatAnswer, ProviderError> {
    ask_as(provider, "key", None, &mut NoDeltas).await
}

pub(crate) async fn ask_as(
    provider: &dyn Provider,
    key: &str,
    model: Option<&ModelName>,
    sink: &mut dyn DeltaSink,
) -> Result<ChatAnswer, ProviderError> {
    let input = StepInput {
        role: Role::Researcher,
        question: String::new(),
        task: String::new(),
        parts: 1,
        tools: Vec::new(),
        spans: Vec::new(),
        outputs: Vec::new(),
        tool_calls_made: 0,
    };
    let request = ChatRequest {
        model,
        messages: &[Message::User(key.to_owned())],
        tools: &[],
        former_tools: &[],
        output_schema: None,
        temperature: None,
        output_tokens_max: 100,
        idempotency_key: key,
        request_id: None,
        input: &input,
    };
    provider.chat(request, sink).await
}

/// What was shown, and how long was waited.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    pub(crate) text: String,
    pub(crate) waited: Duration,
    since: Option<Instant>,
}

impl DeltaSink for Watching {
    fn text(&mut self, delta: &str) {
        self.text.push_str(delta);
    }

    fn waits(&mut self) {
        assert!(self.since.replace(Instant::now()).is_none(), "it waits already");
    }

    fn runs(&mut self) {
        self.waited += self.since.take().expect("it waited").elapsed();
    }
}
