//! A provider that answers at once, and what it is asked.

use async_trait::async_trait;
use mcp_orchestrator_domain::{
    AssistantMessage, Cost as CallCost, ModelName, ProviderName, Reply, RequestDraft, Role, Usage,
};
use mcp_orchestrator_providers::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, Provider, ProviderError};

/// What every agent says: 260 characters.
pub(crate) fn answer() -> String {
    "The harbour was dredged, and the pilots were told of it in time. ".repeat(4)
}

/// A workflow of so many agents.
pub(crate) fn draft(agents: u16) -> RequestDraft {
    RequestDraft {
        pattern: Some("research".to_owned()),
        task: Some("How is the harbour kept open to large ships?".to_owned()),
        num_agents: Some(agents.into()),
        max_concurrent_agents: Some(20),
        generate_documents: Some(false),
        ..RequestDraft::default()
    }
}

/// Answers at once.
#[derive(Debug)]
pub(crate) struct Instant {
    name: ProviderName,
    agents: u16,
}

impl Instant {
    pub(crate) fn new(agents: u16) -> anyhow::Result<Self> {
        Ok(Self { name: ProviderName::new("instant")?, agents })
    }
}

#[async_trait]
impl Provider for Instant {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { tools: true, price: Some(Price::FREE), is_model: true, ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, _sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let text = match request.input.role {
            Role::Planner => {
                (1..=self.agents).map(|part| format!("{part}. Look into part {part} of the harbour\n")).collect()
            }
            _ => answer(),
        };
        let message = AssistantMessage { text, ..AssistantMessage::default() };
        Ok(ChatAnswer {
            reply: Reply { message, ..Reply::default() },
            usage: Usage { input: 100, output: 60, ..Usage::default() },
            cost: CallCost::FREE,
            ..ChatAnswer::default()
        })
    }
}
