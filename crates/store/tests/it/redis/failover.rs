//! A failover to a replica that lacks what was acknowledged last: writers and readers are told, and no number is given twice.

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{AppendError, FeedPosition, Head, RedisStore, Store, StoreError};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{append_as, appended, claim_one, created, numbers, records, workflow},
};

use super::soon;

#[tokio::test]
async fn a_lost_tail_is_told_and_epochs_and_positions_still_grow() {
    let mut primary = RedisServer::with(&["--appendfsync", "always"]);
    let port = primary.port().to_string();
    let mut replica = RedisServer::with(&["--appendfsync", "always", "--replicaof", "127.0.0.1", &port]);
    let store = RedisStore::open(&primary.url()).await.unwrap();
    let id = created(&store, workflow()).await;
    let first = claim_one(&store, "first").await;
    store.append(append_as(&first, 1, records([2, 3]))).await.unwrap();
    assert_eq!(primary.commands(&[&["SET", "probe", "1"], &["WAIT", "1", "20000"]])[1], "1");

    // It is cut off; what comes now is acknowledged by the primary alone.
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(appended(&store, append_as(&first, 3, records([4, 5]))).await, Ok(Seq::new(5)));
    store.release(&first.lease, None).await.unwrap();
    let second = claim_one(&store, "second").await;
    assert_eq!(appended(&store, append_as(&second, 5, records([6]))).await, Ok(Seq::new(6)));
    let last = store.feed(FeedPosition::default(), 100).await.unwrap().last().unwrap().position;
    primary.replace_by(&mut replica);

    let told = soon(async {
        loop {
            match store.append(append_as(&first, 5, records([7]))).await {
                Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                other => return other,
            }
        }
    });
    assert_eq!(told.await, Err(AppendError::Regressed { head: Seq::new(3) }), "its lease is older than the cut");
    let fenced = store.append(append_as(&second, 6, records([7]))).await;
    assert_eq!(fenced, Err(AppendError::Fenced), "this server never gave it a lease");
    assert_eq!(numbers(&store, &id).await, [1, 2, 3]);

    store.release(&first.lease, None).await.unwrap();
    let third = claim_one(&store, "third").await;
    assert!(third.lease.epoch > second.lease.epoch, "{:?} is not after {:?}", third.lease, second.lease);
    store.append(append_as(&third, 3, records([40]))).await.unwrap();
    let after = store.feed(last, 100).await.unwrap();
    assert_eq!(after.len(), 1, "a reader that stood on what was lost misses nothing that comes");
    assert_eq!(after[0].recorded.seq, Seq::new(4));
}

#[tokio::test]
async fn a_tail_that_is_written_anew_has_another_lineage() {
    let mut primary = RedisServer::with(&["--appendfsync", "always"]);
    let port = primary.port().to_string();
    let mut replica = RedisServer::with(&["--appendfsync", "always", "--replicaof", "127.0.0.1", &port]);
    let store = RedisStore::open(&primary.url()).await.unwrap();
    let id = created(&store, workflow()).await;
    let owner = claim_one(&store, "owner").await;
    store.append(append_as(&owner, 1, records([2, 3]))).await.unwrap();
    assert_eq!(primary.commands(&[&["SET", "probe", "1"], &["WAIT", "1", "20000"]])[1], "1");
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    store.append(append_as(&owner, 3, records([4, 5]))).await.unwrap();
    let lost = store.read(&id, Seq::ZERO, 10).await.unwrap();
    let head = store.heads(std::slice::from_ref(&id)).await.unwrap()[0];
    assert_eq!(head, Head { seq: Seq::new(5), lineage: lost.lineage(4) });
    primary.replace_by(&mut replica);

    // Of the same length again.
    let written = soon(async {
        loop {
            match appended(&store, append_as(&owner, 3, records([40, 50]))).await {
                Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                other => return other,
            }
        }
    });
    assert_eq!(written.await, Ok(Seq::new(5)));
    let now = store.read(&id, Seq::ZERO, 10).await.unwrap();
    assert_eq!(now.lineages[..3], lost.lineages[..3], "what was kept is what it was");
    for place in [3, 4] {
        assert!(now.lineage(place).contradicts(lost.lineage(place)), "{:?} {:?}", now.lineages, lost.lineages);
    }
    let head = store.heads(std::slice::from_ref(&id)).await.unwrap()[0];
    assert!(head.lineage.contradicts(lost.lineage(4)), "the same length tells nothing, the lineage does");
    assert_eq!(store.read(&id, Seq::new(5), 10).await.unwrap().before, head.lineage);
    assert_eq!(store.get(&id).await.unwrap().unwrap().lineage, head.lineage);
}
