//! A provider: asks a tool once when it has one, then says what the evidence says.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use mcp_orchestrator::{
    Provider, async_trait,
    domain::{AssistantMessage, Cost, FinishReason, ModelName, ProviderName, Reply, ToolCall, Usage},
    provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, ProviderError},
};

type Twist = dyn Fn(&ChatRequest<'_>) -> Option<Result<ChatAnswer, ProviderError>> + Send + Sync;

/// The provider; `twist` may answer in its place, and so break its contract.
#[derive(Clone)]
pub(crate) struct Teller {
    name: ProviderName,
    twist: Arc<Twist>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Teller {
    pub(crate) fn new(name: &str) -> Self {
        Self::twisted(name, |_| None)
    }

    pub(crate) fn twisted(
        name: &str,
        twist: impl Fn(&ChatRequest<'_>) -> Option<Result<ChatAnswer, ProviderError>> + Send + Sync + 'static,
    ) -> Self {
        Self { name: ProviderName::new(name).unwrap(), twist: Arc::new(twist), asked: Arc::default() }
    }

    /// The keys of the calls it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// An answer of a model.
pub(crate) fn reply(text: &str, tool_calls: Vec<ToolCall>) -> ChatAnswer {
    let finish = if tool_calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    let message = AssistantMessage { text: text.to_owned(), tool_calls, continuation: None };
    ChatAnswer {
        reply: Reply { message, finish, ..Reply::default() },
        usage: Usage { input: 10, output: 10, ..Usage::default() },
        cost: Cost::FREE,
        ..ChatAnswer::default()
    }
}

/// A call of a tool, as a model asks for it.
pub(crate) fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

#[async_trait]
impl Provider for Teller {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        assert!(model.is_none_or(|model| model.as_str() != "panics"), "no such model");
        Capabilities { tools: true, price: Some(Price::FREE), is_model: true, ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        self.asked.lock().unwrap().push(request.idempotency_key.to_owned());
        if let Some(twisted) = (self.twist)(&request) {
            return twisted;
        }
        if let Some(tool) = request.tools.first().filter(|_| request.input.tool_calls_made == 0) {
            return Ok(reply("", vec![call("1", tool.name.as_str(), r#"{"port": "Brest"}"#)]));
        }
        let said: Vec<String> =
            request.input.spans.iter().map(|span| format!("{} [{}]", span.quote.trim_end(), span.id)).collect();
        let said = if said.is_empty() { "Nobody knows.".to_owned() } else { said.join("\n\n") };
        sink.text(&said);
        Ok(reply(&said, Vec::new()))
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Teller").field(&self.name).finish()
    }
}
