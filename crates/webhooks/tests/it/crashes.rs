//! What a crash costs, and several processes on one store.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::{RecordPut, SqliteStore, Store};
use mcp_orchestrator_webhooks::{Clock as _, Delivery, DeliveryStatus, NewEndpoint, SystemClock, Webhooks};

use super::{
    breaking_store::breaking_store,
    receiver::{Answer, Hit, Receiver},
    world::{Running, World, me, until},
};

type Stop = fn(&RecordPut) -> bool;

impl World {
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs webhooks on this world's store until they come to a write that `stops` names, and no further.
    async fn run_until(&self, stops: Stop, spared: u64) {
        let broken = breaking_store(Arc::clone(&self.store), stops, spared);
        let store: Arc<dyn Store> = Arc::clone(&broken) as _;
        let webhooks = Webhooks::new(store, self.client.clone(), self.settings.clone());
        let task = tokio::spawn(async move { webhooks.run(std::future::pending()).await });
        broken.tap.stopped.notified().await;
        task.abort();
        let _ = task.await;
        // The lease of the dead ends.
        self.clock.advance(self.settings.lease);
    }
}

fn is_position(put: &RecordPut) -> bool {
    put.space == "webhooks.state" && put.key == "position"
}

fn is_delivery(put: &RecordPut) -> bool {
    put.space == "webhooks.delivery"
}

#[tokio::test]
async fn a_crash_at_any_write_loses_nothing_and_makes_nothing_twice() {
    let stops: [(Stop, &[u64]); 2] = [(is_position, &[0]), (is_delivery, &[0, 1, 3, 5])];
    for (stop, spares) in stops {
        for spared in spares {
            let world = World::new();
            let receiver = Receiver::willing().await;
            let id = world.webhooks().create(&me(), NewEndpoint { url: receiver.url(), ..Default::default() }).await;
            let id = id.unwrap().endpoint.id;
            let workflow = world.workflow(&me()).await;
            world.ask(&workflow, ["1", "2", "3", "4"]).await;
            world.run_until(stop, *spared).await;

            let running = world.run();
            let all = running
                .deliveries(&id, |all| all.len() == 5 && all.iter().all(|one| one.status == DeliveryStatus::Delivered))
                .await;
            let ids: HashSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
            let hits = receiver.so_far();
            let sent: HashSet<&str> = hits.iter().map(Hit::id).collect();
            assert_eq!((ids.len(), &sent), (5, &ids));
            let mut questions: Vec<String> = hits.iter().map(Hit::question).collect();
            questions.dedup();
            assert_eq!(questions, ["0", "1", "2", "3", "4"]);
            // What was answered and not written down is sent once more, under its id; nothing else is.
            assert!(hits.len() <= 6, "{}", hits.len());
            running.stop().await;
        }
    }
}

#[tokio::test]
async fn what_is_read_again_is_neither_sent_again_nor_sooner() {
    let world = World::new();
    let receiver = Receiver::start(|hit| Answer::Status(if hit.number == 1 { 500 } else { 200 })).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1"]).await;
    let is_as_left = |all: &[Delivery]| {
        let states: Vec<_> = all.iter().take(2).map(|one| (one.status, one.attempts)).collect();
        states == [(DeliveryStatus::Delivered, 1), (DeliveryStatus::Pending, 1)]
    };
    running.deliveries(&id, is_as_left).await;
    running.stop().await;
    let position = world.store.record_get("webhooks.state", "position").await.unwrap().unwrap();
    let (space, key) = ("webhooks.state".to_owned(), "position".to_owned());
    let forget = RecordPut { space, key, expected: position.version, value: None, ttl: None };
    world.store.record_put(forget).await.unwrap();

    let running = world.run();
    world.ask(&workflow, ["2"]).await;
    assert_eq!(receiver.hits(3).await[2].question(), "2");
    let all = running.deliveries(&id, |all| all.get(2).is_some_and(|one| one.next_attempt.is_none())).await;
    assert!(is_as_left(&all) && all.len() == 3, "{all:?}");
    assert_eq!(receiver.so_far().len(), 3);
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_cut_off_is_repeated_under_its_id() {
    let world = World::new();
    let receiver = Receiver::start(|hit| if hit.number == 0 { Answer::Hang } else { Answer::Status(200) }).await;
    let running = world.run();
    let id = running.endpoint(receiver.url()).await.endpoint.id;
    world.workflow(&me()).await;
    receiver.hits(1).await;
    running.stop().await;
    let running = world.run();
    running.deliveries(&id, |all| all.first().is_some_and(|one| one.status == DeliveryStatus::Delivered)).await;
    let hits = receiver.so_far();
    assert_eq!((hits.len(), hits[0].id(), &hits[0].body), (2, hits[1].id(), &hits[1].body));
    running.stop().await;
}

#[tokio::test]
async fn of_two_processes_one_delivers_and_the_other_takes_over() {
    let world = World::new();
    let receiver = Receiver::willing().await;
    let (first, second) = (world.run(), world.run());
    // Whichever leads, both may be asked for everything.
    first.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2"]).await;
    receiver.hits(3).await;
    let both = [&first, &second];
    until(async || (both.iter().map(|one| one.webhooks.counts().delivered).sum::<u64>() == 3).then_some(())).await;
    assert_eq!(both.iter().filter(|one| one.webhooks.counts().leads).count(), 1);

    let (leader, other) = if first.webhooks.counts().leads { (first, second) } else { (second, first) };
    // The other one makes an endpoint; the leader learns of it.
    let late = Receiver::willing().await;
    let new = NewEndpoint { url: late.url(), workflow: Some(workflow.clone()), ..NewEndpoint::default() };
    other.create(new).await;
    world.clock.advance(world.settings.poll);
    late.hits(3).await;

    leader.kill().await;
    world.ask(&workflow, ["3"]).await;
    world.clock.advance(world.settings.lease);
    receiver.hits(4).await;
    late.hits(4).await;
    until(async || (other.webhooks.counts().delivered == 2).then_some(())).await;
    assert!(other.webhooks.counts().leads);
    let third = world.run();
    other.stop().await;
    world.ask(&workflow, ["4"]).await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(receiver.hits(5).await[4].question(), "4");
    let ids: HashSet<String> = receiver.so_far().iter().map(|hit| hit.id().to_owned()).collect();
    assert_eq!((ids.len(), receiver.so_far().len()), (5, 5));
    third.stop().await;
}

#[tokio::test]
async fn a_leader_that_slept_too_long_goes_on_or_steps_back() {
    let world = World::new();
    let receiver = Receiver::willing().await;
    let running = world.run();
    running.endpoint(receiver.url()).await;
    let workflow = world.workflow(&me()).await;
    receiver.hits(1).await;
    world.clock.advance(world.settings.lease * 10);
    world.ask(&workflow, ["1"]).await;
    assert_eq!(receiver.hits(2).await[1].question(), "1");
    until(async || (running.webhooks.counts().delivered == 2).then_some(())).await;
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_puts_off_no_reading() {
    let world = World::new();
    let (receiver, running) = (Receiver::willing().await, world.run());
    let workflow = world.workflow(&me()).await;
    running.endpoint(receiver.url()).await;
    world.ask(&workflow, ["1"]).await;
    receiver.hits(1).await;
    until(async || (running.webhooks.counts().delivered == 1).then_some(())).await;
    let an_hour_ago = world.clock_now().as_millis() - 3_600_000;
    world.clock.set(Timestamp::from_millis(an_hour_ago));
    // Made by another process: it is found by looking, and the next look was planned by the former time.
    let late = Receiver::willing().await;
    let new = NewEndpoint { url: late.url(), workflow: Some(workflow), ..NewEndpoint::default() };
    world.webhooks().create(&me(), new).await.unwrap();
    world.workflow(&me()).await;
    late.hits(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_leader_that_is_long_at_work_keeps_its_lease() {
    let world = World::new();
    let receiver = Receiver::willing().await;
    world.webhooks().create(&me(), NewEndpoint { url: receiver.url(), ..NewEndpoint::default() }).await.unwrap();
    world.workflow(&me()).await;
    let slow = breaking_store(Arc::clone(&world.store), is_delivery, 0);
    let store: Arc<dyn Store> = Arc::clone(&slow) as _;
    let webhooks = Webhooks::new(store, world.client.clone(), world.settings.clone());
    let task = tokio::spawn(async move { webhooks.run(std::future::pending()).await });
    slow.tap.stopped.notified().await;
    let version = async || world.store.record_get("webhooks.state", "leader").await.unwrap().unwrap().version;
    let mut held = version().await;
    // It takes longer than a lease lasts, and no other process comes between.
    for _ in 0..4 {
        world.clock.advance(world.settings.lease / 3);
        until(async || (version().await > held).then_some(())).await;
        held = version().await;
    }
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn what_came_before_an_endpoint_is_told_by_order_and_not_by_clocks() {
    for listens in [false, true] {
        let world = World::new();
        let running = world.run();
        let other = Receiver::willing().await;
        if listens {
            running.endpoint(other.url()).await;
        }
        let now = world.clock_now();
        let an_hour = Duration::from_hours(1);
        // Another process's clock is ahead, then behind.
        world.clock.set(now.after(an_hour));
        let workflow = world.workflow(&me()).await;
        world.ask(&workflow, ["1", "2"]).await;
        world.clock.set(now);
        let receiver = Receiver::willing().await;
        running.endpoint(receiver.url()).await;
        world.clock.set(Timestamp::from_millis(now.as_millis() - 3_600_000));
        world.ask(&workflow, ["3"]).await;
        world.clock.set(now);
        assert_eq!(receiver.hits(1).await[0].question(), "3");
        world.ask(&workflow, ["4"]).await;
        assert_eq!(receiver.hits(2).await[1].question(), "4");
        if listens {
            assert_eq!(other.hits(5).await.len(), 5);
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn processes_that_share_a_file_deliver_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let receiver = Receiver::willing().await;
    let mut worlds = Vec::new();
    for _ in 0..2 {
        let mut world = World::new();
        world.store = Arc::new(SqliteStore::open(&path).await.unwrap());
        world.settings.clock = Arc::new(SystemClock::new());
        world.settings.poll = Duration::from_millis(20);
        worlds.push(world);
    }
    let running: Vec<Running> = worlds.iter().map(World::run).collect();
    let ids = futures::future::join_all(running.iter().map(|one| one.endpoint(receiver.url()))).await;
    let workflow = worlds[0].workflow(&me()).await;
    worlds[1].ask(&workflow, ["1", "2"]).await;
    worlds[0].ask(&workflow, ["3"]).await;
    receiver.hits(8).await;
    for created in &ids {
        let delivered = |all: &[Delivery]| all.iter().filter(|one| one.status == DeliveryStatus::Delivered).count();
        running[0].deliveries(&created.endpoint.id, |all| delivered(all) == 4).await;
    }
    let hits = receiver.so_far();
    assert_eq!((hits.iter().map(Hit::id).collect::<HashSet<_>>().len(), hits.len()), (8, 8));
    assert_eq!(running.iter().filter(|one| one.webhooks.counts().leads).count(), 1);
    for one in running {
        one.stop().await;
    }
}

#[tokio::test]
async fn logs_that_nobody_hears_cost_no_write() {
    let world = World::new();
    let running = world.run();
    let workflow = world.workflow(&me()).await;
    world.ask(&workflow, ["1", "2"]).await;
    // Whoever comes later hears what comes later, and then the position is kept.
    world.clock.advance(Duration::from_secs(1));
    until(async || (running.webhooks.counts().leads && running.webhooks.counts().lag_ms == 0).then_some(())).await;
    assert_eq!(world.store.record_get("webhooks.state", "position").await.unwrap(), None);
    let receiver = Receiver::willing().await;
    running.endpoint(receiver.url()).await;
    world.ask(&workflow, ["3"]).await;
    assert_eq!(receiver.hits(1).await[0].question(), "3");
    until(async || (running.webhooks.counts().delivered == 1).then_some(())).await;
    assert!(world.store.record_get("webhooks.state", "position").await.unwrap().is_some());
    running.stop().await;
}

#[tokio::test]
async fn hints_of_what_nobody_hears_cost_no_read_and_listeners_are_not_looked_for_each_time() {
    let mut world = World::new();
    let counted = breaking_store(Arc::clone(&world.store), |_| false, 0);
    world.store = Arc::clone(&counted) as _;
    let reads = || (counted.tap.feeds.load(Ordering::SeqCst), counted.tap.looks.load(Ordering::SeqCst));
    let running = world.run();
    let workflow = world.workflow(&me()).await;
    until(async || (reads().1 > 0 && running.webhooks.counts().lag_ms == 0).then_some(())).await;
    world.clock.advance(Duration::from_secs(1));
    let before = reads();
    for n in 0..50 {
        world.ask(&workflow, [n.to_string().as_str()]).await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    let (feeds, looks) = reads();
    assert!(feeds - before.0 <= 2 && looks - before.1 <= 2, "{before:?} {feeds} {looks}");

    // Whoever begins to listen hears of what follows, and what is read for it is read once.
    let receiver = Receiver::willing().await;
    running.webhooks.register_original(&me(), &workflow, &receiver.url(), None).await.unwrap();
    let before = reads();
    for n in 0..50 {
        world.ask(&workflow, [n.to_string().as_str()]).await;
        receiver.hits(n + 1).await;
    }
    let (feeds, looks) = reads();
    assert!(feeds - before.0 >= 50 && looks - before.1 <= 3, "{before:?} {feeds} {looks}");
    running.stop().await;
}
