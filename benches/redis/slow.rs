//! A provider whose answers take some time, or none.

use std::time::Duration;

use async_trait::async_trait;
use mcp_orchestrator_domain::{ModelName, ProviderName};
use mcp_orchestrator_providers::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError};

use crate::instant::Instant;

/// The provider.
#[derive(Debug)]
pub(crate) struct Slow {
    inner: Instant,
    wait: Duration,
}

impl Slow {
    /// One that plans for so many agents; each of its answers takes so long.
    pub(crate) fn new(agents: u16, wait: Duration) -> anyhow::Result<Self> {
        Ok(Self { inner: Instant::new(agents)?, wait })
    }
}

#[async_trait]
impl Provider for Slow {
    fn name(&self) -> &ProviderName {
        self.inner.name()
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        self.inner.capabilities(model)
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        if !self.wait.is_zero() {
            tokio::time::sleep(self.wait).await;
        }
        self.inner.chat(request, sink).await
    }
}
