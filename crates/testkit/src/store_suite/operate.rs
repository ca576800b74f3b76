//! Properties of what those who run a store ask: is it sound, and where is the unfinished work.

use std::time::Duration;

use bytes::Bytes;
use mcp_orchestrator_domain::{BlobRef, Digest, Principal, Seq, Status};
use mcp_orchestrator_store::{After, Append, Checked, NewWorkflow, Place, Retention, Standing, Which};

use super::{
    Subject, TTL, append, append_as, claim_one, claim_which, created, finish, record_naming, records, worker, workflow,
};

/// Logs of several appends, blobs, every place a workflow can be in, some deleted.
pub async fn check_finds_nothing_in_a_sound_store(subject: Subject) {
    let store = &*subject.store;
    assert_eq!(store.check().await.unwrap(), Checked::default());
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"named")).await.unwrap();
    let gone = created(store, workflow()).await;
    finish(store, &gone, 1, subject.dial.now()).await.unwrap();
    subject.dial.turn(Duration::from_millis(1));
    let leased = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    store.append(append_as(&lease, 1, vec![record_naming(blob)])).await.unwrap();
    store.append(append(&leased, 2, records([3, 4]))).await.unwrap();
    let waiting = created(store, workflow()).await;
    store.append(Append { after: After::Wait, ..append(&waiting, 1, records([2])) }).await.unwrap();
    let ended = created(store, workflow()).await;
    finish(store, &ended, 1, subject.dial.now()).await.unwrap();
    created(store, NewWorkflow { reserved_for: Some(worker("mine")), ..workflow() }).await;
    assert_eq!(store.purge(&Retention::until(subject.dial.now()), 10).await.unwrap().workflows, 1);

    let checked = store.check().await.unwrap();
    assert_eq!(checked, Checked { workflows: 4, records: 9, blobs: 1, findings: Vec::new() });
}

/// It tells of each, by name.
pub async fn check_finds_a_blob_that_is_not_there(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lost = BlobRef { sha256: Digest::new([7; 32]), bytes: 5 };
    store.append(append(&id, 1, vec![record_naming(lost)])).await.unwrap();
    let findings = store.check().await.unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains(id.as_str()) && findings[0].contains(&lost.sha256.to_string()), "{findings:?}");
}

/// In the order of their creation, with what an operator needs to know of each.
pub async fn standings_say_where_unfinished_workflows_are(subject: Subject) {
    let store = &*subject.store;
    let now = subject.dial.now();
    let leased = created(store, workflow()).await;
    claim_one(store, "w").await;
    let waiting = created(store, workflow()).await;
    let later = now.after(TTL * 10);
    store.append(Append { after: After::Wait, ..append(&waiting, 1, records([2, 3])) }).await.unwrap();
    let ended = created(store, workflow()).await;
    finish(store, &ended, 1, now).await.unwrap();
    let ready = created(store, workflow()).await;
    let reserved = created(store, NewWorkflow { reserved_for: Some(worker("mine")), ..workflow() }).await;
    let delayed = created(store, workflow()).await;
    let after = After::Requeue { not_before: Some(later) };
    store.append(Append { after, ..append(&delayed, 1, records([2])) }).await.unwrap();

    let standing = |id, status, place, attempt, head| Standing { id, status, place, attempt, head: Seq::new(head) };
    let (queued, running) = (Status::Queued, Status::Running);
    let all = [
        standing(leased, queued, Place::Leased { worker: worker("w"), until: now.after(TTL) }, 1, 1),
        standing(waiting, running, Place::Waiting, 0, 3),
        standing(ready, queued, Place::Ready { from: now, reserved_for: None }, 0, 1),
        standing(reserved, queued, Place::Ready { from: now, reserved_for: Some(worker("mine")) }, 0, 1),
        standing(delayed, running, Place::Ready { from: later, reserved_for: None }, 0, 2),
    ];
    assert_eq!(store.standings(10).await.unwrap(), all);
    assert_eq!(store.standings(2).await.unwrap(), all[..2]);
    assert_eq!(store.standings(0).await.unwrap(), []);
}

/// Nobody need wait for it: its lease is over, what was reserved for it is anybody's.
pub async fn standings_show_that_a_worker_has_ended(mut subject: Subject) {
    let store = &*subject.store;
    let peer = subject.peer.take();
    let through = peer.as_deref().unwrap_or(store);
    let held = created(through, NewWorkflow { reserved_for: Some(worker("gone")), ..workflow() }).await;
    let kept = created(through, NewWorkflow { reserved_for: Some(worker("gone")), ..workflow() }).await;
    assert_eq!(claim_which(through, "gone", Which::Only(std::slice::from_ref(&held)), 1).await.len(), 1);
    if peer.is_some() && subject.notices_ends {
        drop(peer);
    } else {
        subject.dial.turn(TTL * 2);
    }
    let standings = store.standings(10).await.unwrap();
    let [one, other] = &standings[..] else { panic!("{standings:?}") };
    assert_eq!((&one.id, &other.id), (&held, &kept));
    assert!(matches!(&one.place, Place::Leased { until, .. } if *until <= subject.dial.now()), "{one:?}");
    assert!(matches!(&other.place, Place::Ready { reserved_for: None, .. }), "{other:?}");
}
