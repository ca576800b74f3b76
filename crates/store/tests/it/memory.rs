//! The memory store against the suite.

use mcp_orchestrator_store::MemoryStore;
use mcp_orchestrator_testkit::store_suite::{Dial, Subject};

async fn subject(dial: Dial) -> Subject {
    Subject::new(MemoryStore::with_now(dial.clock()), dial, ())
}

mcp_orchestrator_testkit::store_suite!(subject);
