//! One way to start an engine for a test.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::TryStreamExt;
use mcp_orchestrator::{Builder, Clock, Handle, Orchestrator};
use mcp_orchestrator_domain::{RequestDraft, Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::{MemoryStore, Store};
use mcp_orchestrator_streaming::{ClientEvent, Cursor};
use mcp_orchestrator_testkit::{ManualClock, ScriptedProvider};

/// A running engine and the doubles it runs on.
pub(crate) struct Engine {
    pub(crate) handle: Handle,
    pub(crate) provider: ScriptedProvider,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
}

impl Engine {
    pub(crate) fn start(provider: ScriptedProvider) -> Self {
        Self::start_with(provider, |builder| builder)
    }

    pub(crate) fn start_with(provider: ScriptedProvider, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::start_on(Arc::new(MemoryStore::new()), provider, change)
    }

    pub(crate) fn start_on(
        store: Arc<dyn Store>,
        provider: ScriptedProvider,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let clock = ManualClock::new();
        let builder =
            Orchestrator::builder_shared(Arc::clone(&store)).with_provider(provider.clone()).with_clock(clock.clone());
        let handle = change(builder).build().unwrap().start();
        Self { handle, provider, clock, store }
    }

    pub(crate) async fn submit(&self, draft: RequestDraft) -> WorkflowId {
        self.handle.submit(draft).await.unwrap()
    }

    /// Waits until something the test can see is so. The provider and the engine run beside the test.
    pub(crate) async fn until(&self, what: &str, mut so: impl FnMut(&ScriptedProvider) -> bool) {
        let seen = async {
            while !so(&self.provider) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Waits until the log holds so many records of a kind.
    pub(crate) async fn until_recorded(&self, id: &WorkflowId, kind: &str, count: usize) {
        let recorded = async {
            loop {
                let log = self.handle.records(id, Seq::ZERO, 1000).await.unwrap();
                if log.iter().filter(|recorded| recorded.record.event.kind() == kind).count() >= count {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), recorded)
            .await
            .unwrap_or_else(|_| panic!("never {count} {kind}"));
    }

    /// The names of all client events of an ended workflow, in order.
    pub(crate) async fn events(&self, id: &WorkflowId) -> Vec<ClientEvent> {
        self.handle.events(id, Cursor::START).await.unwrap().try_collect().await.unwrap()
    }

    /// The same as [`Engine::events`], names only.
    pub(crate) async fn event_names(&self, id: &WorkflowId) -> Vec<&'static str> {
        self.events(id).await.iter().map(|event| event.event_type().as_str()).collect()
    }
}

/// A clock that moves by itself over pauses, those of at most a second, and stands still otherwise.
#[derive(Default)]
pub(crate) struct SkipsPauses(pub(crate) ManualClock);

#[async_trait]
impl Clock for SkipsPauses {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.since(self.now());
        if left <= Duration::from_secs(1) {
            self.0.advance(left);
            tokio::task::yield_now().await;
        } else {
            self.0.sleep_until(deadline).await;
        }
    }
}

/// A research request.
pub(crate) fn research(agents: u64) -> RequestDraft {
    RequestDraft {
        pattern: Some("research".to_owned()),
        task: Some("How does a workflow survive a crash?".to_owned()),
        num_agents: Some(agents),
        ..RequestDraft::default()
    }
}
