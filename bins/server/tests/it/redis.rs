//! Two servers on one Redis: the cases of `replicas` once more, and what only Redis can show.

use mcp_orchestrator_testkit::{ModelServer, RedisServer};

use crate::{
    client::Client,
    process::{Home, PATIENCE},
    replicas::{self, Shared},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_at_one_replica_goes_on_at_the_other() {
    replicas::two_are_one(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_at_one_replica_stops_the_calls_of_the_other() {
    replicas::cancelled_elsewhere(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_replica_that_is_drained_goes_on_at_another() {
    replicas::drained(&Shared::redis()).await;
}

/// When its leases end: Redis does not know who lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_replica_that_is_killed_goes_on_at_another() {
    replicas::killed(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stood_still_is_fenced_when_it_goes_on() {
    replicas::stood_still(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_keep_to_the_number_that_may_run_in_all() {
    replicas::capped(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_every_replica() {
    replicas::queue_filled(&Shared::redis()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_takes_the_other_shows_and_streams() {
    let redis = RedisServer::with(&["--appendfsync", "always", "--requirepass", "s3cret-word"]);
    let home = Home::new();
    let (a, b) = (home.serve(&["--store", &redis.url()]), home.serve(&["--store", &redis.url()]));
    let (on_a, on_b) = (Client::of(&a), Client::of(&b));
    let id = on_a.start(3).await;
    let mut stream = on_b.events(&id, None).await;
    let mut seen = Vec::new();
    while let Some(told) = stream.next().await {
        seen.push(told);
    }
    assert_eq!(seen.last().map(|told| told.name.as_str()), Some("stream_closed"));
    assert_eq!(on_b.ended(&id).await["status"], "completed");
    assert_eq!(seen, on_a.events(&id, None).await.rest().await);
    let results = format!("/v1/workflows/{id}/results");
    assert_eq!(on_a.get(&results).await, on_b.get(&results).await);
    let (_, health) = on_b.get("/health").await;
    assert!(health.to_string().contains("synced to the disk of the Redis server"), "{health}");
    for told in [a.log(), b.log(), health.to_string()] {
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_servers_workflow_is_finished_by_the_other_and_its_stream_goes_on() {
    let redis = RedisServer::with(&["--appendfsync", "always"]);
    let model = ModelServer::start();
    let home = Home::with_model(model.base_url());
    let doomed = home.serve(&["--store", &redis.url()]);
    let id = Client::of(&doomed).start(3).await;
    let until = tokio::time::Instant::now() + PATIENCE;
    while model.requests().is_empty() {
        assert!(tokio::time::Instant::now() < until, "it never begins");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    doomed.kill();
    let heir = home.serve(&["--store", &redis.url()]);
    let client = Client::of(&heir);
    let seen = client.events(&id, None).await.rest().await;
    assert_eq!(seen.last().map(|told| told.name.as_str()), Some("stream_closed"));
    assert_eq!(client.ended(&id).await["status"], "completed");
    let ids: std::collections::HashSet<&str> = seen.iter().map(|told| told.id.as_str()).collect();
    assert_eq!(ids.len(), seen.len(), "no event is told twice");
}
