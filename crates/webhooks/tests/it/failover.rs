//! A store that lost its last records: what takes their place is told as what it is.

use std::sync::Arc;

use mcp_orchestrator_store::{RedisStore, Store};
use mcp_orchestrator_testkit::RedisServer;
use mcp_orchestrator_webhooks::{Delivery, DeliveryStatus, NewEndpoint};

use super::{
    receiver::{Hit, Receiver},
    world::{World, me},
};

#[tokio::test]
async fn an_event_in_place_of_a_lost_one_has_another_id_and_one_written_again_the_same() {
    let mut primary = RedisServer::with(&["--appendfsync", "always"]);
    let port = primary.port().to_string();
    let mut replica = RedisServer::with(&["--appendfsync", "always", "--replicaof", "127.0.0.1", &port]);
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&primary.url()).await.unwrap());
    let world = World::on(Arc::clone(&store));
    let (of_all, of_one) = (Receiver::willing().await, Receiver::willing().await);
    let running = world.run();
    let all = running.endpoint(of_all.url()).await.endpoint.id;
    let (same, other) = (world.workflow(&me()).await, world.workflow(&me()).await);
    let new = NewEndpoint { url: of_one.url(), workflow: Some(other.clone()), ..NewEndpoint::default() };
    let one = running.create(new).await.endpoint.id;
    let delivered = |count| {
        move |all: &[Delivery]| all.len() == count && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
    };
    running.deliveries(&all, delivered(2)).await;
    running.deliveries(&one, delivered(1)).await;
    running.stop().await;
    assert_eq!(primary.commands(&[&["SET", "probe", "1"], &["WAIT", "1", "20000"]])[1], "1");
    replica.command(&["REPLICAOF", "NO", "ONE"]);

    let running = world.run();
    world.ask(&same, ["lost"]).await;
    world.ask(&other, ["lost"]).await;
    running.deliveries(&all, delivered(4)).await;
    running.deliveries(&one, delivered(2)).await;
    running.stop().await;
    primary.replace_by(&mut replica);
    while store.info().await.is_err() {
        tokio::task::yield_now().await;
    }

    // One is written again as it was, the other is not.
    world.ask(&same, ["lost"]).await;
    world.ask(&other, ["new"]).await;
    let running = world.run();
    running.deliveries(&all, delivered(4)).await;
    running.deliveries(&one, delivered(2)).await;
    running.stop().await;

    let told = |hits: Vec<Hit>| -> Vec<(String, String)> {
        hits.iter().map(|hit| (hit.question(), hit.id().to_owned())).collect()
    };
    let hits = told(of_all.so_far());
    let questions: Vec<&str> = hits.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(questions, ["0", "0", "lost", "lost", "lost", "new"]);
    assert_eq!(hits[4].1, hits[2].1, "who remembers ids has seen it");
    assert_ne!(hits[5].1, hits[3].1, "who remembers ids has not seen it");
    let hits = told(of_one.so_far());
    let questions: Vec<&str> = hits.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(questions, ["0", "lost", "new"]);
    assert_ne!(hits[2].1, hits[1].1);
}
