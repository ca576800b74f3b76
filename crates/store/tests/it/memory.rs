//! The memory store against the suite.

use bytes::Bytes;
use mcp_orchestrator_domain::Principal;
use mcp_orchestrator_store::{MemoryStore, Store, StoreError};
use mcp_orchestrator_testkit::store_suite::{Dial, Subject, append, claim, created, numbers, records, workflow};

async fn subject(dial: Dial) -> Subject {
    Subject::new(MemoryStore::with_now(dial.clock()), dial, ())
}

mcp_orchestrator_testkit::store_suite!(subject);

#[tokio::test]
async fn a_memory_store_has_a_bound() {
    let dial = Dial::new();
    let store = MemoryStore::with_now(dial.clock()).with_limits(3, 10);
    let id = created(&store, workflow()).await;
    store.append(append(&id, 1, records([2, 3]))).await.unwrap();
    assert!(matches!(store.create(workflow()).await, Err(StoreError::Full(_))));
    assert!(store.append(append(&id, 3, records([4]))).await.is_err());
    assert_eq!(numbers(&store, &id).await, [1, 2, 3]);
    store.put_blob(&Principal::local(), Bytes::from_static(b"12345678")).await.unwrap();
    let refused = store.put_blob(&Principal::local(), Bytes::from_static(b"123")).await;
    assert!(matches!(refused, Err(StoreError::Full(_))));
    assert_eq!(claim(&store, "w", 1).await.len(), 1);
}
