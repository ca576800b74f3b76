//! The parts implemented outside, as simple as each can be. Owns no test.

mod flaky_store;
mod harbour;
mod solo;
mod teller;

pub(crate) use flaky_store::{Does, FlakyStore};
pub(crate) use harbour::Harbour;
pub(crate) use solo::{Solo, agent};
pub(crate) use teller::{Teller, call, reply};

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Builder, Handle, MemoryStore, Orchestrator, RequestDraft};

/// A task for a pattern by its name.
pub(crate) fn ask(pattern: &str) -> RequestDraft {
    RequestDraft::new(pattern, "When is high water in the harbour?")
}

/// An engine in memory with the parts from here, and what a test changes.
pub(crate) fn engine(change: impl FnOnce(Builder) -> Builder) -> Handle {
    let builder = Orchestrator::builder(MemoryStore::new())
        .with_provider(Teller::new("teller"))
        .with_strategy(Solo::new("solo"))
        .with_shared_tool(Arc::new(Harbour::new("tides")));
    change(builder).build().unwrap().start()
}

/// Whatever has not happened by then never will.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(600), what).await.unwrap()
}
