//! What every store that processes share must hold of its feed.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_store::{FeedPosition, Store};
use mcp_orchestrator_testkit::store_suite::{append, created, records, workflow};

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two processes write at once while a third position is read: one order, and nothing appears behind who has read on.
pub(crate) async fn is_one_order<S: Store>(stores: [S; 2]) {
    let stores = stores.map(Arc::new);
    let mut tasks = Vec::new();
    for store in &stores {
        for _ in 0..8 {
            let store = Arc::clone(store);
            tasks.push(tokio::spawn(async move {
                let id = created(&*store, workflow()).await;
                for head in 1..10 {
                    store.append(append(&id, head, records([head + 1]))).await.unwrap();
                }
            }));
        }
    }
    // A reader that follows meanwhile must not miss what is committed behind its position.
    let follow = async {
        let mut seen = Vec::new();
        let mut position = FeedPosition::default();
        while seen.len() < 160 {
            let page = stores[0].feed(position, 7).await.unwrap();
            position = page.last().map_or(position, |entry| entry.position);
            seen.extend(page);
            tokio::task::yield_now().await;
        }
        seen
    };
    let seen = tokio::time::timeout(PATIENCE, follow).await.expect("every record appears in the feed");
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(stores[1].feed(FeedPosition::default(), 1000).await.unwrap(), seen);
}
