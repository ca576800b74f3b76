//! What there is to choose from, and one call of a tool outside of any workflow.

use std::sync::Arc;

use mcp_orchestrator_providers::Provider;
use mcp_orchestrator_store::StoreInfo;
use mcp_orchestrator_strategies::Pattern;
use mcp_orchestrator_tools::{Arguments, CallContext, Tool, ToolAnswer, ToolError, ToolFilter};
use serde_json::Value;

use crate::{Error, Handle};

impl Handle {
    /// The strategies requests may name.
    #[must_use]
    pub fn patterns(&self) -> Vec<Pattern> {
        self.parts.strategies.values().map(|strategy| strategy.describe()).collect()
    }

    /// The providers requests may name, the default one first.
    #[must_use]
    pub fn providers(&self) -> Vec<Arc<dyn Provider>> {
        let default = self.parts.default_provider.as_ref();
        let mut providers: Vec<_> = self.parts.providers.values().cloned().collect();
        providers.sort_by_key(|provider| Some(provider.name()) != default);
        providers
    }

    /// The tools agents may call.
    #[must_use]
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        self.parts.tools.list(&ToolFilter::default())
    }

    /// Calls a registered tool outside of any workflow: its arguments are checked against its schema, and it is held to its
    /// time limit and to the bounds on answers.
    ///
    /// Dropping the future cancels the call at the tool's next await.
    ///
    /// # Errors
    /// [`ToolError`]: no such tool, arguments that do not fit, no answer in time, or the tool's own.
    pub async fn call_tool(&self, name: &str, arguments: Value) -> Result<ToolAnswer, ToolError> {
        let key = self.parts.dice.roll::<16>().map_err(|error| ToolError::failed(error.to_string()))?;
        let key = format!("call-{:032x}", u128::from_be_bytes(key));
        let context = CallContext { idempotency_key: &key, principal: &self.principal, corpora: &[] };
        self.parts.tools.call(name, Arguments::Value(arguments), context).await
    }

    /// What kind of store it is, how durable, how large. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn store_info(&self) -> Result<StoreInfo, Error> {
        Ok(self.parts.store.info().await?)
    }
}
