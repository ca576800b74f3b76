//! What arrives, in which order, signed how.

use std::{collections::HashSet, time::Duration};

use mcp_orchestrator_webhooks::{DeliveryStatus, NewEndpoint};
use serde_json::json;
use standardwebhooks::Webhook;

use super::{
    receiver::{Answer, Receiver},
    world::{World, me, until},
};

#[tokio::test]
async fn events_arrive_in_order_and_the_signature_is_good_for_the_bytes_received() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let created = running.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2", "3", "4"]).await;
    world.end(&workflow).await;

    let hits = receiver.hits(6).await;
    let questions: Vec<String> = hits.iter().map(super::receiver::Hit::question).collect();
    assert_eq!(questions, ["0", "1", "2", "3", "4", ""]);
    assert_eq!(hits[5].event_type(), "workflow_cancelled");
    let verifier = Webhook::new(created.secret.expose()).unwrap();
    for hit in &hits {
        verifier.verify(&hit.body, &hit.headers).unwrap();
        assert_eq!(hit.header("content-type"), "application/json");
        assert!(verifier.verify(b"{}", &hit.headers).is_err());
    }
    let body = hits[1].json();
    assert_eq!(
        (&body["type"], &body["data"]["task_id"], &body["data"]["agent_id"], &body["data"]["data"]),
        (&json!("input_requested"), &json!(workflow.as_str()), &json!("asker"), &json!({ "question": "1" }))
    );
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z') && body["data"]["progress"].is_object());
    assert!(!format!("{:?} {created:?}", running.webhooks).contains(created.secret.expose()));

    let all = running.deliveries(&created.endpoint.id, |all| all.iter().all(|one| one.next_attempt.is_none())).await;
    assert_eq!(
        all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        hits.iter().map(|hit| hit.id()).collect::<Vec<_>>()
    );
    assert!(all.iter().all(|one| one.status == DeliveryStatus::Delivered && one.last_status_code == Some(204)));
    let counts = running.webhooks.counts();
    assert_eq!((counts.delivered, counts.attempts.delivered, counts.dead_letters, counts.leads), (6, 6, 0, true));
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_of_a_workflow_hears_it_from_the_beginning_and_nothing_else() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let workflow = world.workflow(&me()).await;
    let other = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2"]).await;
    until(async || (running.webhooks.counts().lag_ms == 0 && running.webhooks.counts().leads).then_some(())).await;
    let new = NewEndpoint { url: receiver.url(), workflow: Some(workflow.clone()), ..NewEndpoint::default() };
    let created = running.create(new).await;
    assert!(created.endpoint.id.as_str().ends_with(workflow.as_str()));
    world.ask(&other, ["unheard"]).await;
    world.ask(&workflow, ["3"]).await;
    world.end(&workflow).await;
    let hits = receiver.hits(5).await;
    assert_eq!(hits.iter().map(super::receiver::Hit::question).collect::<Vec<_>>(), ["0", "1", "2", "3", ""]);
    assert_eq!(hits.iter().map(|hit| hit.id().to_owned()).collect::<HashSet<_>>().len(), 5);
    running.deliveries(&created.endpoint.id, |all| all.len() == 5).await;
    running.stop().await;
}

#[tokio::test]
async fn only_the_events_asked_for_are_sent_and_none_from_before() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let workflow = world.workflow(&me()).await;
    world.clock.advance(Duration::from_secs(1));
    let events = vec!["workflow_cancelled".to_owned()];
    running.create(NewEndpoint { url: receiver.url(), events, ..NewEndpoint::default() }).await;
    let every = Receiver::willing().await;
    running.endpoint(every.url()).await;
    world.ask(&workflow, ["1"]).await;
    world.end(&workflow).await;
    assert_eq!(every.hits(2).await[0].question(), "1");
    assert_eq!(receiver.hits(1).await[0].event_type(), "workflow_cancelled");
    until(async || (running.webhooks.counts().delivered == 3).then_some(())).await;
    assert_eq!((every.so_far().len(), receiver.so_far().len()), (2, 1));
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_no_other_one_and_no_shutdown() {
    let world = World::new();
    let hanging = Receiver::start(|_| Answer::Hang).await;
    let (receiver, running) = (Receiver::willing().await, world.run());
    running.endpoint(hanging.url()).await;
    running.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    hanging.hits(1).await;
    for text in ["1", "2", "3"] {
        world.ask(&workflow, [text]).await;
    }
    let hits = receiver.hits(4).await;
    assert_eq!(hits[3].question(), "3");
    until(async || (running.webhooks.counts().pending == 4).then_some(())).await;
    assert_eq!((hanging.so_far().len(), running.webhooks.counts().running), (1, 1));
    running.stop().await;
}

#[tokio::test]
async fn a_body_too_long_loses_its_largest_field_and_says_so() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    running.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, [&*"x".repeat(30_000)]).await;
    let hits = receiver.hits(2).await;
    assert!(hits[1].body.len() < 20_000);
    let data = &hits[1].json()["data"];
    assert_eq!((&data["truncated"], &data["dropped"], &data["data"]), (&json!(true), &json!(["question"]), &json!({})));
    assert_eq!(hits[0].json()["data"].get("truncated"), None);
    running.stop().await;
}

#[tokio::test]
async fn after_a_rotation_the_former_secrets_sign_for_a_day() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let created = running.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    receiver.hits(1).await;
    // Rotated twice: whoever holds the first secret still can read what comes.
    let between = running.webhooks.rotate(&me(), &created.endpoint.id).await.unwrap();
    let secret = running.webhooks.rotate(&me(), &created.endpoint.id).await.unwrap();
    assert_ne!(secret.expose(), created.secret.expose());
    world.ask(&workflow, ["1"]).await;
    let both = receiver.hits(2).await.pop().unwrap();
    assert_eq!(both.header("webhook-signature").split(' ').count(), 3);
    for secret in [&secret, &between, &created.secret] {
        Webhook::new(secret.expose()).unwrap().verify(&both.body, &both.headers).unwrap();
    }
    world.clock.advance(Duration::from_hours(24));
    world.ask(&workflow, ["2"]).await;
    let later = receiver.hits(3).await.pop().unwrap();
    assert_eq!(later.header("webhook-signature").split(' ').count(), 1);
    let seconds = later.header("webhook-timestamp").parse().unwrap();
    let signed = Webhook::new(secret.expose()).unwrap().sign(later.id(), seconds, &later.body).unwrap();
    assert_eq!(later.header("webhook-signature"), signed);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_exact_under_concurrency() {
    const ENDPOINTS: usize = 12;
    const WORKFLOWS: usize = 4;
    const QUESTIONS: usize = 20;
    let mut world = World::new();
    // One attempt and no more: every refusal is a dead letter.
    world.settings.schedule = vec![Duration::ZERO];
    world.settings.dead_letters_max = u32::MAX;
    let running = world.run();
    let mut receivers = Vec::new();
    for _ in 0..ENDPOINTS {
        let receiver = Receiver::start(|hit| Answer::Status(if hit.number % 3 == 0 { 500 } else { 200 })).await;
        running.endpoint(receiver.url()).await;
        receivers.push(receiver);
    }
    let mut workflows = Vec::new();
    for _ in 0..WORKFLOWS {
        workflows.push(world.workflow(&me()).await);
    }
    for n in 1..QUESTIONS {
        futures::future::join_all(workflows.iter().map(|id| world.ask(id, vec![[" ", "x"][n % 2]]))).await;
    }
    let each = WORKFLOWS * QUESTIONS;
    for receiver in &receivers {
        receiver.hits(each).await;
    }
    let total = (ENDPOINTS * each) as u64;
    let counts = until(async || {
        Some(running.webhooks.counts()).filter(|counts| counts.delivered + counts.dead_letters == total)
    })
    .await;
    let failures = (ENDPOINTS * each.div_ceil(3)) as u64;
    assert_eq!((counts.dead_letters, counts.attempts.failed), (failures, failures));
    assert_eq!((counts.delivered, counts.attempts.delivered), (total - failures, total - failures));
    let stats = running.webhooks.stats(&me()).await.unwrap();
    assert_eq!((stats.registered, stats.deliveries, stats.failures), (ENDPOINTS, total - failures, failures));
    for workflow in &workflows {
        let of_workflow = stats.deliveries_by_workflow[workflow] + stats.failures_by_workflow[workflow];
        assert_eq!(of_workflow, (ENDPOINTS * QUESTIONS) as u64);
    }
    assert!(receivers.iter().all(|receiver| receiver.so_far().len() == each));
    running.stop().await;
}
