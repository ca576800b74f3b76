//! A call as an embedder of the library makes it: a provider, a conversation, an answer read to its end.

use std::{net::SocketAddr, sync::Arc};

use mcp_orchestrator_domain::{Message, Role, StepInput, Usage};
use mcp_orchestrator_providers::{
    ChatRequest, NoDeltas, Provider,
    http::{HttpProvider, Wire},
    layers::{BreakerLimits, CircuitBreaker, Governor, GovernorLimits},
};
use mcp_orchestrator_testkit::provider_suite::Voice;

use crate::{
    calls::{Asks, UNDER_WAY},
    raw::{Answer, KEY},
    service::base,
};

/// A provider and what it is asked.
pub(crate) struct Ours {
    provider: Arc<dyn Provider>,
    messages: Vec<Message>,
    input: StepInput,
}

impl Ours {
    /// One for this wire.
    pub(crate) fn new(
        address: SocketAddr,
        form: &str,
        pieces: usize,
        voice: Voice,
        messages: Vec<Message>,
    ) -> anyhow::Result<Self> {
        let wire = match voice {
            Voice::Chat => Wire::Chat,
            Voice::Responses => Wire::Responses,
            Voice::Messages => Wire::Messages,
            Voice::Gemini => Wire::Gemini,
        };
        let provider = HttpProvider::builder("bench", format!("http://{address}{}", base(form, pieces, voice)))
            .with_wire(wire)
            .with_key(KEY.into())
            .with_default_model(Voice::MODEL)
            .build()?;
        Ok(Self { provider: Arc::new(provider), messages, input: input() })
    }

    /// The same in the layers an orchestrator puts around a provider, with limits that hold up nobody.
    pub(crate) fn layered(self) -> Self {
        let limits = GovernorLimits {
            requests_per_minute: Some(u32::MAX),
            tokens_per_minute: Some(u64::from(u32::MAX) * 1_000),
            concurrency_start: UNDER_WAY,
            ..GovernorLimits::default()
        };
        let governor = Governor::around(self.provider, limits);
        let breaker = CircuitBreaker::new(governor, BreakerLimits::default());
        Self { provider: Arc::new(breaker), ..self }
    }
}

impl Asks for Ours {
    async fn ask(&self) -> anyhow::Result<Answer> {
        let request = ChatRequest {
            model: None,
            messages: &self.messages,
            tools: &[],
            former_tools: &[],
            output_schema: None,
            temperature: None,
            output_tokens_max: 1_024,
            idempotency_key: "research_0/step/1",
            request_id: None,
            input: &self.input,
        };
        let answer = self.provider.chat(request, &mut NoDeltas).await?;
        let Usage { input, output, .. } = answer.usage;
        Ok(Answer { text: answer.reply.message.text, input, output })
    }
}

/// A step as no wire sees it.
fn input() -> StepInput {
    StepInput {
        role: Role::Researcher,
        question: String::new(),
        task: String::new(),
        parts: 1,
        tools: Vec::new(),
        spans: Vec::new(),
        outputs: Vec::new(),
        tool_calls_made: 0,
    }
}
