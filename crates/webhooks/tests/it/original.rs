//! The original's form of a webhook.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use mcp_orchestrator_domain::{Digest, Principal};
use mcp_orchestrator_webhooks::{Form, WebhookError};
use serde_json::json;
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::{
    receiver::{Answer, Receiver},
    world::{World, me, until},
};

#[tokio::test]
async fn the_originals_body_is_signed_over_exactly_the_bytes_sent() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let workflow = world.workflow(&me()).await;
    let endpoint =
        running.webhooks.register_original(&me(), &workflow, &receiver.url(), Some("schlüssel")).await.unwrap();
    assert_eq!((endpoint.form, endpoint.workflow.as_ref()), (Form::Original, Some(&workflow)));
    world.ask(&workflow, ["1"]).await;
    let hit = receiver.hits(1).await.remove(0);
    let body = hit.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["event", "task_id", "timestamp"]);
    assert_eq!(
        (&body["task_id"], &body["event"]["event_type"], &body["event"]["data"]),
        (&json!(workflow.as_str()), &json!("input_requested"), &json!({ "question": "1" }))
    );
    let mut mac = Hmac::<Sha256>::new_from_slice("schlüssel".as_bytes()).unwrap();
    mac.update(&hit.body);
    assert_eq!(hit.header("x-webhook-signature"), Digest::new(mac.finalize().into_bytes().into()).to_string());
    assert_eq!(hit.header("webhook-signature"), "");
    running.stop().await;
}

#[tokio::test]
async fn a_registration_takes_the_place_of_the_former_and_begins_now() {
    let world = World::new();
    let (first, second) = (Receiver::willing().await, Receiver::willing().await);
    let running = world.run();
    let workflow = world.workflow(&me()).await;
    let webhooks = &running.webhooks;
    let former = webhooks.register_original(&me(), &workflow, &first.url(), None).await.unwrap();
    world.ask(&workflow, ["1"]).await;
    assert_eq!(first.hits(1).await[0].header("x-webhook-signature"), "");
    webhooks.register_original(&me(), &workflow, &second.url(), None).await.unwrap();
    assert!(matches!(webhooks.get(&me(), &former.id).await, Err(WebhookError::UnknownEndpoint(_))));
    assert_eq!(webhooks.stats(&me()).await.unwrap().registered, 1);
    world.ask(&workflow, ["2"]).await;
    world.end(&workflow).await;
    let hits = second.hits(2).await;
    assert_eq!(hits[0].json()["event"]["data"]["question"], "2");
    assert_eq!(hits[1].json()["event"]["event_type"], "workflow_cancelled");
    assert_eq!(first.so_far().len(), 1);
    let stats = webhooks.stats(&me()).await.unwrap();
    until(async || (webhooks.counts().delivered == 3).then_some(())).await;
    assert_eq!(stats.failures, 0);
    running.stop().await;
}

#[tokio::test]
async fn what_a_submission_names_hears_of_everything_once() {
    let world = World::new();
    let receiver = Receiver::willing().await;
    let running = world.run();
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1"]).await;
    let webhooks = &running.webhooks;
    let first = webhooks.register_submission(&me(), &workflow, &receiver.url()).await.unwrap();
    let again = webhooks.register_submission(&me(), &workflow, &receiver.url()).await.unwrap();
    assert_eq!(first.id, again.id);
    world.end(&workflow).await;
    let hits = receiver.hits(3).await;
    // From the first record on, although two were there before it was registered.
    let ids: Vec<_> = hits.iter().map(|hit| hit.json()["event"]["id"].clone()).collect();
    assert_eq!(ids, ["0-1-0", "0-2-0", "0-2-1"]);
    until(async || (webhooks.counts().delivered == 3).then_some(())).await;
    let third = webhooks.register_submission(&me(), &workflow, &receiver.url()).await.unwrap();
    assert_eq!(first.id, third.id);
    until(async || (webhooks.counts().pending == 0).then_some(())).await;
    assert_eq!(receiver.so_far().len(), 3);
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_to_what_is_unregistered_while_a_delivery_runs() {
    let world = World::new();
    let open = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&open);
    let receiver = Receiver::start(move |hit| match hit.number {
        0 => {
            gate.add_permits(1);
            Answer::Hang
        }
        _ => Answer::Status(200),
    })
    .await;
    let running = world.run();
    let workflow = world.workflow(&me()).await;
    running.webhooks.register_original(&me(), &workflow, &receiver.url(), None).await.unwrap();
    world.ask(&workflow, ["1", "2"]).await;
    let _running = open.acquire().await.unwrap();
    assert!(running.webhooks.unregister_original(&me(), &workflow).await.unwrap());
    assert!(!running.webhooks.unregister_original(&me(), &workflow).await.unwrap());
    // Another one hears what follows, so the first would have by then.
    let other = Receiver::willing().await;
    running.webhooks.register_original(&me(), &workflow, &other.url(), None).await.unwrap();
    world.ask(&workflow, ["3"]).await;
    other.hits(1).await;
    until(async || (running.webhooks.counts().pending == 0).then_some(())).await;
    assert_eq!(receiver.so_far().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn wrong_registrations_are_refused_by_field() {
    let world = World::new();
    let webhooks = world.webhooks();
    let workflow = world.workflow(&me()).await;
    let long = "x".repeat(257);
    for (url, secret, expected) in [
        ("file:///etc/passwd", None, "webhook_url"),
        ("http://10.0.0.1/", None, "webhook_url"),
        ("https://example.com/", Some(""), "secret"),
        ("https://example.com/", Some(long.as_str()), "secret"),
    ] {
        let error = webhooks.register_original(&me(), &workflow, url, secret).await.unwrap_err();
        assert!(matches!(&error, WebhookError::Invalid { field, .. } if *field == expected), "{error}");
        assert!(error.to_string().starts_with(expected));
        assert_eq!(webhooks.check_url("webhook_url", url).err(), Some(error).filter(|_| expected == "webhook_url"));
    }
    let stranger = Principal::named("stranger");
    let error = webhooks.register_original(&stranger, &workflow, "https://example.com/", None).await.unwrap_err();
    assert_eq!(error, WebhookError::UnknownWorkflow(workflow));
}
