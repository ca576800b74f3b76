//! Properties of the queue: who comes first, who may have what, what waits.

use std::time::Duration;

use mcp_orchestrator_store::{Abilities, After, Append, Needs, NewWorkflow, Which};

use super::{
    Subject, TTL, append, append_as, claim, claim_one, claim_which, created, finish, fresh_id, ids, records, worker,
    workflow,
};

fn urgent(priority: u8) -> NewWorkflow {
    NewWorkflow { priority, ..workflow() }
}

/// Whatever came first.
pub async fn an_urgent_workflow_is_claimed_first(subject: Subject) {
    let store = &*subject.store;
    let low = created(store, urgent(1)).await;
    let high = created(store, urgent(9)).await;
    let middle = created(store, urgent(5)).await;
    assert_eq!(ids(&claim(store, "w", 3).await), [high, middle, low]);
}

/// First come, first served, also within one millisecond.
pub async fn equals_are_claimed_in_their_order(subject: Subject) {
    let store = &*subject.store;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(created(store, workflow()).await);
    }
    subject.dial.turn(Duration::from_millis(5));
    made.push(created(store, workflow()).await);
    let first = ids(&claim(store, "w", 2).await);
    let rest = ids(&claim(store, "w", 10).await);
    assert_eq!([first, rest].concat(), made);
}

/// So that nothing starves.
pub async fn waiting_raises_a_workflow_one_level_a_minute(subject: Subject) {
    let store = &*subject.store;
    let old = created(store, urgent(3)).await;
    subject.dial.turn(Duration::from_secs(90));
    // A level above has not been gained by everybody's wait of a minute and a half, two levels above stay ahead.
    let one_above = created(store, urgent(4)).await;
    let two_above = created(store, urgent(5)).await;
    assert_eq!(ids(&claim(store, "w", 3).await), [two_above, old, one_above]);
}

/// They have waited longest.
pub async fn late_workflows_are_claimed_before_queued_ones(subject: Subject) {
    let store = &*subject.store;
    let late = created(store, urgent(0)).await;
    assert_eq!(claim_one(store, "gone").await.lease.id, late);
    subject.dial.turn(TTL * 2);
    let queued = created(store, urgent(9)).await;
    assert_eq!(ids(&claim(store, "w", 2).await), [late, queued]);
}

/// While that worker lives.
pub async fn a_reserved_workflow_is_claimed_by_its_worker_only(subject: Subject) {
    let store = &*subject.store;
    let reserved = created(store, NewWorkflow { reserved_for: Some(worker("mine")), ..workflow() }).await;
    let free = created(store, workflow()).await;
    assert_eq!(ids(&claim(store, "other", 5).await), [free]);
    assert!(claim_which(store, "other", Which::Own, 5).await.is_empty());
    assert!(claim_which(store, "other", Which::Only(std::slice::from_ref(&reserved)), 5).await.is_empty());
    assert_eq!(ids(&claim_which(store, "mine", Which::Own, 5).await), [reserved]);
    created(store, workflow()).await;
    assert!(claim_which(store, "mine", Which::Own, 5).await.is_empty(), "its own means reserved for it");
}

/// A worker that ends, or is not seen any more, leaves its work to others.
pub async fn a_reservation_ends_with_its_worker(mut subject: Subject) {
    let store = &*subject.store;
    let id = created(store, NewWorkflow { reserved_for: Some(worker("mine")), ..workflow() }).await;
    let leases = claim_which(store, "mine", Which::Own, 1).await;
    assert!(claim(store, "other", 1).await.is_empty());
    subject.dial.turn(TTL / 2);
    store.renew(&[leases[0].lease.clone()], TTL).await.unwrap();
    subject.dial.turn(TTL * 3 / 4);
    assert!(claim(store, "other", 1).await.is_empty(), "its lease was renewed");
    subject.dial.turn(TTL);
    assert_eq!(ids(&claim(store, "other", 1).await), [id]);

    let Some(peer) = subject.peer.take() else { return };
    let theirs = NewWorkflow { reserved_for: Some(worker("peer")), ..workflow() };
    let theirs = created(&*peer, theirs).await;
    if subject.notices_ends {
        subject.dial.turn(TTL * 10);
    }
    assert!(!ids(&claim(store, "other", 5).await).contains(&theirs), "its process lives");
    drop(peer);
    if !subject.notices_ends {
        subject.dial.turn(TTL * 10);
    }
    assert!(ids(&claim(store, "other", 5).await).contains(&theirs));
}

/// Provider, strategy, tools and corpora; what cannot be run here waits for who can.
pub async fn a_claim_takes_only_what_the_worker_can_run(subject: Subject) {
    let store = &*subject.store;
    let needs = |provider: Option<&str>, tools: &[&str], corpora: &[&str]| Needs {
        provider: provider.map(|name| name.parse().expect("a valid name")),
        pattern: None,
        tools: tools.iter().map(|name| name.parse().expect("a valid name")).collect(),
        corpora: corpora.iter().map(|name| name.parse().expect("a valid name")).collect(),
    };
    let with = |needs: Needs| NewWorkflow { needs, ..workflow() };
    let plain = created(store, with(Needs::default())).await;
    let modest = created(store, with(needs(Some("extractive"), &["corpus_search"], &["docs"]))).await;
    let demanding = created(store, with(needs(Some("extractive"), &["corpus_search", "web"], &[]))).await;
    let elsewhere = created(store, with(needs(Some("other"), &[], &[]))).await;
    let pattern = Needs { pattern: Some("swarm".parse().expect("a valid name")), ..Needs::default() };
    let patterned = created(store, with(pattern)).await;

    let abilities = Abilities {
        providers: vec!["extractive".parse().expect("a valid name")],
        patterns: vec!["beltalowda".parse().expect("a valid name")],
        tools: vec!["corpus_search".parse().expect("a valid name")],
        corpora: vec!["docs".parse().expect("a valid name")],
    };
    assert_eq!(ids(&claim_which(store, "w", Which::Able(&abilities), 10).await), [plain, modest]);
    let able = Abilities {
        providers: vec!["extractive".parse().expect("a valid name"), "other".parse().expect("a valid name")],
        patterns: vec!["swarm".parse().expect("a valid name")],
        tools: vec!["corpus_search".parse().expect("a valid name"), "web".parse().expect("a valid name")],
        corpora: Vec::new(),
    };
    assert_eq!(ids(&claim_which(store, "v", Which::Able(&able), 10).await), [demanding, elsewhere, patterned]);
}

/// Not those that are leased, ended, waiting or unknown.
pub async fn a_claim_of_named_workflows_takes_those_that_are_ready(subject: Subject) {
    let store = &*subject.store;
    let other = created(store, urgent(9)).await;
    let leased = claim_one(store, "other").await.lease.id;
    assert_eq!(leased, other);
    let needy = Needs { provider: Some("unheard_of".parse().expect("a valid name")), ..Needs::default() };
    let (a, b) = (created(store, NewWorkflow { needs: needy, ..workflow() }).await, created(store, workflow()).await);
    let ended = created(store, workflow()).await;
    finish(store, &ended, 1, subject.dial.now()).await.unwrap();
    created(store, urgent(9)).await;
    let named = [fresh_id(), leased, b.clone(), ended, a.clone(), b.clone()];
    assert_eq!(ids(&claim_which(store, "w", Which::Only(&named), 10).await), [b, a]);
}

/// Nobody has it until then, whatever time passes.
pub async fn a_waiting_workflow_is_claimable_after_an_append_asks(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    store.append(Append { after: After::Wait, ..append_as(&lease, 1, records([2])) }).await.unwrap();
    subject.dial.turn(TTL * 100);
    assert!(claim(store, "w", 1).await.is_empty());
    store.append(append(&id, 2, records([3]))).await.unwrap();
    assert!(claim(store, "w", 1).await.is_empty(), "an append that keeps things as they are asks for nothing");
    let asks = Append { after: After::Requeue { not_before: None }, ..append(&id, 3, records([4])) };
    store.append(asks).await.unwrap();
    let again = claim_one(store, "w").await;
    assert!(again.lease.epoch > lease.lease.epoch);
}

/// And its lease is over.
pub async fn a_requeued_workflow_is_claimable_from_its_moment_on(subject: Subject) {
    let store = &*subject.store;
    created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let later = subject.dial.now().after(Duration::from_secs(30));
    let parked = Append { after: After::Requeue { not_before: Some(later) }, ..append_as(&lease, 1, records([2])) };
    store.append(parked).await.unwrap();
    assert!(store.append(append_as(&lease, 2, records([3]))).await.is_err());
    assert!(claim(store, "w", 1).await.is_empty());
    subject.dial.turn(Duration::from_secs(30));
    assert_eq!(claim(store, "w", 1).await.len(), 1);
}

/// Not even long after.
pub async fn an_ended_workflow_is_not_claimed(subject: Subject) {
    let store = &*subject.store;
    let queued = created(store, workflow()).await;
    finish(store, &queued, 1, subject.dial.now()).await.unwrap();
    created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    store.append(Append { after: After::Finish, ..append_as(&lease, 1, records([2])) }).await.unwrap();
    store.release(&lease.lease, None).await.unwrap();
    subject.dial.turn(TTL * 10);
    assert!(claim(store, "w", 5).await.is_empty());
    assert_eq!(store.repair().await, Ok(0));
    assert!(claim(store, "w", 5).await.is_empty());
}

/// Also when it came between the last look and the wait.
pub async fn work_that_comes_wakes_who_waits(subject: Subject) {
    let store = &*subject.store;
    let long = Duration::from_secs(3600);
    created(store, workflow()).await;
    tokio::time::timeout(Duration::from_secs(20), store.wait_work(long)).await.expect("what came before wakes");

    let waiting = store.wait_work(long);
    let coming = async {
        tokio::task::yield_now().await;
        created(store, workflow()).await;
    };
    let both = async { tokio::join!(waiting, coming) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("what comes wakes");
}

/// Those that wait for nobody, whose owner is late, or whose worker is gone. Not those that run or have ended.
pub async fn repair_makes_forsaken_workflows_claimable(subject: Subject) {
    let store = &*subject.store;
    let waiting = created(store, urgent(9)).await;
    let lease = claim_one(store, "w").await;
    store.append(Append { after: After::Wait, ..append_as(&lease, 1, records([2])) }).await.unwrap();
    let late = created(store, urgent(8)).await;
    claim_one(store, "late").await;
    let forsaken = NewWorkflow { reserved_for: Some(worker("forsaken")), priority: 7, ..workflow() };
    let forsaken = created(store, forsaken).await;
    subject.dial.turn(TTL * 2);
    let running = created(store, urgent(0)).await;
    assert_eq!(ids(&claim_which(store, "v", Which::Only(std::slice::from_ref(&running)), 1).await), [running]);
    created(store, urgent(0)).await;

    assert_eq!(store.repair().await, Ok(3));
    assert_eq!(store.repair().await, Ok(0));
    assert_eq!(ids(&claim(store, "x", 3).await), [waiting, late, forsaken]);
}
