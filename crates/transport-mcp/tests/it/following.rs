//! Subscriptions whose workflow cannot be read, and more of them than can be followed. Time is the test's own.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_transport_mcp::McpSettings;
use serde_json::{Value, json};

use crate::{
    unreadable_store::{UnreadableStore, unreadable_store},
    wire::{Http, LEGACY, Pipes, Stream, no_capabilities, request},
    world::{World, holding, research},
};

/// Resources that all connections follow together, and those of one stream.
const FOLLOWED_MAX: usize = 4_096;
const URIS_MAX: usize = 64;
/// How often a log that cannot be read is opened.
const TRIES_MAX: usize = 8;

/// A server over a store that can become unreadable, and a workflow whose agents hold.
async fn held() -> (Arc<UnreadableStore>, World, String) {
    let store = unreadable_store();
    let world = World::on(store.clone(), holding(), McpSettings::default().with_wait(Duration::ZERO));
    let id = Http::new(&world.server).tool("orchestrate_research", research()).await.task_id();
    while world.provider.running() == 0 {
        tokio::task::yield_now().await;
    }
    (store, world, id)
}

async fn session(world: &World) -> Pipes {
    let mut pipes = Pipes::new(&world.server);
    pipes.initialize(LEGACY, no_capabilities()).await;
    pipes
}

async fn subscribe(pipes: &mut Pipes, number: u64, uri: &str) {
    pipes.send(&request(number, "resources/subscribe", json!({ "uri": uri }))).await;
    assert_eq!(pipes.answer(number).await["result"], json!({}));
}

/// The next notification that a resource has changed: of which.
async fn told(pipes: &mut Pipes) -> Value {
    let told = async {
        loop {
            let message = pipes.next().await.unwrap();
            if message["method"] == "notifications/resources/updated" {
                return message["params"]["uri"].clone();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(600), told).await.expect("a subscription is not silent")
}

async fn next(stream: &mut Stream) -> Value {
    tokio::time::timeout(Duration::from_secs(600), stream.next()).await.expect("a listener hears").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_log_that_could_not_be_read_for_a_while_is_followed_on() {
    let (store, world, id) = held().await;
    let mut pipes = session(&world).await;
    store.tap.fail(&id, 3);
    let uri = format!("orchestrator://{id}/status");
    subscribe(&mut pipes, 1, &uri).await;
    store.tap.recovered().await;
    world.release(&id).await;
    assert_eq!(told(&mut pipes).await, uri);
    pipes.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_told_that_its_subscription_is_given_up_and_can_subscribe_again() {
    let (store, world, id) = held().await;
    let mut pipes = session(&world).await;
    store.tap.fail(&id, usize::MAX);
    let uri = format!("orchestrator://{id}/status");
    subscribe(&mut pipes, 1, &uri).await;
    assert_eq!(told(&mut pipes).await, uri, "it reads, and sees why");
    store.tap.heal();
    subscribe(&mut pipes, 2, &uri).await;
    world.release(&id).await;
    assert_eq!(told(&mut pipes).await, uri);
    pipes.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_told_that_a_log_cannot_be_read() {
    let (store, world, id) = held().await;
    store.tap.fail(&id, TRIES_MAX);
    let wanted = json!({ "notifications": { "resourceSubscriptions": [format!("orchestrator://{id}/status")] } });
    let mut stream = Http::new(&world.server).stream("subscriptions/listen", wanted).await;
    assert_eq!(next(&mut stream).await["method"], "notifications/subscriptions/acknowledged");
    // The stream is not read meanwhile: its signs of life follow the real clock.
    store.tap.recovered().await;
    let last = next(&mut stream).await;
    assert_eq!(last["error"]["message"], "the log of a workflow cannot be read now", "{last}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_followed_for_lack_of_a_place_is_not_acknowledged() {
    let (_store, world, id) = held().await;
    let http = Http::new(&world.server);
    let uris: Vec<String> = (0..URIS_MAX).map(|n| format!("orchestrator://{id}/status?{n}")).collect();
    let wanted = json!({ "notifications": { "resourceSubscriptions": uris } });
    let mut streams = Vec::new();
    for _ in 0..FOLLOWED_MAX / URIS_MAX {
        let mut stream = http.stream("subscriptions/listen", wanted.clone()).await;
        assert_eq!(next(&mut stream).await["params"]["notifications"]["resourceSubscriptions"], json!(uris));
        streams.push(stream);
        while world.handle.readers() < streams.len() * URIS_MAX {
            tokio::task::yield_now().await;
        }
    }
    let mut late = http.stream("subscriptions/listen", wanted).await;
    let acknowledged = next(&mut late).await;
    let given = acknowledged["params"]["notifications"]["resourceSubscriptions"].as_array().map_or(0, Vec::len);
    assert_eq!(given, 0, "{acknowledged}");
}
