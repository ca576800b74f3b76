//! A server over an orchestrator whose model is a script.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Builder, Handle, MemoryStore, Orchestrator, Principal, Store, WorkflowId};
use mcp_orchestrator_api::{Api, Caller};
use mcp_orchestrator_testkit::{Act, ScriptedProvider};
use mcp_orchestrator_transport_mcp::{McpServer, McpSettings};
use mcp_orchestrator_webhooks::Webhooks;
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) provider: ScriptedProvider,
    pub(crate) api: Api,
    pub(crate) server: McpServer,
}

impl World {
    /// A server whose workflows are done at once.
    pub(crate) fn new() -> Self {
        Self::with(obliging(), quick().with_wait(Duration::from_mins(1)))
    }

    /// A server whose agents hold until [`World::release`].
    pub(crate) fn held() -> Self {
        Self::with(holding(), quick())
    }

    pub(crate) fn with(provider: ScriptedProvider, settings: McpSettings) -> Self {
        Self::on(Arc::new(MemoryStore::new()), provider, settings)
    }

    /// A server over a store, as the next process would be.
    pub(crate) fn on(store: Arc<dyn Store>, provider: ScriptedProvider, settings: McpSettings) -> Self {
        Self::of(store, provider, settings, |builder| builder)
    }

    /// A server whose engine is another than the usual one.
    pub(crate) fn of(
        store: Arc<dyn Store>,
        provider: ScriptedProvider,
        settings: McpSettings,
        engine: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let orchestrator = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(provider.clone());
        let handle = engine(orchestrator).build().unwrap().start();
        let webhooks = Webhooks::new(store, Default::default(), Default::default());
        let api = Api::new(handle.clone(), webhooks);
        let server = McpServer::new(api.clone(), settings).unwrap();
        Self { handle, provider, api, server }
    }

    /// Lets held agents answer until the workflow has ended.
    pub(crate) async fn release(&self, id: &str) {
        self.release_of("local", id).await;
    }

    pub(crate) async fn release_of(&self, principal: &str, id: &str) {
        let settled = self.handle.for_principal(Principal::named(principal));
        let id: WorkflowId = id.parse().unwrap();
        let settled = settled.settled(&id);
        tokio::pin!(settled);
        loop {
            self.provider.release();
            tokio::select! {
                ended = &mut settled => return drop(ended.unwrap()),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.api.workflow(&Caller::local(), id).await.unwrap().status
    }

    /// The ids of somebody's workflows.
    pub(crate) async fn ids(&self, principal: &str) -> Vec<String> {
        let handle = self.handle.for_principal(Principal::named(principal));
        let rows = handle.list(mcp_orchestrator::ListFilter { max: 100, ..Default::default() }).await.unwrap();
        rows.into_iter().map(|row| row.id.to_string()).collect()
    }
}

/// Waits that tests can await.
pub(crate) fn quick() -> McpSettings {
    McpSettings::default().with_wait(Duration::from_millis(300)).with_heartbeat(Duration::from_millis(10))
}

pub(crate) fn obliging() -> ScriptedProvider {
    ScriptedProvider::obliging(2)
}

pub(crate) fn holding() -> ScriptedProvider {
    ScriptedProvider::new(|asked| Act::Hold(mcp_orchestrator_testkit::obliging(asked, 2)))
}

/// Arguments of a research.
pub(crate) fn research() -> Value {
    json!({ "task": "How does a workflow survive a crash?", "num_agents": 2 })
}

/// Arguments of a workflow that asks a question first.
pub(crate) fn approval() -> Value {
    json!({
        "pattern": "sequential",
        "task": "Write about the colour a person likes",
        "steps": [
            { "id": "colour", "question": "Which colour do you like?" },
            { "id": "text", "task": "Write about that colour" },
        ],
    })
}
