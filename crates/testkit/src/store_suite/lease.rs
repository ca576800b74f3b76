//! Properties of leases: how they end, and that nobody has one twice.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{After, Append, Claim, LeaseRef, Renewal, Which};

use super::{
    NO_EPOCH, Subject, TTL, append, append_as, claim, claim_capped, claim_one, created, finish, fresh_id, ids, numbers,
    record, records, taking_over, worker, workflow,
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

/// A workflow that kills its workers shows it, also when each writes that it takes over before it dies.
pub async fn attempts_count_claims_since_there_was_progress(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    for attempt in 1..=3 {
        let lease = claim_one(store, "w").await;
        assert_eq!(lease.attempt, attempt);
        if attempt > 1 {
            store.append(append_as(&lease, lease.head.value(), vec![taking_over()])).await.unwrap();
        }
        subject.dial.turn(TTL * 2);
    }
    let lease = claim_one(store, "w").await;
    assert_eq!(lease.attempt, 4);
    store.append(append_as(&lease, 3, vec![taking_over(), record(4)])).await.unwrap();
    subject.dial.turn(TTL * 2);
    let lease = claim_one(store, "w").await;
    assert_eq!(lease.attempt, 1, "one record of progress is enough");
    subject.dial.turn(TTL * 2);
    assert_eq!(claim_one(store, "w").await.attempt, 2);
    store.append(append(&lease.lease.id, 5, records([6]))).await.unwrap();
    subject.dial.turn(TTL * 2);
    assert_eq!(claim_one(store, "w").await.attempt, 1, "progress of somebody outside counts too");
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
    // In the same append as what it last wrote.
    for head in 1..=3 {
        let lease = claim_one(store, "w").await;
        assert_eq!(lease.attempt, 1);
        let after = After::Requeue { not_before: None };
        store.append(Append { after, ..append_as(&lease, head, vec![taking_over()]) }).await.unwrap();
    }
}

/// All workers together hold no more than each of them allows, whoever asks.
pub async fn a_claim_leaves_no_more_leases_than_it_allows(subject: Subject) {
    let store = &*subject.store;
    let peer = subject.peer.as_deref().unwrap_or(store);
    for _ in 0..6 {
        created(store, workflow()).await;
    }
    let first = claim_capped(store, "w", 5, 2).await;
    assert_eq!(first.len(), 2);
    assert!(claim_capped(peer, "v", 5, 2).await.is_empty());
    assert_eq!(claim_capped(peer, "v", 5, 3).await.len(), 1, "the cap is each claim's own: raising it needs no other");
    assert!(claim_capped(store, "w", 5, 3).await.is_empty(), "its own count as well");
    assert!(claim_capped(store, "w", 5, 0).await.is_empty());

    store.release(&first[0].lease, None).await.unwrap();
    finish(store, &first[1].lease.id, 1, subject.dial.now()).await.unwrap();
    assert_eq!(claim_capped(peer, "v", 5, 3).await.len(), 2, "what ended or was given back makes room");
    // Leases that have run out make room, and come first: they are not counted twice.
    subject.dial.turn(TTL * 2);
    let again = claim_capped(store, "w", 5, 3).await;
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|lease| lease.attempt == 2 || lease.lease.id == first[0].lease.id));
    // The same by name.
    let named: Vec<_> = ids(&again);
    subject.dial.turn(TTL * 2);
    let worker = worker("w");
    let by_name = Claim { worker: &worker, which: Which::Only(&named), max: 5, ttl: TTL, cluster_max: Some(2) };
    assert_eq!(store.claim(by_name).await.unwrap().len(), 2);
    assert_eq!(claim(peer, "v", 5).await.len(), 3, "a claim without a cap takes what there is");
}

/// A worker that has died holds nothing, whatever its leases say.
pub async fn leases_of_a_worker_that_ended_do_not_count(mut subject: Subject) {
    let Some(peer) = subject.peer.take() else { return };
    let store = &*subject.store;
    for _ in 0..4 {
        created(store, workflow()).await;
    }
    assert_eq!(claim_capped(&*peer, "peer", 5, 3).await.len(), 3);
    assert!(claim_capped(store, "w", 5, 3).await.is_empty());
    drop(peer);
    if !subject.notices_ends {
        subject.dial.turn(TTL);
    }
    assert_eq!(claim_capped(store, "w", 5, 3).await.len(), 3);
}

/// Claims that overlap, from several processes.
pub async fn overlapping_claims_do_not_exceed_the_cap(subject: Subject) {
    const CAP: usize = 5;
    for _ in 0..40 {
        created(&*subject.store, workflow()).await;
    }
    let mut tasks = Vec::new();
    for number in 0..8 {
        let shared = if number % 2 == 0 { Some(Arc::clone(&subject.store)) } else { subject.peer.clone() };
        let store = shared.unwrap_or_else(|| Arc::clone(&subject.store));
        tasks.push(tokio::spawn(async move {
            let mut mine = 0;
            for _ in 0..20 {
                mine += claim_capped(&*store, &format!("w{number}"), 2, CAP).await.len();
            }
            mine
        }));
    }
    let mut given = 0;
    for task in tasks {
        given += task.await.unwrap();
    }
    assert_eq!(given, CAP, "all of it, and no more");
}

/// When another process ends, its leases do not wait for their time, where that can be known. One that lives keeps them.
pub async fn a_worker_that_ends_is_replaced_at_once(mut subject: Subject) {
    let Some(peer) = subject.peer.take() else { return };
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let theirs = claim_one(&*peer, "peer").await;
    assert_eq!(theirs.lease.id, id);
    assert!(claim(store, "w", 1).await.is_empty(), "the peer lives");
    assert_eq!(store.get(&id).await.unwrap().unwrap().owner, Some(mcp_orchestrator_store::WorkerId("peer".into())));
    drop(peer);
    if !subject.notices_ends {
        subject.dial.turn(TTL);
    }
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
