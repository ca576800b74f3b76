//! Properties of creation: once per id, once per key.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Digest, Principal, Seq};
use mcp_orchestrator_store::{After, Append, Created, Idempotency, ListFilter, NewWorkflow, StoreError};

use super::{Subject, TTL, append_as, claim, claim_one, created, finish, numbers, records, workflow};

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

fn bounded(queue_max: u64) -> NewWorkflow {
    NewWorkflow { queue_max: Some(queue_max), ..workflow() }
}

/// Nothing of the refused one is kept, and what leaves the queue makes room.
pub async fn a_full_queue_refuses_a_creation(subject: Subject) {
    let store = &*subject.store;
    let full = |queue_max| Err(StoreError::QueueFull { queued: queue_max, queue_max });
    assert_eq!(store.create(bounded(0)).await, full(0));
    let first = created(store, bounded(2)).await;
    created(store, bounded(2)).await;
    let refused = bounded(2);
    assert_eq!(store.create(refused.clone()).await, full(2));
    assert_eq!(store.get(&refused.id).await, Ok(None));
    assert_eq!(store.info().await.unwrap().queued, 2);
    created(store, bounded(3)).await;
    created(store, workflow()).await;
    assert!(matches!(store.create(bounded(2)).await, Err(StoreError::QueueFull { queue_max: 2, .. })));

    // What is leased, has ended or waits for an append is not in the queue; what is claimable later is.
    finish(store, &first, 1, subject.dial.now()).await.unwrap();
    let leases = claim(store, "w", 2).await;
    assert_eq!((leases.len(), store.info().await.unwrap().queued), (2, 1));
    store.append(Append { after: After::Wait, ..append_as(&leases[0], 1, records([2])) }).await.unwrap();
    created(store, bounded(2)).await;
    assert_eq!(store.create(bounded(2)).await, full(2));
    let later = subject.dial.now().after(Duration::from_secs(60));
    store.release(&leases[1].lease, Some(later)).await.unwrap();
    assert_eq!(store.create(bounded(3)).await, full(3));
    // A lease that has run out is nobody's, and is not counted: who claims next takes it first.
    assert_eq!(claim(store, "w", 1).await.len(), 1);
    subject.dial.turn(TTL * 2);
    assert_eq!(store.info().await.unwrap().queued, 2);
}

/// It was accepted before the queue was full.
pub async fn a_repeated_creation_is_answered_by_a_full_queue(subject: Subject) {
    let store = &*subject.store;
    let first = created(store, NewWorkflow { queue_max: Some(1), ..keyed("k", 1) }).await;
    let again = NewWorkflow { queue_max: Some(1), ..keyed("k", 1) };
    assert_eq!(store.create(again).await, Ok(Created::Existing(first)));
    let other = NewWorkflow { queue_max: Some(1), ..keyed("k", 2) };
    assert_eq!(store.create(other).await, Err(StoreError::IdempotencyMismatch));
    let fresh = NewWorkflow { queue_max: Some(1), ..keyed("l", 1) };
    assert!(matches!(store.create(fresh.clone()).await, Err(StoreError::QueueFull { .. })));
    assert_eq!(claim(store, "w", 1).await.len(), 1);
    assert!(matches!(store.create(fresh).await, Ok(Created::New(_))), "a refusal does not use the key up");
}

/// Many at once, from several processes.
pub async fn overlapping_creations_do_not_exceed_the_bound(subject: Subject) {
    let mut tasks = Vec::new();
    for number in 0..24 {
        let shared = if number % 2 == 0 { Some(Arc::clone(&subject.store)) } else { subject.peer.clone() };
        let store = shared.unwrap_or_else(|| Arc::clone(&subject.store));
        tasks.push(tokio::spawn(async move { store.create(bounded(10)).await }));
    }
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(Created::New(_)) => made += 1,
            answer => assert!(matches!(answer, Err(StoreError::QueueFull { queued: 10, queue_max: 10 })), "{answer:?}"),
        }
    }
    assert_eq!((made, subject.store.info().await.unwrap().queued), (10, 10));
}
