//! A server that dies, hangs and comes back: nothing acknowledged is lost, nothing is written twice, nobody waits for ever.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::{Seq, Timestamp};
use mcp_orchestrator_store::{
    Abilities, AppendError, Change, Claim, Created, RedisOptions, RedisStore, Renewal, Retention, Store, StoreError,
    Which, WorkerId,
};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{Dial, TTL, append, appended, claim_one, created, finish, numbers, records, worker, workflow},
};

use super::{open, soon};

/// Several writers, each of one log, repeat what was not answered; the server is killed under them again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_record_outlives_the_kill_of_the_server() {
    const WRITERS: usize = 8;
    const KILLS: usize = 4;
    let mut server = RedisServer::with(&["--appendfsync", "always"]);
    let store = Arc::new(open(&server, &Dial::new()).await);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (tell, mut told) = tokio::sync::mpsc::channel(64);
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let (store, stopped, tell) = (Arc::clone(&store), stopped.clone(), tell.clone());
        let id = created(&*store, workflow()).await;
        writers.push(tokio::spawn(async move {
            let mut head = 1;
            while !*stopped.borrow() {
                let next = append(&id, head, records([head + 1, head + 2]));
                let answer = loop {
                    match appended(&*store, next.clone()).await {
                        Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                        other => break other,
                    }
                };
                head += 2;
                assert_eq!(answer, Ok(Seq::new(head)));
                tell.send(()).await.unwrap();
            }
            (id, head)
        }));
    }
    for _ in 0..KILLS {
        for _ in 0..200 {
            soon(told.recv()).await.unwrap();
        }
        server.kill();
        server.restart();
    }
    stop.send_replace(true);
    drop(tell);
    while told.recv().await.is_some() {}
    let reader = open(&server, &Dial::new()).await;
    for writer in writers {
        let (id, head) = soon(writer).await.unwrap();
        let found = numbers(&reader, &id).await;
        let expected: Vec<u64> = (1..=head).collect();
        assert!(expected.starts_with(&found) && found.len() == expected.len().min(1000), "{} of {head}", found.len());
        assert_eq!(reader.heads(&[id]).await.unwrap()[0].seq, Seq::new(head));
    }
    assert_eq!(reader.check().await.unwrap().findings, Vec::<String>::new());
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_answered_by_the_next_one_and_is_no_attempt() {
    let server = RedisServer::start();
    let options = RedisOptions::from_url(&server.url()).unwrap().with_response_timeout(Duration::from_millis(300));
    let store = RedisStore::open_with(options).await.unwrap();
    let ids = [created(&store, workflow()).await, created(&store, workflow()).await];
    let abilities = Abilities::default();
    let ask = async |worker: &WorkerId, max| {
        let which = Which::Able(&abilities);
        soon(store.claim(Claim { worker, which, max, ttl: TTL, cluster_max: Some(2) })).await
    };
    let (mine, other) = (worker("mine"), worker("other"));
    // So that the lost claim is done at once when it is heard.
    assert_eq!(ask(&other, 0).await, Ok(Vec::new()));
    for round in 1..=3 {
        server.pause();
        let unheard = ask(&mine, 2).await;
        assert!(matches!(unheard, Err(StoreError::Unavailable(_))), "{unheard:?}");
        server.go_on();
        soon(async {
            while store.get(&ids[1]).await.ok().flatten().is_none_or(|row| row.owner != Some(mine.clone())) {}
        })
        .await;
        assert_eq!(ask(&other, 2).await, Ok(Vec::new()), "round {round}: they are somebody's");
    }
    let leases = ask(&mine, 1).await.unwrap();
    assert_eq!((leases.len(), leases[0].attempt), (1, 1));
    let rest = ask(&mine, 2).await.unwrap();
    assert_eq!((rest.len(), rest[0].attempt), (1, 1));
    assert_eq!(ask(&mine, 2).await, Ok(Vec::new()), "once is enough");
    let given: Vec<_> = leases.iter().chain(&rest).map(|lease| lease.lease.clone()).collect();
    assert_ne!(given[0].id, given[1].id);
    assert_eq!(store.renew(&given, TTL).await.unwrap(), [Renewal::Renewed; 2]);
}

#[tokio::test]
async fn a_server_that_hangs_fails_operations_within_a_bound() {
    let server = RedisServer::start();
    let options = RedisOptions::from_url(&server.url()).unwrap().with_response_timeout(Duration::from_millis(300));
    let store = RedisStore::open_with(options).await.unwrap();
    let id = created(&store, workflow()).await;
    server.pause();
    let next = append(&id, 1, records([2, 3]));
    let hung = soon(store.append(next.clone())).await;
    assert!(matches!(&hung, Err(AppendError::Store(StoreError::Unavailable(_)))), "{hung:?}");
    let read = soon(store.read(&id, Seq::ZERO, 10)).await;
    assert!(matches!(&read, Err(StoreError::Unavailable(_))), "{read:?}");
    soon(store.publish_ephemeral(&id, Bytes::from_static(b"lost"))).await;
    server.go_on();
    // The first try may have been written all the same: under its name it is written once.
    let answer = soon(async {
        loop {
            match appended(&store, next.clone()).await {
                Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                other => return other,
            }
        }
    });
    assert_eq!(answer.await, Ok(Seq::new(3)));
    assert_eq!(numbers(&store, &id).await, [1, 2, 3]);
}

#[tokio::test]
async fn hints_are_heard_again_after_an_outage() {
    let mut server = RedisServer::with(&["--appendfsync", "always"]);
    let dial = Dial::new();
    let (here, there) = (open(&server, &dial).await, open(&server, &dial).await);
    let id = created(&here, workflow()).await;
    let mut changes = there.changes();
    server.kill();
    let refused = soon(there.get(&id)).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(said)) if said.contains("127.0.0.1")), "{refused:?}");
    server.restart();
    // Nobody knows what was said meanwhile.
    while soon(changes.recv()).await.unwrap() != Change::Elsewhere {}
    let head = soon(async {
        loop {
            if let Ok(head) = here.append(append(&id, 1, records([2]))).await {
                return head;
            }
        }
    });
    assert_eq!(head.await.seq, Seq::new(2));
    while soon(changes.recv()).await.unwrap() != Change::Appended(id.clone(), Seq::new(2)) {}
    assert!(there.info().await.unwrap().warnings.iter().all(|warning| !warning.contains("hints")));
}

#[tokio::test]
async fn a_lease_goes_on_after_the_server_was_started_again() {
    let mut server = RedisServer::with(&["--appendfsync", "always"]);
    let store = open(&server, &Dial::new()).await;
    created(&store, workflow()).await;
    let lease = claim_one(&store, "w").await;
    server.kill();
    server.restart();
    let next = mcp_orchestrator_testkit::store_suite::append_as(&lease, 1, records([2]));
    let answer = soon(async {
        loop {
            match appended(&store, next.clone()).await {
                Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                other => return other,
            }
        }
    });
    assert_eq!(answer.await, Ok(Seq::new(2)));
}

#[tokio::test]
async fn a_full_server_says_so_and_keeps_what_it_has() {
    let server = RedisServer::start();
    let store = open(&server, &Dial::new()).await;
    let id = created(&store, workflow()).await;
    let lease = claim_one(&store, "w").await;
    let old = created(&store, workflow()).await;
    finish(&store, &old, 1, Timestamp::from_millis(1)).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = store.append(append(&id, 1, records([2]))).await;
    assert!(matches!(&refused, Err(AppendError::Store(StoreError::Full(_)))), "{refused:?}");
    let refused = store.create(workflow()).await;
    assert!(matches!(&refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(numbers(&store, &id).await, [1]);
    let warnings = store.info().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("no more writes")), "{warnings:?}");
    // What runs is not lost over it, and there is a way out.
    assert_eq!(store.renew(std::slice::from_ref(&lease.lease), TTL).await, Ok(vec![Renewal::Renewed]));
    let purged = store.purge(&Retention::until(Timestamp::from_millis(2)), 10).await.unwrap();
    assert_eq!(purged.workflows, 1);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(matches!(store.create(workflow()).await, Ok(Created::New(_))));
    assert_eq!(appended(&store, append(&id, 1, records([2]))).await, Ok(Seq::new(2)));
}
