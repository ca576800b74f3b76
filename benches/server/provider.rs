//! A provider whose planner waits until it is let go on, and whose agents take some milliseconds, so that events come one
//! by one as they do with a model.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use mcp_orchestrator::{
    Provider, async_trait,
    domain::{AssistantMessage, Cost, ModelName, ProviderName, Reply, Role, Usage},
};
use mcp_orchestrator_providers::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, ProviderError};
use tokio::sync::watch;

/// Sub-tasks of a plan.
pub(crate) const AGENTS: u16 = 20;
/// The shortest answer of an agent takes so many milliseconds, the longest so many more.
const PAUSE_MS: (u64, u64) = (4, 23);

/// The provider.
#[derive(Debug)]
pub(crate) struct Paced {
    name: ProviderName,
    gate: watch::Receiver<bool>,
    calls: AtomicU64,
}

impl Paced {
    /// One that plans while the gate is open.
    pub(crate) fn new(gate: watch::Receiver<bool>) -> anyhow::Result<Self> {
        Ok(Self { name: ProviderName::new("bench")?, gate, calls: AtomicU64::new(0) })
    }

    /// One that never answers: what is submitted is stored, claimed, and costs nothing after.
    pub(crate) fn held() -> anyhow::Result<Self> {
        Self::new(watch::Sender::new(false).subscribe())
    }
}

#[async_trait]
impl Provider for Paced {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { tools: true, price: Some(Price::FREE), is_model: true, ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, _sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let text = if request.input.role == Role::Planner {
            if self.gate.clone().wait_for(|open| *open).await.is_err() {
                // Nobody can open it any more.
                std::future::pending::<()>().await;
            }
            (1..=AGENTS).map(|part| format!("{part}. Look into part {part} of the harbour\n")).collect()
        } else {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(PAUSE_MS.0 + call * 7 % PAUSE_MS.1)).await;
            "The harbour was dredged, and the pilots were told of it in time. ".repeat(4)
        };
        let message = AssistantMessage { text, ..AssistantMessage::default() };
        Ok(ChatAnswer {
            reply: Reply { message, ..Reply::default() },
            usage: Usage { input: 100, output: 60, ..Usage::default() },
            cost: Cost::FREE,
            ..ChatAnswer::default()
        })
    }
}
