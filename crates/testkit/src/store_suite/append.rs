//! Properties of appends: order, wholeness, and who may write where.

use std::sync::Arc;

use mcp_orchestrator_domain::{Seq, Status};
use mcp_orchestrator_store::{After, Append, AppendError, LeaseRef, Lineage, Renewal, StoreError, Writer};

use super::{
    NO_EPOCH, Subject, TTL, append, append_as, appended, claim, claim_one, created, finish, fresh_id, numbers, records,
    workflow,
};

/// Positions are 1, 2, 3 … over appends of any size.
pub async fn a_log_is_dense_from_one(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    assert_eq!(appended(store, append(&id, 1, records([2, 3, 4]))).await, Ok(Seq::new(4)));
    assert_eq!(appended(store, append(&id, 4, records([5]))).await, Ok(Seq::new(5)));
    let page = store.read(&id, Seq::ZERO, 100).await.unwrap();
    assert_eq!(page.head, Seq::new(5));
    let positions: Vec<u64> = page.records.iter().map(|recorded| recorded.seq.value()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(numbers(store, &id).await, [1, 2, 3, 4, 5]);
}

/// A refused append leaves neither records nor summary nor a change of the queue.
pub async fn an_append_is_written_whole_or_not_at_all(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, records([2]))).await.unwrap();
    let before = store.get(&id).await.unwrap();
    let refused = Append {
        after: After::Finish,
        summary: super::summary(Status::Failed),
        ..append(&id, 1, records([20, 21, 22]))
    };
    assert!(store.append(refused).await.is_err());
    assert_eq!(numbers(store, &id).await, [1, 2]);
    assert_eq!(store.get(&id).await.unwrap(), before);
    assert_eq!(claim(store, "w", 1).await.len(), 1, "it is still in the queue");
}

/// The loser learns where the log is.
pub async fn an_append_at_a_position_already_taken_conflicts(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, records([2, 3]))).await.unwrap();
    let late = store.append(append(&id, 1, records([9]))).await;
    assert_eq!(late, Err(AppendError::Conflict { head: Seq::new(3) }));
    let inside = store.append(append(&id, 2, records([9]))).await;
    assert_eq!(inside, Err(AppendError::Conflict { head: Seq::new(3) }));
    assert_eq!(numbers(store, &id).await, [1, 2, 3]);
}

/// A log shorter than its writer knows has lost something.
pub async fn an_append_after_a_position_not_reached_has_regressed(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let early = store.append(append(&id, 4, records([9]))).await;
    assert_eq!(early, Err(AppendError::Regressed { head: Seq::new(1) }));
    assert_eq!(numbers(store, &id).await, [1]);
}

/// A log as long as its writer knows that has another record there has lost something too. Where records have lineages the
/// writer says which one it knows; where they have none no record is ever another one.
pub async fn an_append_after_another_record_than_its_writer_knows_has_regressed(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let second = append_as(&lease, 1, records([2]));
    let head = store.append(second.clone()).await.unwrap();
    assert_eq!(store.heads(std::slice::from_ref(&id)).await.unwrap(), [head], "it says which record it has written");
    assert_eq!(store.append(second.clone()).await, Ok(head), "and says the same again");
    let third = Append { lineage: head.lineage, ..append_as(&lease, 2, records([3, 4])) };
    let head = store.append(third.clone()).await.unwrap();
    assert_eq!(head.seq, Seq::new(4));
    assert_eq!(store.heads(std::slice::from_ref(&id)).await.unwrap(), [head]);
    assert_eq!(store.append(third.clone()).await, Ok(head), "it was done, whatever it followed");

    if head.lineage != Lineage::UNKNOWN {
        for (writer, lineage) in [(third.writer, third.lineage), (Writer::External, Lineage(7))] {
            let lost = Append { writer, lineage, ..append(&id, 4, records([50])) };
            assert_eq!(store.append(lost).await, Err(AppendError::Regressed { head: Seq::new(4) }), "{lineage:?}");
        }
        // Where another record follows already, that is what it is told.
        let late = Append { lineage: Lineage(7), ..append(&id, 2, records([50])) };
        assert_eq!(store.append(late).await, Err(AppendError::Conflict { head: Seq::new(4) }));
    }
    let last = Append { lineage: head.lineage, ..append(&id, 4, records([5])) };
    assert_eq!(appended(store, last).await, Ok(Seq::new(5)));
    assert_eq!(numbers(store, &id).await, [1, 2, 3, 4, 5]);
}

/// Neither a stolen nor a returned nor an invented lease writes.
pub async fn an_owner_whose_lease_is_lost_is_fenced(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let first = claim_one(store, "first").await;
    store.append(append_as(&first, 1, records([2]))).await.unwrap();
    subject.dial.turn(TTL * 2);
    let second = claim_one(store, "second").await;
    assert_eq!(second.head, Seq::new(2));
    assert_eq!(store.append(append_as(&first, 2, records([30]))).await, Err(AppendError::Fenced));
    // Lost before wrong: it must stop, not read again.
    assert_eq!(store.append(append_as(&first, 1, records([30]))).await, Err(AppendError::Fenced));
    store.append(append_as(&second, 2, records([3]))).await.unwrap();

    store.release(&second.lease, None).await.unwrap();
    assert_eq!(store.append(append_as(&second, 3, records([40]))).await, Err(AppendError::Fenced));
    let invented = Append { writer: Writer::Owner(NO_EPOCH), ..append(&id, 3, records([40])) };
    assert_eq!(store.append(invented).await, Err(AppendError::Fenced));
    assert_eq!(numbers(store, &id).await, [1, 2, 3]);
}

/// From inside and from outside.
pub async fn an_ended_workflow_takes_no_append(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let last = Append { after: After::Finish, ..append_as(&lease, 1, records([2])) };
    assert_eq!(appended(store, last.clone()).await, Ok(Seq::new(2)));
    assert_eq!(store.append(append_as(&lease, 2, records([3]))).await, Err(AppendError::Terminal));
    assert_eq!(store.append(append(&id, 2, records([3]))).await, Err(AppendError::Terminal));
    assert_eq!(store.append(append(&id, 1, records([3]))).await, Err(AppendError::Terminal));
    assert_eq!(appended(store, last).await, Ok(Seq::new(2)), "the last append repeated is no new one");
    assert_eq!(numbers(store, &id).await, [1, 2]);
}

/// However much was written since, and by whomever.
pub async fn an_append_repeated_under_its_name_is_written_once(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let first = append_as(&lease, 1, records([2, 3]));
    assert_eq!(appended(store, first.clone()).await, Ok(Seq::new(3)));
    assert_eq!(appended(store, first.clone()).await, Ok(Seq::new(3)));
    store.append(append(&id, 3, records([4]))).await.unwrap();
    assert_eq!(appended(store, first.clone()).await, Ok(Seq::new(3)));
    store.release(&lease.lease, None).await.unwrap();
    assert_eq!(appended(store, first).await, Ok(Seq::new(3)), "what was written stays written when the lease is gone");
    assert_eq!(numbers(store, &id).await, [1, 2, 3, 4]);
}

/// A workflow nobody made has no log.
pub async fn an_append_to_an_unknown_workflow_is_refused(subject: Subject) {
    let store = &*subject.store;
    let id = fresh_id();
    assert_eq!(store.append(append(&id, 0, records([1]))).await, Err(AppendError::Unknown));
    assert_eq!(store.get(&id).await, Ok(None));
    let page = store.read(&id, Seq::ZERO, 10).await.unwrap();
    assert_eq!((page.records.len(), page.head), (0, Seq::ZERO));
}

/// Nothing to write is a mistake, not a success.
pub async fn an_append_without_records_is_refused(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    assert_eq!(store.append(append(&id, 1, Vec::new())).await, Err(AppendError::Store(StoreError::Empty)));
    let mut empty = workflow();
    empty.records = Vec::new();
    assert_eq!(store.create(empty).await, Err(StoreError::Empty));
}

/// One of many writers wins each position; the others are told.
pub async fn concurrent_appends_at_one_position_have_one_winner(subject: Subject) {
    let id = created(&*subject.store, workflow()).await;
    let mut tasks = Vec::new();
    for number in 0..32 {
        let (store, id) = (Arc::clone(&subject.store), id.clone());
        tasks.push(tokio::spawn(async move { store.append(append(&id, 1, records([100 + number]))).await }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(head) => {
                assert_eq!(head.seq, Seq::new(2));
                won += 1;
            }
            Err(error) => assert_eq!(error, AppendError::Conflict { head: Seq::new(2) }),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(numbers(&*subject.store, &id).await.len(), 2);
}

/// Whatever it asks for, short of the end.
pub async fn an_outside_append_leaves_the_lease_to_its_owner(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    let lease = claim_one(store, "w").await;
    let afters = [After::Keep, After::Requeue { not_before: None }, After::Wait];
    for (head, after) in (1..).zip(afters) {
        store.append(Append { after, ..append(&id, head, records([head + 1])) }).await.unwrap();
        assert!(claim(store, "other", 1).await.is_empty(), "nobody else gets it after {after:?}");
    }
    assert_eq!(appended(store, append_as(&lease, 4, records([5]))).await, Ok(Seq::new(5)));
    finish(store, &id, 5, subject.dial.now()).await.unwrap();
    assert_eq!(store.append(append_as(&lease, 6, records([7]))).await, Err(AppendError::Terminal));
    let lost = LeaseRef { id, epoch: lease.lease.epoch };
    assert_eq!(store.renew(&[lost], TTL).await.unwrap(), [Renewal::Lost]);
}
