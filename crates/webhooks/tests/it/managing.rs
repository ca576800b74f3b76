//! Making, listing and removing endpoints; whose they are.

use mcp_orchestrator_domain::Principal;
use mcp_orchestrator_webhooks::{DeliveryId, DeliveryStatus, EndpointId, NewEndpoint, WebhookError};

use super::{
    receiver::Receiver,
    world::{World, me, until},
};

const URL: &str = "https://example.com/hook?token=s3cret";

fn new(url: &str) -> NewEndpoint {
    NewEndpoint { url: url.to_owned(), ..NewEndpoint::default() }
}

#[tokio::test]
async fn another_principal_sees_and_hears_nothing() {
    let world = World::new();
    let (mine, theirs) = (Receiver::willing().await, Receiver::willing().await);
    let running = world.run();
    let webhooks = &running.webhooks;
    let stranger = Principal::named("stranger");
    let id = running.endpoint(mine.url()).await.endpoint.id;
    webhooks.create(&stranger, new(&theirs.url())).await.unwrap();
    let workflow = world.workflow(&me()).await;
    let their_workflow = world.workflow(&stranger).await;
    mine.hits(1).await;
    theirs.hits(1).await;
    world.ask(&workflow, ["1"]).await;
    mine.hits(2).await;
    until(async || (webhooks.counts().delivered == 3).then_some(())).await;
    assert_eq!(theirs.so_far()[0].json()["data"]["task_id"], their_workflow.as_str());
    assert_eq!((mine.so_far().len(), theirs.so_far().len()), (2, 1));

    let unknown = WebhookError::UnknownEndpoint(id.to_string());
    let delivery: DeliveryId = mine.so_far()[0].id().parse().unwrap();
    assert_eq!(webhooks.get(&stranger, &id).await.unwrap_err(), unknown);
    assert_eq!(webhooks.delete(&stranger, &id).await.unwrap_err(), unknown);
    assert_eq!(webhooks.rotate(&stranger, &id).await.unwrap_err(), unknown);
    assert_eq!(webhooks.enable(&stranger, &id).await.unwrap_err(), unknown);
    assert_eq!(webhooks.deliveries(&stranger, &id, None, 10).await.unwrap_err(), unknown);
    assert_eq!(webhooks.replay(&stranger, &id, &delivery).await.unwrap_err(), unknown);
    assert_eq!(webhooks.list(&stranger, None, 10).await.unwrap().endpoints.len(), 1);
    let of_workflow = NewEndpoint { workflow: Some(workflow.clone()), ..new(URL) };
    assert_eq!(webhooks.create(&stranger, of_workflow).await.unwrap_err(), WebhookError::UnknownWorkflow(workflow));
    let stats = webhooks.stats(&stranger).await.unwrap();
    assert_eq!((stats.registered, stats.deliveries), (1, 1));
    assert_eq!(stats.deliveries_by_workflow.into_keys().collect::<Vec<_>>(), [their_workflow]);
    running.stop().await;
}

#[tokio::test]
async fn wrong_endpoints_are_refused_by_field_and_secrets_are_not_repeated() {
    let webhooks = World::new().webhooks();
    let secret = |text: &str| NewEndpoint { secret: Some(text.to_owned()), ..new(URL) };
    for (wrong, field) in [
        (new(""), "url"),
        (new("https://user:s3cret@example.com/"), "url"),
        (new("http://[::1]/s3cret"), "url"),
        (secret("s3cret"), "secret"),
        (secret("whsec_s3cret!"), "secret"),
        (secret("whsec_c2hvcnQ="), "secret"),
        (NewEndpoint { events: vec!["agent_stopped".to_owned()], ..new(URL) }, "events"),
        (NewEndpoint { events: vec!["stream_closed".to_owned()], ..new(URL) }, "events"),
        (NewEndpoint { description: Some("x".repeat(201)), ..new(URL) }, "description"),
    ] {
        assert!(!format!("{wrong:?}").contains("s3cret"));
        let error = webhooks.create(&me(), wrong).await.unwrap_err();
        assert!(matches!(&error, WebhookError::Invalid { field: named, .. } if *named == field), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    let own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let created = webhooks.create(&me(), secret(own)).await.unwrap();
    assert_eq!(created.secret.expose(), own);
    assert!(!format!("{created:?}").contains("s3cret") && !format!("{created:?}").contains("C2FV"));
    assert!(!serde_json::to_string(&created.endpoint).unwrap().contains("C2FV"));
}

#[tokio::test]
async fn endpoints_are_listed_in_pages_up_to_their_bound() {
    let mut world = World::new();
    world.settings.endpoints_max = 5;
    world.settings.workflow_endpoints_max = 1;
    let webhooks = world.webhooks();
    let workflow = world.workflow(&me()).await;
    let of_workflow = NewEndpoint { workflow: Some(workflow), ..new(URL) };
    webhooks.create(&me(), of_workflow.clone()).await.unwrap();
    assert_eq!(webhooks.create(&me(), of_workflow).await.unwrap_err(), WebhookError::TooMany { max: 1 });
    let owner = me();
    let made = futures::future::join_all((0..20).map(|_| webhooks.create(&owner, new(URL)))).await;
    let made = made.into_iter().filter(Result::is_ok).count();
    assert!(made <= 5, "{made}");
    let (mut listed, mut after): (Vec<EndpointId>, Option<EndpointId>) = (Vec::new(), None);
    loop {
        let page = webhooks.list(&me(), after.as_ref(), 2).await.unwrap();
        listed.extend(page.endpoints.into_iter().map(|endpoint| endpoint.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), made + 1);
    for id in &listed {
        webhooks.delete(&me(), id).await.unwrap();
        assert!(matches!(webhooks.get(&me(), id).await, Err(WebhookError::UnknownEndpoint(_))));
    }
    assert_eq!(webhooks.stats(&me()).await.unwrap().registered, 0);
    assert!("wh_\u{e9}".parse::<EndpointId>().is_err() && "x".parse::<DeliveryId>().is_err());
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_in_pages() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2", "3", "4"]).await;
    running.deliveries(&id, |all| all.iter().filter(|one| one.status == DeliveryStatus::Delivered).count() == 5).await;
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = running.webhooks.deliveries(&me(), &id, after.as_ref(), 2).await.unwrap();
        listed.extend(page.deliveries.into_iter().map(|delivery| delivery.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut sent: Vec<String> = receiver.so_far().iter().map(|hit| hit.id().to_owned()).collect();
    sent.reverse();
    assert_eq!(listed, sent);
    let unknown: DeliveryId = format!("msg_{}", "0".repeat(32)).parse().unwrap();
    let error = running.webhooks.replay(&me(), &id, &unknown).await.unwrap_err();
    assert_eq!(error, WebhookError::UnknownDelivery(unknown.to_string()));
    let taken: DeliveryId = sent[4].parse().unwrap();
    running.webhooks.replay(&me(), &id, &taken).await.unwrap();
    assert_eq!(receiver.hits(6).await[5].id(), taken.as_str());
    running.stop().await;
}
