//! Several stores on one server behave as several processes: what one does, the others hear, see and respect.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use mcp_orchestrator_domain::{Principal, Seq, WorkflowId};
use mcp_orchestrator_store::{Abilities, Change, Claim, Needs, NewWorkflow, RedisStore, Store, StoreError, Which};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{
        Dial, TTL, append, append_as, claim, claim_one, claim_which, created, ids, numbers, records, worker, workflow,
    },
};

use super::{open, soon};
use crate::feed;

#[tokio::test]
async fn what_one_writes_and_shows_the_other_hears() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let (here, there) = (open(&server, &dial).await, open(&server, &dial).await);
    let mut changes = there.changes();
    let id = created(&here, workflow()).await;
    here.append(append(&id, 1, records([2, 3]))).await.unwrap();
    here.publish_ephemeral(&id, Bytes::from_static(b"a delta")).await;
    let expected = [
        Change::Appended(id.clone(), Seq::new(1)),
        Change::Appended(id.clone(), Seq::new(3)),
        Change::Ephemeral(id.clone(), Bytes::from_static(b"a delta")),
    ];
    let mut heard = Vec::new();
    for _ in &expected {
        heard.push(soon(changes.recv()).await.unwrap());
    }
    // Connections are several, and hints of different ones may overtake each other.
    for change in expected {
        assert!(heard.contains(&change), "{change:?} is not in {heard:?}");
    }
    assert_eq!(numbers(&there, &id).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_a_store_writes_it_hears_once() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let (store, peer) = (open(&server, &dial).await, open(&server, &dial).await);
    let (mut own, mut theirs) = (store.changes(), peer.changes());
    let id = created(&store, workflow()).await;
    for head in 1..40 {
        store.append(append(&id, head, records([head + 1]))).await.unwrap();
    }
    for head in 1..=40 {
        assert_eq!(own.recv().await.unwrap(), Change::Appended(id.clone(), Seq::new(head)));
    }
    // When the other has heard the last, this store's own messages have come back too, or are about to be ignored.
    while soon(theirs.recv()).await.unwrap() != Change::Appended(id.clone(), Seq::new(40)) {}
    assert!(own.try_recv().is_err());
}

#[tokio::test]
async fn work_that_comes_elsewhere_wakes_who_waits() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let (here, there) = (open(&server, &dial).await, open(&server, &dial).await);
    let waiting = there.wait_work(super::PATIENCE * 10);
    let ((), id) = soon(async { tokio::join!(waiting, created(&here, workflow())) }).await;
    let lease = claim_one(&there, "w").await;
    assert_eq!(lease.lease.id, id);
    let waiting = here.wait_work(super::PATIENCE * 10);
    let release = async { there.release(&lease.lease, None).await.unwrap() };
    soon(async { tokio::join!(waiting, release) }).await;
    assert_eq!(ids(&claim(&here, "v", 1).await), [id]);
}

#[tokio::test]
async fn the_feed_is_one_order_over_all_processes() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let stores = [open(&server, &dial).await, open(&server, &dial).await];
    feed::is_one_order(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_workers_never_get_one_workflow_twice() {
    const WORKFLOWS: usize = 200;
    let server = RedisServer::start();
    let dial = Dial::new();
    let stores = [Arc::new(open(&server, &dial).await), Arc::new(open(&server, &dial).await)];
    for _ in 0..WORKFLOWS {
        created(&*stores[0], workflow()).await;
    }
    let mut tasks = Vec::new();
    for number in 0..16 {
        let store = Arc::clone(&stores[number % 2]);
        tasks.push(tokio::spawn(async move {
            let mut mine: Vec<WorkflowId> = Vec::new();
            loop {
                let leases = claim(&*store, &format!("w{number}"), 1 + number % 3).await;
                for lease in &leases {
                    assert_eq!(lease.attempt, 1);
                    store.append(append_as(lease, 1, records([2]))).await.unwrap();
                }
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
    let distinct: HashSet<_> = given.iter().collect();
    assert_eq!((given.len(), distinct.len()), (WORKFLOWS, WORKFLOWS));
    assert_eq!(stores[1].check().await.unwrap().findings, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_waits_behind_what_nobody_here_can_run() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let (store, peer) = (open(&server, &dial).await, open(&server, &dial).await);
    for number in 0..150 {
        let provider = Some(format!("elsewhere_{}", number % 30).parse().unwrap());
        let needs = Needs { provider, ..Needs::default() };
        created(&peer, NewWorkflow { needs, priority: 9, ..workflow() }).await;
    }
    // Late leases of others' workflows do not stand in the way either.
    let able = Abilities { providers: vec!["elsewhere_3".parse().unwrap()], ..Abilities::default() };
    assert_eq!(claim_which(&peer, "peer", Which::Able(&able), 10).await.len(), 5);
    dial.turn(TTL * 2);
    let id = created(&peer, NewWorkflow { priority: 0, ..workflow() }).await;
    assert_eq!(ids(&claim(&store, "w", 1).await), [id]);
    assert!(claim(&store, "w", 100).await.is_empty());
    let late = claim_which(&store, "w", Which::Able(&able), 10).await;
    assert_eq!(late.iter().map(|lease| lease.attempt).collect::<Vec<_>>(), [2; 5]);
}

#[tokio::test]
async fn scripts_are_loaded_again_when_the_server_forgot_them() {
    let server = RedisServer::start();
    let store = open(&server, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    for head in 1..6 {
        server.command(&["SCRIPT", "FLUSH"]);
        store.append(append(&id, head, records([head + 1]))).await.unwrap();
    }
    server.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(ids(&claim(&store, "w", 1).await), std::slice::from_ref(&id));
    assert_eq!(numbers(&store, &id).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_closed_store_is_opened_again_as_it_was() {
    let server = RedisServer::start();
    let dial = Dial::new();
    let store = open(&server, &dial).await;
    let id = created(&store, workflow()).await;
    let lease = claim_one(&store, "w").await;
    store.append(append_as(&lease, 1, records([2, 3]))).await.unwrap();
    let blob = store.put_blob(&Principal::local(), Bytes::from_static(b"kept")).await.unwrap();
    let row = store.get(&id).await.unwrap();
    store.close().await;
    store.close().await;
    assert_eq!(store.get(&id).await, Err(StoreError::Unavailable("it is closed".to_owned())));
    assert!(store.append(append(&id, 3, records([4]))).await.is_err());

    let store = open(&server, &dial).await;
    assert_eq!(store.get(&id).await.unwrap(), row);
    assert_eq!(numbers(&store, &id).await, [1, 2, 3]);
    assert_eq!(store.get_blob(&Principal::local(), &blob.sha256).await.unwrap(), Some(Bytes::from_static(b"kept")));
    store.append(append_as(&lease, 3, records([4]))).await.unwrap();
}

#[tokio::test]
async fn leases_are_by_the_servers_clock() {
    let server = RedisServer::start();
    let (here, there) =
        (RedisStore::open(&server.url()).await.unwrap(), RedisStore::open(&server.url()).await.unwrap());
    let id = created(&here, workflow()).await;
    let name = worker("w");
    let brief = Claim {
        worker: &name,
        which: Which::Able(&Abilities::default()),
        max: 1,
        ttl: std::time::Duration::from_millis(1),
        cluster_max: None,
    };
    let first = here.claim(brief.clone()).await.unwrap().remove(0);
    let seconds: u64 = server.command(&["TIME"]).lines().next().unwrap().parse().unwrap();
    assert!(first.lease.epoch.0 / 1000 <= seconds && seconds <= first.lease.epoch.0 / 1000 + 60);
    // It ends by itself, and nobody turned a clock.
    let next = soon(async {
        loop {
            if let Some(lease) = claim(&there, "v", 1).await.pop() {
                return lease;
            }
        }
    });
    let next = next.await;
    assert!(next.lease.id == id && next.lease.epoch > first.lease.epoch);
}
