//! Properties of creation: once per id, once per key.

use std::{collections::HashSet, sync::Arc};

use mcp_orchestrator_domain::{Digest, Principal, Seq};
use mcp_orchestrator_store::{Created, Idempotency, ListFilter, NewWorkflow, StoreError};

use super::{Subject, claim_one, created, numbers, records, workflow};

fn keyed(key: &str, body: u8) -> NewWorkflow {
    let idempotency = Some(Idempotency { key: key.to_owned(), body: Digest::new([body; 32]) });
    NewWorkflow { idempotency, ..workflow() }
}

/// All of it is there at once.
pub async fn a_workflow_is_created_with_its_records_and_summary(subject: Subject) {
    let store = &*subject.store;
    let new = NewWorkflow { records: records([1, 2, 3]), priority: 8, ..workflow() };
    assert_eq!(store.create(new.clone()).await, Ok(Created::New(Seq::new(3))));
    let row = store.get(&new.id).await.unwrap().expect("it is there");
    assert_eq!(row.id, new.id);
    assert_eq!(row.principal, new.principal);
    assert_eq!(row.pattern, new.pattern);
    assert_eq!(row.needs, new.needs);
    assert_eq!((row.priority, row.head, row.owner), (8, Seq::new(3), None));
    assert_eq!(row.created, subject.dial.now());
    assert_eq!(row.summary, new.summary);
    assert_eq!(numbers(store, &new.id).await, [1, 2, 3]);
    assert_eq!(claim_one(store, "w").await.lease.id, new.id);
}

/// Nothing of the second one is kept.
pub async fn a_taken_id_is_refused(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let second = NewWorkflow { id: id.clone(), records: records([7, 8]), ..workflow() };
    assert_eq!(store.create(second).await, Err(StoreError::Exists));
    assert_eq!(numbers(store, &id).await, [1]);
}

/// Asking twice makes one.
pub async fn a_repeated_creation_answers_with_the_first_workflow(subject: Subject) {
    let store = &*subject.store;
    let first = created(store, keyed("k", 1)).await;
    assert_eq!(store.create(keyed("k", 1)).await, Ok(Created::Existing(first)));
    assert_eq!(store.list(&ListFilter::default()).await.unwrap().len(), 1);
    assert!(matches!(store.create(keyed("other", 1)).await, Ok(Created::New(_))));
}

/// The same key with something else in it is a mistake of the caller.
pub async fn a_repeated_creation_with_another_body_is_refused(subject: Subject) {
    let store = &*subject.store;
    created(store, keyed("k", 1)).await;
    assert_eq!(store.create(keyed("k", 2)).await, Err(StoreError::IdempotencyMismatch));
    assert_eq!(store.list(&ListFilter::default()).await.unwrap().len(), 1);
}

/// Another principal's key is another key.
pub async fn an_idempotency_key_belongs_to_one_principal(subject: Subject) {
    let store = &*subject.store;
    created(store, keyed("k", 1)).await;
    let other = NewWorkflow { principal: Principal::named("other"), ..keyed("k", 2) };
    assert!(matches!(store.create(other).await, Ok(Created::New(_))));
}

/// Retries that overlap agree.
pub async fn concurrent_creations_under_one_key_make_one_workflow(subject: Subject) {
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let store = Arc::clone(&subject.store);
        tasks.push(tokio::spawn(async move {
            let new = keyed("k", 1);
            let id = new.id.clone();
            match store.create(new).await.unwrap() {
                Created::New(_) => id,
                Created::Existing(id) => id,
            }
        }));
    }
    let mut ids = HashSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(subject.store.list(&ListFilter::default()).await.unwrap().len(), 1);
}
