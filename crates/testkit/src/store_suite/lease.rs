//! Properties of leases: how they end, and that nobody has one twice.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{LeaseRef, Renewal};

use super::{
    NO_EPOCH, Subject, TTL, append_as, claim, claim_one, created, finish, fresh_id, ids, numbers, records, workflow,
};

/// The next owner's epoch is higher, and at least the clock's milliseconds.
pub async fn a_lease_ends_by_time_and_is_claimed_with_a_higher_epoch(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let first = claim_one(store, "first").await;
    assert_eq!((&first.lease.id, first.head), (&id, Seq::new(1)));
    assert!(first.lease.epoch.0 >= subject.dial.now().as_millis());
    subject.dial.turn(TTL - Duration::from_millis(1));
    assert!(claim(store, "second", 1).await.is_empty());
    subject.dial.turn(Duration::from_millis(1));
    let second = claim_one(store, "second").await;
    assert!(second.lease.epoch > first.lease.epoch);
    assert_eq!(store.renew(std::slice::from_ref(&first.lease), TTL).await.unwrap(), [Renewal::Lost]);
    store.release(&first.lease, None).await.unwrap();
    assert!(claim(store, "third", 1).await.is_empty(), "a lost lease cannot be given back");
}

/// Renewal counts from now, one answer for each lease.
pub async fn a_renewed_lease_outlives_its_first_end(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    subject.dial.turn(TTL / 2);
    let asked = [
        lease.lease.clone(),
        LeaseRef { epoch: NO_EPOCH, ..lease.lease.clone() },
        LeaseRef { id: fresh_id(), ..lease.lease.clone() },
    ];
    let answers = store.renew(&asked, TTL).await.unwrap();
    assert_eq!(answers, [Renewal::Renewed, Renewal::Lost, Renewal::Lost]);
    subject.dial.turn(TTL * 3 / 4);
    assert!(claim(store, "other", 1).await.is_empty());
    subject.dial.turn(TTL / 2);
    // Late, but nobody else has it.
    assert_eq!(store.renew(&[lease.lease], TTL).await.unwrap(), [Renewal::Renewed]);
    assert!(claim(store, "other", 1).await.is_empty());
}

/// A clean shutdown loses no time.
pub async fn a_released_workflow_is_claimable_at_once(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    store.release(&lease.lease, None).await.unwrap();
    let next = claim_one(store, "other").await;
    assert!(next.lease.epoch > lease.lease.epoch);
}

/// Until its moment, not before and not never.
pub async fn a_workflow_released_until_later_waits(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let later = subject.dial.now().after(Duration::from_secs(60));
    store.release(&lease.lease, Some(later)).await.unwrap();
    subject.dial.turn(Duration::from_secs(59));
    assert!(claim(store, "w", 1).await.is_empty());
    subject.dial.turn(Duration::from_secs(1));
    assert_eq!(claim(store, "w", 1).await.len(), 1);
}

/// A workflow that kills its workers shows it.
pub async fn attempts_count_claims_since_the_log_grew(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    for attempt in 1..=3 {
        assert_eq!(claim_one(store, "w").await.attempt, attempt);
        subject.dial.turn(TTL * 2);
    }
    let lease = claim_one(store, "w").await;
    store.append(append_as(&lease, 1, records([2]))).await.unwrap();
    subject.dial.turn(TTL * 2);
    assert_eq!(claim_one(store, "w").await.attempt, 1);
}

/// Who gives a lease back has not died of it.
pub async fn a_lease_given_back_is_no_attempt(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    for _ in 1..=3 {
        let lease = claim_one(store, "w").await;
        assert_eq!(lease.attempt, 1);
        store.release(&lease.lease, None).await.unwrap();
    }
}

/// When another process ends, its leases do not wait for their time. One that lives keeps them.
pub async fn a_worker_that_ends_is_replaced_at_once(mut subject: Subject) {
    let Some(peer) = subject.peer.take() else { return };
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let theirs = claim_one(&*peer, "peer").await;
    assert_eq!(theirs.lease.id, id);
    assert!(claim(store, "w", 1).await.is_empty(), "the peer lives");
    assert_eq!(store.get(&id).await.unwrap().unwrap().owner, Some(mcp_orchestrator_store::WorkerId("peer".into())));
    drop(peer);
    assert_eq!(store.get(&id).await.unwrap().unwrap().owner, None, "nobody runs it");
    let ours = claim_one(store, "w").await;
    assert!(ours.lease.epoch > theirs.lease.epoch);
    store.append(append_as(&ours, 1, records([2]))).await.unwrap();
    assert!(store.append(append_as(&theirs, 2, records([3]))).await.is_err());
    assert_eq!(numbers(store, &id).await, [1, 2]);
}

/// Many workers, many workflows, each given once.
pub async fn leases_are_never_given_twice(subject: Subject) {
    let mut made = HashSet::new();
    for _ in 0..40 {
        made.insert(created(&*subject.store, workflow()).await);
    }
    finish(&*subject.store, made.iter().next().expect("there are some"), 1, subject.dial.now()).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..8 {
        let shared = if number % 2 == 0 { Some(Arc::clone(&subject.store)) } else { subject.peer.clone() };
        let store = shared.unwrap_or_else(|| Arc::clone(&subject.store));
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leases = claim(&*store, &format!("w{number}"), 3).await;
                if leases.is_empty() {
                    return mine;
                }
                mine.extend(ids(&leases));
            }
        }));
    }
    let mut given = Vec::new();
    for task in tasks {
        given.extend(task.await.unwrap());
    }
    let distinct: HashSet<_> = given.iter().cloned().collect();
    assert_eq!((given.len(), distinct.len()), (39, 39));
    assert!(distinct.is_subset(&made));
}
