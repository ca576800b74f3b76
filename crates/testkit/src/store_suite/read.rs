//! Properties of reading: pages, the feed, lists, hints.

use std::collections::HashSet;

use bytes::Bytes;
use mcp_orchestrator_domain::{Principal, Seq, Status, WorkflowId};
use mcp_orchestrator_store::{Change, FeedPosition, Head, Lineage, ListFilter, NewWorkflow, PAGE_MAX};

use super::{Subject, TTL, append, claim_one, created, finish, fresh_id, records, worker, workflow};

/// At most what was asked for, at most the store's bound, and the head of the whole log.
pub async fn a_page_is_bounded_and_says_where_the_log_ends(subject: Subject) {
    let store = &*subject.store;
    let count = PAGE_MAX as u64 + 20;
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, records(2..=count))).await.unwrap();

    let page = store.read(&id, Seq::new(2), 3).await.unwrap();
    let positions: Vec<u64> = page.records.iter().map(|recorded| recorded.seq.value()).collect();
    assert_eq!((positions, page.head), (vec![3, 4, 5], Seq::new(count)));
    let page = store.read(&id, Seq::ZERO, usize::MAX).await.unwrap();
    assert_eq!(page.records.len(), PAGE_MAX);
    let page = store.read(&id, Seq::new(count), 10).await.unwrap();
    assert_eq!((page.records.len(), page.head), (0, Seq::new(count)));
    let page = store.read(&id, Seq::new(u64::MAX), 10).await.unwrap();
    assert_eq!((page.records.len(), page.head), (0, Seq::new(count)));
}

/// One answer for each id, in the order of the ids, and zero for a log there is none of.
pub async fn the_heads_of_many_logs_come_in_the_order_asked_for(subject: Subject) {
    let store = &*subject.store;
    let (a, b) = (created(store, workflow()).await, created(store, workflow()).await);
    store.append(append(&b, 1, records([2, 3]))).await.unwrap();
    let heads = store.heads(&[b.clone(), fresh_id(), a.clone(), b]).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [3, 0, 1, 3].map(Seq::new));
    assert_eq!(store.heads(&[]).await.unwrap(), []);
}

/// Wherever a page begins, every record has the lineage it always had, also the one before the page. Either all have one
/// or none has, and no two have the same.
pub async fn the_lineage_of_a_record_is_the_same_wherever_it_is_told(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, records([2, 3, 4]))).await.unwrap();
    store.append(append(&id, 4, records([5]))).await.unwrap();
    store.append(append(&id, 5, records([6, 7]))).await.unwrap();
    let all = store.read(&id, Seq::ZERO, 10).await.unwrap();
    let lineages: Vec<Lineage> = (0..7).map(|place| all.lineage(place)).collect();
    let known = lineages.iter().filter(|lineage| **lineage != Lineage::UNKNOWN).collect::<HashSet<_>>().len();
    assert!(known == 0 || known == 7, "{lineages:?}");
    assert_eq!(all.before, Lineage::UNKNOWN);
    for after in 1..=7 {
        for max in 1..=8 {
            let page = store.read(&id, Seq::new(after as u64), max).await.unwrap();
            assert_eq!(page.records.len(), max.min(7 - after), "{max} after {after}");
            assert_eq!(page.before, lineages[after - 1], "{max} after {after}");
            for place in 0..page.records.len() {
                assert_eq!(page.lineage(place), lineages[after + place], "{max} after {after}");
            }
        }
    }
    let end = Head { seq: Seq::new(7), lineage: lineages[6] };
    assert_eq!(store.heads(std::slice::from_ref(&id)).await.unwrap(), [end]);
    assert_eq!(store.get(&id).await.unwrap().unwrap().lineage, end.lineage);
}

/// Every record once, in the order of its commit, resumable anywhere.
pub async fn the_feed_has_one_order_over_all_workflows(subject: Subject) {
    let store = &*subject.store;
    let (a, b) = (created(store, workflow()).await, created(store, workflow()).await);
    store.append(append(&a, 1, records([2, 3]))).await.unwrap();
    store.append(append(&b, 1, records([2]))).await.unwrap();
    store.append(append(&a, 3, records([4]))).await.unwrap();

    let all = store.feed(FeedPosition::default(), 100).await.unwrap();
    let seen: Vec<(&WorkflowId, u64)> = all.iter().map(|entry| (&entry.id, entry.recorded.seq.value())).collect();
    assert_eq!(seen, [(&a, 1), (&b, 1), (&a, 2), (&a, 3), (&b, 2), (&a, 4)]);
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(all[3].recorded.record.at.as_millis(), 3);

    let mut paged = Vec::new();
    let mut position = FeedPosition::default();
    for _ in 0..10 {
        let page = store.feed(position, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        position = last.position;
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

/// By principal, status and strategy, page by page.
pub async fn lists_filter_and_page_newest_first(subject: Subject) {
    let store = &*subject.store;
    let mut made = Vec::new();
    for number in 0..6 {
        let mut new = workflow();
        if number % 2 == 1 {
            new.principal = Principal::named("other");
        }
        if number == 4 {
            new.pattern = "swarm".parse().expect("a valid name");
        }
        made.push(created(store, new).await);
    }
    finish(store, &made[2], 1, subject.dial.now()).await.unwrap();

    let list = async |filter: ListFilter| -> Vec<WorkflowId> {
        store.list(&filter).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    let picked = |numbers: &[usize]| numbers.iter().map(|number| made[*number].clone()).collect::<Vec<_>>();
    assert_eq!(list(ListFilter::default()).await, picked(&[5, 4, 3, 2, 1, 0]));
    let of_local = ListFilter { principal: Some(Principal::local()), ..ListFilter::default() };
    assert_eq!(list(of_local.clone()).await, picked(&[4, 2, 0]));
    let swarm = ListFilter { pattern: Some("swarm".parse().expect("a valid name")), ..ListFilter::default() };
    assert_eq!(list(swarm).await, picked(&[4]));
    let ended = ListFilter { statuses: vec![Status::Completed, Status::Failed], ..ListFilter::default() };
    assert_eq!(list(ended).await, picked(&[2]));
    assert_eq!(list(ListFilter { max: 2, ..of_local.clone() }).await, picked(&[4, 2]));
    assert_eq!(list(ListFilter { before: Some(made[2].clone()), ..of_local }).await, picked(&[0]));
    let unknown = ListFilter { before: Some(fresh_id()), ..ListFilter::default() };
    assert_eq!(list(unknown).await, picked(&[]));
}

/// The owner while its lease lasts, nobody otherwise.
pub async fn rows_show_who_runs_a_workflow(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, NewWorkflow { priority: 0, ..workflow() }).await;
    let owner = async || store.get(&id).await.unwrap().expect("it is there").owner;
    assert_eq!(owner().await, None);
    let lease = claim_one(store, "w").await;
    assert_eq!(owner().await, Some(worker("w")));
    subject.dial.turn(TTL * 2);
    assert_eq!(owner().await, None);
    store.release(&lease.lease, None).await.unwrap();
    assert_eq!(owner().await, None);
}

/// The hint comes after the record can be read.
pub async fn an_append_is_hinted_at_after_it_is_stored(subject: Subject) {
    let store = &*subject.store;
    let mut changes = store.changes();
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, records([2, 3]))).await.unwrap();
    for expected in [1, 3] {
        let change = changes.recv().await.unwrap();
        assert_eq!(change, Change::Appended(id.clone(), Seq::new(expected)));
        assert!(store.read(&id, Seq::ZERO, 1).await.unwrap().head >= Seq::new(expected));
    }
    assert!(store.append(append(&id, 1, records([9]))).await.is_err());
    assert!(changes.try_recv().is_err(), "a refused append is no change");
}

/// They take no place in the log.
pub async fn ephemerals_reach_those_who_watch_and_are_not_stored(subject: Subject) {
    let store = &*subject.store;
    let id = created(store, workflow()).await;
    store.publish_ephemeral(&id, Bytes::from_static(b"nobody hears this")).await;
    let mut changes = store.changes();
    store.publish_ephemeral(&id, Bytes::from_static(b"delta")).await;
    assert_eq!(changes.recv().await.unwrap(), Change::Ephemeral(id.clone(), Bytes::from_static(b"delta")));
    assert_eq!(store.read(&id, Seq::ZERO, 10).await.unwrap().head, Seq::new(1));
}
