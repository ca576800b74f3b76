//! Bridges that are driven while a test looks on.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_store::Store;
use mcp_orchestrator_streaming::Bridge;

/// A bridge over a store, driven by a task until the runtime ends.
pub(crate) fn drive(store: Arc<dyn Store>) -> Bridge {
    let bridge = Bridge::new(store);
    let driven = bridge.clone();
    tokio::spawn(async move { driven.run(std::future::pending()).await });
    bridge
}

/// Lets every task do what it can without time going on.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets the clock of the test go on. It goes on only when no task has anything to do.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits until no task has anything to do, however many there are.
pub(crate) async fn quiet() {
    pass(Duration::from_millis(1)).await;
}
