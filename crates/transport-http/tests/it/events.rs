//! Event streams.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_testkit::ScriptedProvider;
use mcp_orchestrator_transport_http::{ConnectionLimits, Settings};
use serde_json::Value;

use crate::{
    client::{Event, Events, PATIENCE},
    setting::{Site, held_site, site, start_over},
    sick_store::{Sickness, sick_store},
};

async fn all(site: &Site, id: &str) -> Vec<Event> {
    Events::open(site.address, &format!("/v1/workflows/{id}/events"), &[]).await.rest().await
}

#[tokio::test]
async fn a_stream_tells_everything_and_ends() {
    let site = site().await;
    let id = site.completed().await;
    let events = Events::open(site.address, &format!("/v1/workflows/{id}/events"), &[]).await;
    for header in ["content-type: text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"] {
        assert!(events.head.contains(header), "{}", events.head);
    }
    let events = events.rest().await;
    let names: Vec<_> = events.iter().map(|event| event.name.as_deref().unwrap()).collect();
    assert_eq!(names.first(), Some(&"workflow_start"));
    assert_eq!(names.last(), Some(&"stream_closed"));
    assert!(names.contains(&"workflow_complete"));
    for event in &events {
        assert_eq!(event.data["event_type"], event.name.as_deref().unwrap());
        assert_eq!(event.data["task_id"], *id);
        assert_eq!(event.data["id"], event.id.as_deref().unwrap());
    }
    site.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_after_every_event() {
    let site = site().await;
    let id = site.completed().await;
    let whole = all(&site, &id).await;
    let path = format!("/v1/workflows/{id}/events");
    for (at, event) in whole.iter().enumerate() {
        let seen = event.id.as_deref().unwrap();
        if at + 1 == whole.len() {
            assert_eq!(site.get_with(&path, &[("Last-Event-ID", seen)]).await.status, 204, "nothing follows");
            continue;
        }
        let rest = Events::open(site.address, &path, &[("Last-Event-ID", seen)]).await.rest().await;
        assert_eq!(rest, whole[at + 1..], "after {seen}");
        let rest = Events::open(site.address, &format!("{path}?after={seen}"), &[]).await.rest().await;
        assert_eq!(rest, whole[at + 1..], "after {seen}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_stream_begins_with_when_to_come_again_and_breaks_its_silence() {
    let site = held_site(Settings { keep_alive: Duration::from_millis(20), ..Settings::default() }).await;
    let id = site.started().await;
    let mut events = Events::open(site.address, &format!("/v1/workflows/{id}/events"), &[]).await;
    assert_eq!(events.block().await.as_deref(), Some("retry: 2000\n\n"));
    let mut blocks = Vec::new();
    while blocks.last().is_none_or(|block: &String| block != ": keep-alive\n\n") {
        blocks.push(events.block().await.unwrap());
    }
    site.stop().await;
}

#[tokio::test]
async fn wrong_places_and_unknown_workflows_are_refused() {
    let site = site().await;
    let id = site.completed().await;
    for path in [format!("/v1/workflows/{id}/events"), format!("/v1/events?workflow={id}"), format!("/stream/{id}")] {
        for wrong in ["x", "1-2", "0-1-0-0", "-1", "00000000.0-0-x"] {
            let problem = site.get_with(&path, &[("Last-Event-ID", wrong)]).await.problem(400);
            assert_eq!(problem["code"], "invalid_cursor", "{path} {wrong}");
        }
    }
    for path in ["/v1/workflows/research_0123456789abcdef/events", "/v1/events?workflow=research_0123456789abcdef"] {
        site.get(path).await.problem(404);
    }
    site.get("/v1/events").await.problem(422);
    site.get(&format!("/v1/events?workflow={id}&wrkflow=x")).await.problem(422);
    let many: String = (0..51).map(|n| format!("&workflow=research_0123456789ab{n:04}")).collect();
    site.get(&format!("/v1/events?{}", &many[1..])).await.problem(422);
    site.stop().await;
}

#[tokio::test]
async fn one_stream_follows_several_workflows_and_goes_on_after_every_event() {
    let site = site().await;
    let (a, b) = (site.completed().await, site.completed().await);
    let path = format!("/v1/events?workflow={a}&workflow={b}");
    let whole = Events::open(site.address, &path, &[]).await.rest().await;
    let alone = BTreeMap::from([(a.clone(), all(&site, &a).await), (b.clone(), all(&site, &b).await)]);
    let of = |events: &[Event], id: &str| -> Vec<_> {
        events.iter().filter(|event| event.data["task_id"] == *id).map(|event| event.data.clone()).collect()
    };
    for (id, alone) in &alone {
        assert_eq!(of(&whole, id), of(alone, id), "each as it is alone");
    }
    for (at, event) in whole.iter().enumerate() {
        let headers = [("Last-Event-ID", event.id.as_deref().unwrap())];
        if at + 1 == whole.len() {
            assert_eq!(site.get_with(&path, &headers).await.status, 204, "nothing follows");
            continue;
        }
        let rest = Events::open(site.address, &path, &headers).await.rest().await;
        for id in [&a, &b] {
            assert_eq!(of(&rest, id), of(&whole[at + 1..], id), "after {at}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_ends_the_stream_of_several_and_says_nothing_of_the_store() {
    let store = sick_store();
    let site = start_over(store.clone(), Settings::default(), ScriptedProvider::obliging(2), |http| http).await;
    let (a, b) = (site.completed().await, site.completed().await);
    let path = format!("/v1/events?workflow={a}&workflow={b}");
    store.tap.cannot_read(&a);
    let events = Events::open(site.address, &path, &[]).await.rest().await;
    let last = events.last().unwrap();
    assert_eq!(
        (last.name.as_deref(), &last.data["task_id"], &last.id),
        (Some("stream_error"), &a.as_str().into(), &None)
    );
    assert_eq!(last.data["error"], "the log cannot be read now");
    assert!(!events.iter().any(|event| event.name.as_deref() == Some("stream_closed")), "{events:?}");
    store.tap.fall(Sickness::None);
    let seen = events.iter().rev().find_map(|event| event.id.as_deref());
    let headers: Vec<_> = seen.map(|seen| ("Last-Event-ID", seen)).into_iter().collect();
    let rest = Events::open(site.address, &path, &headers).await.rest().await;
    assert_eq!(rest.iter().filter(|event| event.name.as_deref() == Some("stream_closed")).count(), 2);
    site.stop().await;
}

#[tokio::test]
async fn who_does_not_read_slows_nobody() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let path = format!("/v1/workflows/{id}/events");
    let stuck = Events::open(site.address, &path, &[]).await;
    let reads = Events::open(site.address, &path, &[]).await;
    let stats = site.get("/v1/stats").await.json();
    assert_eq!(stats["streaming"]["active_streams"], 2);
    assert_eq!(stats["streaming"]["task_ids"][0], *id);
    while site.provider.running() < 2 {
        tokio::task::yield_now().await;
    }
    site.provider.release();
    let events = reads.rest().await;
    assert_eq!(events.last().unwrap().name.as_deref(), Some("stream_closed"));
    drop(stuck);
    site.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream_and_not_the_workflow() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    drop(Events::open(site.address, &format!("/v1/workflows/{id}/events"), &[]).await);
    while site.get("/health").await.json()["active_streams"] != 0 {}
    assert_eq!(site.get(&format!("/v1/workflows/{id}")).await.json()["status"], "running");
    site.stop().await;
}

#[tokio::test]
async fn text_that_is_being_written_is_shown_to_who_asks_for_it() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    let workflow: WorkflowId = id.parse().unwrap();
    let path = format!("/v1/workflows/{id}/events");
    let mut with = Events::open(site.address, &format!("{path}?deltas=true"), &[]).await;
    let mut several = Events::open(site.address, &format!("/v1/events?workflow={id}&deltas=true"), &[]).await;
    let without = Events::open(site.address, &path, &[]).await;
    while site.provider.running() < 2 {
        tokio::task::yield_now().await;
    }
    for stream in [&mut with, &mut several] {
        let delta = loop {
            // Who watches since a moment ago has missed what was shown before: it is shown until it is seen.
            let text = Bytes::from_static(b"{\"agent_id\":\"belter_0\",\"text\":\"High\"}");
            site.store.publish_ephemeral(&workflow, text).await;
            let event = stream.next().await.unwrap();
            if event.name.as_deref() == Some("delta") {
                break event;
            }
        };
        assert_eq!((delta.id, &delta.data["task_id"]), (None, &Value::from(id.as_str())));
        assert_eq!(delta.data["data"]["text"], "High");
    }
    site.provider.release();
    assert!(without.rest().await.iter().all(|event| event.name.as_deref() != Some("delta")));
    site.stop().await;
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_let_go() {
    let write_deadline = Duration::from_millis(200);
    let connections = ConnectionLimits { write_deadline, ..ConnectionLimits::default() };
    let site = held_site(Settings { connections, ..Settings::default() }).await;
    let id = site.started().await;
    let workflow: WorkflowId = id.parse().unwrap();
    let stuck = Events::open(site.address, &format!("/v1/workflows/{id}/events?deltas=true"), &[]).await;
    let text = Bytes::from(format!("{{\"agent_id\":\"belter_0\",\"text\":\"{}\"}}", "x".repeat(30_000)));
    let let_go = async {
        while site.get("/health").await.json()["active_streams"] != 0 {
            for _ in 0..10 {
                site.store.publish_ephemeral(&workflow, text.clone()).await;
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, let_go).await.expect("let go in time");
    assert_eq!(site.get(&format!("/v1/workflows/{id}")).await.json()["status"], "running");
    drop(stuck);
    site.stop().await;
}

#[tokio::test]
async fn at_the_end_each_workflow_has_a_last_word_and_its_stream_goes_on_from_there() {
    let site = held_site(Settings::default()).await;
    let (a, b) = (site.started().await, site.started().await);
    let path = format!("/v1/events?workflow={a}&workflow={b}");
    let events = Events::open(site.address, &path, &[]).await;
    while site.provider.running() < 4 {
        tokio::task::yield_now().await;
    }
    let handle = site.handle.clone();
    let serving = site.stopping();
    let events = events.rest().await;
    let last: Vec<_> = events.iter().rev().take(2).collect();
    for event in &last {
        assert_eq!((event.name.as_deref(), &event.data["data"]["reason"]), (Some("stream_closed"), &"shutdown".into()));
    }
    assert_ne!(last[0].data["task_id"], last[1].data["task_id"]);
    let before = events.iter().rev().nth(2).unwrap();
    assert_eq!(last[0].id, before.id);
    serving.await.unwrap().unwrap();
    handle.shutdown(Duration::ZERO).await.unwrap();
}
