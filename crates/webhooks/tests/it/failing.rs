//! What happens when a receiver does not take what it is sent.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator_egress::{Guard, Resolver, Resolving};
use mcp_orchestrator_store::RecordPut;
use mcp_orchestrator_webhooks::{DeliveryStatus, EndpointStatus, NewEndpoint, WebhookError};

use super::{
    receiver::{Answer, Receiver},
    world::{World, client, me, until},
};

#[tokio::test]
async fn attempts_follow_the_schedule_then_the_dead_letter_is_replayed() {
    let world = World::new();
    let works = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&works);
    let receiver =
        Receiver::start(move |_| Answer::Status(if script.load(Ordering::SeqCst) { 200 } else { 500 })).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    world.workflow(&me()).await;
    let pauses = world.settings.schedule.clone();
    for (attempts, pause) in (1..).zip(&pauses[1..]) {
        let failed = running.deliveries(&id, |all| all.first().is_some_and(|one| one.attempts == attempts)).await;
        let wait = failed[0].next_attempt.unwrap().since(failed[0].changed);
        assert!(wait >= *pause && wait <= *pause + *pause / 10, "{wait:?} instead of {pause:?}");
        assert_eq!((failed[0].last_status_code, failed[0].status), (Some(500), DeliveryStatus::Pending));
        assert_eq!(receiver.so_far().len() as u32, attempts);
        world.clock.advance(wait.saturating_sub(Duration::from_millis(1)));
        tokio::task::yield_now().await;
        world.clock.advance(Duration::from_millis(1));
    }
    let dead = running.deliveries(&id, |all| all[0].status == DeliveryStatus::Dead).await;
    assert_eq!((dead[0].attempts, dead[0].last_error.as_deref()), (10, Some("it answered 500")));
    assert_eq!(running.webhooks.counts().dead_letters, 1);

    works.store(true, Ordering::SeqCst);
    let replayed = running.webhooks.replay(&me(), &id, &dead[0].id).await.unwrap();
    assert_eq!((replayed.status, replayed.attempts), (DeliveryStatus::Pending, 0));
    running.deliveries(&id, |all| all[0].status == DeliveryStatus::Delivered).await;
    let hits = receiver.hits(11).await;
    assert!(hits.iter().all(|hit| hit.id() == dead[0].id.as_str() && hit.body == hits[0].body));
    let times: Vec<u64> = hits.iter().map(|hit| hit.header("webhook-timestamp").parse().unwrap()).collect();
    assert!(times[9] - times[0] > 3 * 24 * 3600, "{times:?}");
    assert_eq!(running.seen(&id, |endpoint| endpoint.dead_letters_in_a_row == 0).await.status, EndpointStatus::Active);
    running.stop().await;
}

#[tokio::test]
async fn gone_disables_the_endpoint_until_it_is_enabled() {
    let world = World::new();
    let receiver = Receiver::start(|hit| Answer::Status(if hit.number == 0 { 410 } else { 200 })).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    running.seen(&id, |endpoint| endpoint.status == EndpointStatus::Gone).await;
    let dead = running.deliveries(&id, |all| all.first().is_some_and(|one| one.next_attempt.is_none())).await;
    assert_eq!((dead[0].status, dead[0].last_status_code), (DeliveryStatus::Dead, Some(410)));

    let other = Receiver::willing().await;
    running.endpoint(other.url()).await;
    world.ask(&workflow, ["unheard"]).await;
    other.hits(1).await;
    running.webhooks.replay(&me(), &id, &dead[0].id).await.unwrap();
    assert_eq!(receiver.so_far().len(), 1);
    running.webhooks.enable(&me(), &id).await.unwrap();
    assert_eq!(receiver.hits(2).await[1].question(), "0");
    world.ask(&workflow, ["2"]).await;
    assert_eq!(receiver.hits(3).await[2].question(), "2");
    running.stop().await;
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let world = World::new();
    let elsewhere = Receiver::willing().await;
    let location = elsewhere.url();
    let receiver = Receiver::start(move |_| Answer::With(307, "location", location.clone())).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    world.workflow(&me()).await;
    let failed = running.deliveries(&id, |all| all.first().is_some_and(|one| one.attempts == 1)).await;
    assert_eq!((failed[0].last_status_code, failed[0].status), (Some(307), DeliveryStatus::Pending));
    assert_eq!((elsewhere.so_far().len(), running.webhooks.counts().attempts.redirected), (0, 1));
    running.stop().await;
}

/// Answers every name with this machine.
struct Inside;

impl Resolver for Inside {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_never_connected_to() {
    let mut world = World::new();
    world.client = client(Guard::public().allow_http().with_resolver(Arc::new(Inside)));
    let (receiver, running) = (Receiver::willing().await, world.run());
    let id = running.endpoint(receiver.url().replace("127.0.0.1", "hooks.example")).await.endpoint.id;
    world.workflow(&me()).await;
    let failed = running.deliveries(&id, |all| all.first().is_some_and(|one| one.attempts == 1)).await;
    let error = failed[0].last_error.as_deref().unwrap();
    assert!(error.contains("not public") && !error.contains("127"), "{error}");
    assert_eq!((receiver.so_far().len(), running.webhooks.counts().attempts.refused), (0, 1));

    for url in [receiver.url(), "http://localhost/".to_owned(), "ftp://example.com/".to_owned(), "no url".to_owned()] {
        let new = NewEndpoint { url, ..Default::default() };
        let error = running.webhooks.create(&me(), new).await.unwrap_err();
        assert!(matches!(&error, WebhookError::Invalid { field: "url", .. }), "{error}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_peace_gets_it() {
    let world = World::new();
    let status = Arc::new(AtomicU16::new(503));
    let script = Arc::clone(&status);
    let receiver =
        Receiver::start(move |_| Answer::With(script.load(Ordering::SeqCst), "retry-after", "3600".to_owned())).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    let endpoint = running.seen(&id, |endpoint| endpoint.paused_until.is_some()).await;
    assert_eq!(endpoint.paused_until.unwrap().since(world.clock_now()), Duration::from_hours(1));
    status.store(200, Ordering::SeqCst);
    world.ask(&workflow, ["1"]).await;
    running.deliveries(&id, |all| all.len() == 2).await;
    world.clock.advance(Duration::from_mins(59));
    until(async || (running.webhooks.counts().lag_ms == 0).then_some(())).await;
    assert_eq!(receiver.so_far().len(), 1);
    world.clock.advance(Duration::from_mins(1));
    receiver.hits(3).await;
    running.deliveries(&id, |all| all.iter().all(|one| one.status == DeliveryStatus::Delivered)).await;
    running.stop().await;
}

#[tokio::test]
async fn dead_letters_in_a_row_disable_the_endpoint() {
    let mut world = World::new();
    world.settings.schedule = vec![Duration::ZERO];
    world.settings.dead_letters_max = 3;
    let receiver = Receiver::start(|hit| Answer::Status(if hit.number == 1 { 200 } else { 400 })).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2", "3", "4", "5"]).await;
    let endpoint = running.seen(&id, |endpoint| endpoint.status == EndpointStatus::Failing).await;
    assert_eq!(endpoint.dead_letters_in_a_row, 3);
    // The first was dead, the second taken, the next three were dead; the last waits.
    let all = running.deliveries(&id, |all| all.len() == 6).await;
    assert_eq!(all[5].status, DeliveryStatus::Pending);
    assert_eq!(receiver.so_far().len(), 5);
    assert_eq!(running.webhooks.counts().attempts.rejected, 4);
    running.stop().await;
}

#[tokio::test]
async fn what_waits_and_what_is_kept_is_bounded() {
    let mut world = World::new();
    world.settings.pending_max = 2;
    world.settings.kept_max = 2;
    let willing = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&willing);
    let receiver = Receiver::start(move |_| match script.load(Ordering::SeqCst) {
        true => Answer::Status(200),
        false => Answer::Status(500),
    })
    .await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    receiver.hits(1).await;
    world.ask(&workflow, ["1", "2", "3"]).await;
    let all = running.deliveries(&id, |all| all.len() == 4 && all[1].attempts == 1).await;
    let dead: Vec<bool> = all.iter().map(|one| one.status == DeliveryStatus::Dead).collect();
    assert_eq!(dead, [false, false, true, true]);
    assert!(all[3].last_error.as_deref().unwrap().contains("2 deliveries wait"));
    willing.store(true, Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(6));
    receiver.hits(4).await;
    for text in ["4", "5"] {
        world.ask(&workflow, [text]).await;
        until(async || (running.webhooks.counts().pending == 0).then_some(())).await;
    }
    let kept = running.deliveries(&id, |all| all.len() == 4 && all[3].next_attempt.is_none()).await;
    let dead = kept.iter().filter(|one| one.status == DeliveryStatus::Dead).count();
    assert_eq!((dead, kept.len() - dead), (2, 2));
    running.stop().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_nobody_else() {
    let world = World::new();
    let receiver = Receiver::willing().await;
    let webhooks = world.webhooks();
    let workflow = world.workflow(&me()).await;
    for of in [None, Some(workflow.clone())] {
        let new = NewEndpoint { url: receiver.url(), workflow: of, ..NewEndpoint::default() };
        webhooks.create(&me(), new).await.unwrap();
    }
    // As another version may have left them: before, between and behind those that can be read.
    for space in ["webhooks.endpoint", "webhooks.delivery", "webhooks.wake"] {
        let found = world.store.record_scan(space, None, 10).await.unwrap();
        let near = found.iter().flat_map(|(key, _)| {
            let (start, last) = key.split_at(key.len() - 1);
            [format!("{start}!{last}"), format!("{key}~")]
        });
        for key in near.chain(["!".to_owned(), "~".to_owned(), "owner.wh_0:00000000000000000001.00000".to_owned()]) {
            let value = Some("no JSON".into());
            world
                .store
                .record_put(RecordPut { space: space.to_owned(), key, expected: 0, value, ttl: None })
                .await
                .unwrap();
        }
    }
    let running = world.run();
    world.ask(&workflow, ["1"]).await;
    // The one hears of everything, the other of what came after it.
    receiver.hits(3).await;
    until(async || (running.webhooks.counts().pending == 0).then_some(())).await;
    assert_eq!(running.webhooks.list(&me(), None, 10).await.unwrap().endpoints.len(), 2);
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_becomes_unreadable_stops_nobody_else() {
    let world = World::new();
    let (broken, well) = (Receiver::willing().await, Receiver::willing().await);
    let running = world.run();
    let id = running.endpoint(broken.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    broken.hits(1).await;
    until(async || (running.webhooks.counts().delivered == 1).then_some(())).await;
    let space = "webhooks.endpoint";
    let (key, record) = world.store.record_scan(space, None, 1).await.unwrap().remove(0);
    let put =
        RecordPut { space: space.to_owned(), key, expected: record.version, value: Some("no JSON".into()), ttl: None };
    world.store.record_put(put).await.unwrap();
    running.endpoint(well.url()).await;
    world.ask(&workflow, ["1"]).await;
    assert_eq!(well.hits(1).await[0].question(), "1");
    let unknown = WebhookError::UnknownEndpoint(id.to_string());
    assert_eq!(running.webhooks.get(&me(), &id).await.unwrap_err(), unknown);
    running.stop().await;
}

#[tokio::test]
async fn dead_letters_of_an_overflow_are_bounded_without_any_attempt() {
    let mut world = World::new();
    world.settings.pending_max = 1;
    world.settings.kept_max = 3;
    let (receiver, running) = (Receiver::start(|_| Answer::Hang).await, world.run());
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    receiver.hits(1).await;
    for text in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        world.ask(&workflow, [text]).await;
    }
    let mut seen = until(async || {
        let stored = world.store.record_scan("webhooks.delivery", None, 100).await.unwrap();
        Some(stored).filter(|stored| running.webhooks.counts().dead_letters == 8 && stored.len() == 4)
    })
    .await;
    // The one that waits, and the latest of the others.
    let all = running.deliveries(&id, |all| all.len() == 4).await;
    let seqs: Vec<bool> = all.iter().map(|one| one.status == DeliveryStatus::Pending).collect();
    assert_eq!(seqs, [true, false, false, false]);
    let last: serde_json::Value = serde_json::from_slice(&seen.pop().unwrap().1.value).unwrap();
    assert_eq!(last["seq"], 9);
    running.stop().await;
}
