//! Which servers are trusted with logs, what an operator is told of them, and that no secret is told to anybody.

use mcp_orchestrator_store::{RedisOptions, RedisStore, Store, StoreError};
use mcp_orchestrator_testkit::{
    FaultProxy, RedisServer,
    store_suite::{Dial, created, workflow},
};

use super::{open, soon};

async fn refusal(url: &str) -> String {
    match RedisStore::open(url).await {
        Err(StoreError::Unavailable(said)) => said,
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_would_lose_logs_is_refused_with_what_to_change() {
    let server = RedisServer::start();
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = refusal(&server.url()).await;
    assert!(said.contains("allkeys-lru") && said.contains("noeviction"), "{said}");
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.command(&["CONFIG", "SET", "appendonly", "no"]);
    let said = refusal(&server.url()).await;
    assert!(said.contains("appendonly") && said.contains("allow_volatile=true"), "{said}");

    let store = RedisStore::open(&format!("{}?allow_volatile=true", server.url())).await.unwrap();
    let info = store.info().await.unwrap();
    assert_eq!(info.durability, "kept in the memory of the Redis server");
    assert!(info.warnings.iter().any(|warning| warning.contains("appendonly is off")), "{:?}", info.warnings);
}

#[tokio::test]
async fn what_acknowledged_means_is_said_as_the_server_is_configured() {
    let server = RedisServer::with(&["--appendfsync", "always"]);
    let store = open(&server, &Dial::new()).await;
    let info = store.info().await.unwrap();
    assert_eq!((info.kind, info.durability), ("redis", "synced to the disk of the Redis server"));
    assert!(info.version.starts_with("Redis 7") || info.version.starts_with("Redis 8"), "{}", info.version);
    assert_eq!(info.warnings, Vec::<String>::new());

    // Also when it is changed while the store is open.
    server.command(&["CONFIG", "SET", "appendfsync", "everysec"]);
    let info = store.info().await.unwrap();
    assert_eq!(info.durability, "synced to the disk of the Redis server within two seconds");
    assert!(info.warnings.iter().any(|warning| warning.contains("everysec")), "{:?}", info.warnings);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let info = store.info().await.unwrap();
    assert!(info.warnings.iter().any(|warning| warning.contains("allkeys-lru")), "{:?}", info.warnings);
}

#[tokio::test]
async fn a_replica_is_refused_and_a_server_with_one_is_warned_of() {
    let primary = RedisServer::with(&["--appendfsync", "always"]);
    let port = primary.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    assert_eq!(primary.commands(&[&["SET", "probe", "1"], &["WAIT", "1", "20000"]])[1], "1");
    let said = refusal(&replica.url()).await;
    assert!(said.contains("slave") && said.contains("takes writes"), "{said}");
    let store = RedisStore::open(&primary.url()).await.unwrap();
    let warnings = store.info().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("min-replicas-to-write")), "{warnings:?}");
    primary.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(store.info().await.unwrap().warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_login_that_may_only_what_is_needed_is_enough() {
    let server = RedisServer::start();
    let rule = ["ACL", "SETUSER", "app", "on", ">s3cret-word", "~{mcpo:0}:*", "&{mcpo:0}:*", "+@all", "-@dangerous"];
    server.command(&[&rule[..], &["+info"]].concat());
    let url = server.url().replace("redis://", "redis://app:s3cret-word@");
    let store = RedisStore::open(&url).await.unwrap();
    let id = created(&store, workflow()).await;
    assert!(store.get(&id).await.unwrap().is_some());
    let info = store.info().await.unwrap();
    assert!(info.warnings.iter().any(|warning| warning.contains("could not be checked")), "{:?}", info.warnings);
    let told = format!("{info:?} {store:?} {:?}", RedisOptions::from_url(&url).unwrap());
    assert!(!told.contains("s3cret-word"), "{told}");
}

#[tokio::test]
async fn a_password_is_needed_and_never_told() {
    let server = RedisServer::with(&["--requirepass", "s3cret-word"]);
    assert!(RedisStore::open(&server.url()).await.is_ok());
    let without = refusal(&server.url().replace(":s3cret-word@", "")).await;
    assert!(without.contains("NOAUTH") || without.to_lowercase().contains("auth"), "{without}");
    let wrong = refusal(&server.url().replace("s3cret", "wr0ng")).await;
    for said in [without, wrong] {
        assert!(said.contains("127.0.0.1") && !said.contains("-word"), "{said}");
    }
    let store = RedisStore::open(&server.url()).await.unwrap();
    let told =
        format!("{store:?} {:?} {:?}", store.info().await.unwrap(), RedisOptions::from_url(&server.url()).unwrap());
    assert!(!told.contains("s3cret"), "{told}");
    drop(server);
    let gone = store.get(&workflow().id).await.unwrap_err().to_string();
    assert!(gone.contains("127.0.0.1") && !gone.contains("s3cret"), "{gone}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_by_its_name() {
    let mut server = RedisServer::start();
    server.kill();
    let said = refusal(&server.url()).await;
    assert!(said.contains(&server.port().to_string()), "{said}");
}

#[tokio::test]
async fn a_store_is_opened_though_connections_break_at_first() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(([127, 0, 0, 1], server.port()).into());
    proxy.refuse();
    let url = format!("redis://{}", proxy.address());
    let opening = tokio::spawn(async move { RedisStore::open(&url).await.map(drop) });
    // Two that came to nothing: it has been tried again.
    soon(async {
        while proxy.refused() < 2 && !opening.is_finished() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    proxy.mend();
    soon(opening).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_whose_connections_always_break_is_given_up_with_what_they_said() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(([127, 0, 0, 1], server.port()).into());
    proxy.refuse();
    let said = soon(refusal(&format!("redis://{}", proxy.address()))).await;
    assert!(said.contains(&proxy.address().to_string()), "{said}");
    assert!(proxy.refused() > 2, "{} tries", proxy.refused());
}

#[tokio::test]
async fn a_refusal_is_told_at_the_first_try() {
    let server = RedisServer::with(&["--requirepass", "s3cret-word", "--maxmemory-policy", "allkeys-lru"]);
    let proxy = FaultProxy::start(([127, 0, 0, 1], server.port()).into());
    let refused = refusal(&format!("redis://:wr0ng-word@{}", proxy.address())).await;
    assert!(!refused.contains("-word") && proxy.accepted() == 1, "{refused}: {} tries", proxy.accepted());
    let refused = refusal(&format!("redis://:s3cret-word@{}", proxy.address())).await;
    assert!(refused.contains("allkeys-lru") && proxy.accepted() == 2, "{refused}: {} tries", proxy.accepted());
}

#[tokio::test]
async fn keys_of_another_version_are_not_touched() {
    let server = RedisServer::start();
    server.command(&["HSET", "{mcpo:0}:meta", "format", "9", "shards", "1"]);
    let refused = RedisStore::open(&server.url()).await;
    assert!(matches!(&refused, Err(StoreError::Unreadable(said)) if said.contains("format 9")), "{refused:?}");
    server.command(&["HSET", "{mcpo:0}:meta", "format", "3", "shards", "4"]);
    let refused = RedisStore::open(&server.url()).await;
    assert!(matches!(&refused, Err(StoreError::Unreadable(said)) if said.contains("4 shards")), "{refused:?}");
    assert_eq!(server.command(&["DBSIZE"]), "1");
}

#[tokio::test]
async fn stores_of_two_prefixes_know_nothing_of_each_other() {
    let server = RedisServer::start();
    let one = RedisStore::open(&format!("{}?prefix=one", server.url())).await.unwrap();
    let two = RedisStore::open(&format!("{}?prefix=two", server.url())).await.unwrap();
    let mut changes = two.changes();
    let id = created(&one, workflow()).await;
    assert_eq!(two.get(&id).await, Ok(None));
    created(&two, workflow()).await;
    assert!(changes.recv().await.is_ok());
    assert!(changes.try_recv().is_err(), "only its own is heard");
    assert_eq!(one.info().await.unwrap().workflows, 1);
}

#[tokio::test]
async fn tls_trusts_the_authority_that_is_named_and_no_other() {
    let file = |name: &str| format!("{}/tests/it/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let server =
        RedisServer::with(&["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"]);
    let store = RedisStore::open(&format!("{}?ca={}", server.url(), file("authority.pem"))).await.unwrap();
    let id = created(&store, workflow()).await;
    assert!(store.get(&id).await.unwrap().is_some());
    assert!(store.info().await.unwrap().location.starts_with("rediss://127.0.0.1"));
    let said = refusal(&server.url()).await;
    assert!(said.contains("127.0.0.1"), "{said}");
}

#[test]
fn an_url_that_means_nothing_is_refused_without_its_secret() {
    let wrong = [
        "http://me:s3cret@host/",
        "redis://me:s3cret@host/?prefix=",
        "redis://me:s3cret@host/?prefix=a:b",
        "redis://me:s3cret@host/?prefix={a}",
        "redis://me:s3cret@host/?unknown=1",
        "redis://me:s3cret@host/?allow_volatile=perhaps",
        "redis://me:s3cret@host/?ca=/etc/hosts",
        "rediss://me:s3cret@host/?ca=/no/such/file",
        "redis://me:s3cret@host/nine",
        "redis://me:s3cret@host/#insecure",
        "redis:",
        "",
    ];
    for url in wrong {
        let said = RedisOptions::from_url(url).unwrap_err().to_string();
        assert!(said.contains("URL of the Redis store") && !said.contains("s3cret"), "{url}: {said}");
    }
    let shown = |url: &str| RedisOptions::from_url(url).unwrap().location().to_owned();
    assert_eq!(shown("redis://me:s3cret@host"), "redis://host:6379/0");
    assert_eq!(shown("rediss://:s3cret@[::1]:7000/3?prefix=a&allow_volatile=false"), "rediss://[::1]:7000/3?prefix=a");
}
