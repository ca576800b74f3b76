//! Two servers on one store are one server to their clients: whatever begins at one goes on at the other, and when one
//! goes away, however it goes, the other does its work. Each case is for any store; on Redis they run in `redis`.
#![expect(clippy::print_stdout, reason = "how long a takeover took is worth reading")]

use std::time::{Duration, Instant};

use mcp_orchestrator_testkit::{ModelServer, RedisServer};
use rustix::process::Signal;
use serde_json::json;

use crate::{
    client::{Client, Told},
    hook::Hook,
    process::{Home, PATIENCE},
};

/// How long the model thinks: long enough to stop a server while it does.
const SLOW: Duration = Duration::from_millis(300);

/// What the replicas of a test share.
pub(crate) enum Shared {
    /// One SQLite file.
    File,
    /// One Redis server.
    Redis(RedisServer),
}

impl Shared {
    /// A Redis server that forgets nothing.
    pub(crate) fn redis() -> Self {
        Self::Redis(RedisServer::with(&["--appendfsync", "always"]))
    }

    /// Where the replicas live that share it and ask a model.
    fn home(&self, model: &ModelServer) -> Home {
        let mut home = Home::with_model(model.base_url());
        if let Self::Redis(server) = self {
            home.variables.push(("ORCHESTRATOR_STORE__URL", server.url()));
        }
        home
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_at_one_replica_goes_on_at_the_other() {
    two_are_one(&Shared::File).await;
}

pub(crate) async fn two_are_one(shared: &Shared) {
    let model = ModelServer::start();
    let mut home = shared.home(&model);
    home.variables.push(("ORCHESTRATOR_EGRESS__HTTP", "allow".to_owned()));
    home.variables.push(("ORCHESTRATOR_EGRESS__ALLOW", "127.0.0.1".to_owned()));
    let (one, two) = (home.serve(&[]), home.serve(&[]));
    let (one, two) = (Client::of(&one), Client::of(&two));
    are_one(&one, &two).await;
    are_one(&two, &one).await;
}

/// Every case, for two servers that share a store, whatever store that is: `there` is asked about what began `here`.
async fn are_one(here: &Client, there: &Client) {
    status_and_results(here, there).await;
    streams(here, there).await;
    idempotency_keys(here, there).await;
    answers(here, there).await;
    tasks(here, there).await;
    webhooks(here, there).await;
    cancellations(here, there).await;
}

async fn status_and_results(here: &Client, there: &Client) {
    let id = here.start(2).await;
    let (status, view) = there.get(&format!("/v1/workflows/{id}")).await;
    assert_eq!((status, &view["task_id"]), (200, &json!(id)), "it is known everywhere when it is accepted");
    let ended = there.ended(&id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(here.ended(&id).await, ended);
    let results = |client: &Client| {
        let (client, path) = (client.clone(), format!("/v1/workflows/{id}/results"));
        async move { client.get(&path).await }
    };
    let (mine, theirs) = (results(here).await, results(there).await);
    assert_eq!(mine, theirs);
    assert!(theirs.1["final_synthesis"].as_str().is_some_and(|report| report.contains("durable log")), "{}", theirs.1);
}

/// A stream is left at one and goes on at the other: nothing is missing, nothing is twice.
async fn streams(here: &Client, there: &Client) {
    let id = here.start(3).await;
    let mut stream = here.events(&id, None).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(stream.next().await.unwrap());
    }
    drop(stream);
    let last = seen.last().map(|told| told.id.clone());
    let mut stream = there.events(&id, last.as_deref()).await;
    for _ in 0..3 {
        seen.push(stream.next().await.unwrap());
    }
    drop(stream);
    let last = seen.last().map(|told| told.id.clone());
    seen.extend(here.events(&id, last.as_deref()).await.rest().await);
    let whole = there.events(&id, None).await.rest().await;
    let ids = |events: &[Told]| events.iter().map(|told| (told.id.clone(), told.name.clone())).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&whole));
    assert_eq!(whole.last().map(|told| told.name.as_str()), Some("stream_closed"));
}

async fn idempotency_keys(here: &Client, there: &Client) {
    let body = json!({ "pattern": "research", "task": "How does a workflow survive a crash?", "num_agents": 1 });
    let key = format!("key-{}", here.start(1).await);
    let (status, first) = here.post_keyed("/v1/workflows", &body, &key).await;
    assert_eq!(status, 202, "{first}");
    let (status, again) = there.post_keyed("/v1/workflows", &body, &key).await;
    assert!(status == 200 || status == 202, "{again}");
    assert_eq!((&again["task_id"], &again["created"]), (&first["task_id"], &json!(false)), "{again}");
    let other = json!({ "pattern": "research", "task": "How long does a commit take then?", "num_agents": 1 });
    let (status, refused) = there.post_keyed("/v1/workflows", &other, &key).await;
    assert_eq!((status, &refused["code"]), (422, &json!("idempotency_mismatch")), "{refused}");
}

async fn answers(here: &Client, there: &Client) {
    let body = json!({
        "pattern": "sequential", "task": "How does a workflow survive a crash?",
        "steps": [{ "id": "approve", "question": "Go on?" }, { "id": "write", "task": "Write the report" }],
    });
    let (status, started) = here.post("/v1/workflows", &body).await;
    assert_eq!(status, 202, "{started}");
    let id = started["task_id"].as_str().unwrap();
    let asked = there.until(id, |view| view["status"] == "waiting").await;
    assert_eq!(asked["questions"][0]["step"], "approve", "{asked}");
    assert_eq!(asked["waiting"]["reason"], "input", "{asked}");
    let answered = there.post(&format!("/v1/workflows/{id}/answer"), &json!({ "answer": "yes" })).await;
    assert_eq!(answered.0, 200, "{}", answered.1);
    assert_eq!(here.ended(id).await["status"], "completed");
}

async fn tasks(here: &Client, there: &Client) {
    let arguments = json!({ "task": "How does a workflow survive a crash?", "num_agents": 2, "enable_drummer": false });
    let call = json!({ "name": "orchestrate_research", "arguments": arguments });
    let task = here.mcp("tools/call", "orchestrate_research", call).await;
    let id = task["taskId"].as_str().unwrap();
    let got = there.mcp("tasks/get", id, json!({ "taskId": id })).await;
    assert!(got["status"] == "working" || got["status"] == "completed", "{got}");
    let wait = json!({ "name": "wait_for_orchestration", "arguments": { "task_id": id, "wait_seconds": 50 } });
    let waited = there.mcp("tools/call", "wait_for_orchestration", wait).await;
    assert_eq!(waited["structuredContent"]["status"], "completed", "{waited}");
    let got = there.mcp("tasks/get", id, json!({ "taskId": id })).await;
    assert_eq!(got["status"], "completed", "{got}");
}

/// One that is registered at one is told of what happens at either, once.
async fn webhooks(here: &Client, there: &Client) {
    let hook = Hook::start();
    let body = json!({ "url": hook.url(), "events": ["workflow_complete"] });
    let (status, created) = there.post("/v1/webhooks", &body).await;
    assert_eq!(status, 201, "{created}");
    let mut ids = Vec::new();
    for client in [here, there, here] {
        let id = client.start(1).await;
        client.ended(&id).await;
        until(|| !hook.about(&id).is_empty(), "the hook is told").await;
        ids.push(id);
    }
    // Each was told before the next began, so a second telling of the first two would have come by now.
    for id in &ids {
        assert_eq!(hook.about(id).len(), 1, "{:?}", hook.about(id));
    }
}

async fn cancellations(here: &Client, there: &Client) {
    let id = here.start(3).await;
    let (status, answer) = there.post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await;
    // It may have been faster.
    assert!(status == 200 || status == 409, "{answer}");
    let ended = here.ended(&id).await;
    assert_eq!(there.ended(&id).await, ended);
    assert_eq!(ended["status"], if status == 200 { "cancelled" } else { "completed" }, "{ended}");
}

/// A workflow whose model is slow, and where it runs: at the first server, before there is a second.
async fn begun(model: &ModelServer, client: &Client) -> String {
    let id = client.start(2).await;
    until(|| !model.requests().is_empty(), "the model is asked").await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_at_one_replica_stops_the_calls_of_the_other() {
    cancelled_elsewhere(&Shared::File).await;
}

pub(crate) async fn cancelled_elsewhere(shared: &Shared) {
    let model = ModelServer::thinking(SLOW);
    let home = shared.home(&model);
    let one = home.serve(&[]);
    let id = begun(&model, &Client::of(&one)).await;
    let two = home.serve(&[]);
    let (status, answer) = Client::of(&two).post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await;
    assert_eq!((status, &answer["status"]), (200, &json!("cancelled")), "{answer}");
    let asked = Instant::now();
    let client = Client::of(&one);
    while client.get("/health").await.1["running_workflows"] != 0 {}
    println!("the other replica had stopped {} ms after the cancellation was stored", asked.elapsed().as_millis());
    let calls = model.requests().len();
    // Another workflow runs to its end there meanwhile: a call of the cancelled one would have been made by then.
    let other = client.start(1).await;
    assert_eq!(client.ended(&other).await["status"], "completed");
    let log = client.log(&id).await;
    let started = log.iter().filter(|record| !record["event"]["call_started"].is_null()).count();
    assert!(started <= calls, "{started} calls in the log, {calls} seen by the model");
    assert!(!log.last().unwrap()["event"]["cancelled"].is_null(), "{log:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_replica_that_is_drained_goes_on_at_another() {
    drained(&Shared::File).await;
}

pub(crate) async fn drained(shared: &Shared) {
    let model = ModelServer::thinking(SLOW);
    let mut home = shared.home(&model);
    home.variables.push(("ORCHESTRATOR_SERVER__GRACE", "50ms".to_owned()));
    let one = home.serve(&[]);
    let id = begun(&model, &Client::of(&one)).await;
    let two = home.serve(&[]);
    let client = Client::of(&two);
    one.signal(Signal::TERM);
    let log = one.log();
    assert_eq!(one.ended().code(), Some(0), "{log}");
    let gone = Instant::now();
    while client.get("/health").await.1["running_workflows"] == 0 {}
    println!("it ran elsewhere {} ms after the drained process had ended", gone.elapsed().as_millis());
    assert_eq!(client.ended(&id).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_replica_that_is_killed_goes_on_at_another_at_once() {
    killed(&Shared::File).await;
}

pub(crate) async fn killed(shared: &Shared) {
    let model = ModelServer::thinking(SLOW);
    let home = shared.home(&model);
    let one = home.serve(&[]);
    let id = begun(&model, &Client::of(&one)).await;
    let two = home.serve(&[]);
    let client = Client::of(&two);
    one.kill();
    let gone = Instant::now();
    while client.get("/health").await.1["running_workflows"] == 0 {}
    println!("it ran elsewhere {} ms after the kill", gone.elapsed().as_millis());
    assert_eq!(client.ended(&id).await["status"], "completed");
}

/// A process that stands still long enough loses its leases. When it goes on it must notice before it does anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stood_still_is_fenced_when_it_goes_on() {
    stood_still(&Shared::File).await;
}

pub(crate) async fn stood_still(shared: &Shared) {
    let model = ModelServer::thinking(Duration::from_secs(2));
    let home = shared.home(&model);
    let one = home.serve(&[]);
    let id = begun(&model, &Client::of(&one)).await;
    let two = home.serve(&[]);
    let client = Client::of(&two);
    let body = json!({ "pattern": "research", "task": "How does a workflow survive a crash?", "num_agents": 1 });
    let mut tries = 0;
    let beside = loop {
        one.signal(Signal::STOP);
        // Had it been in the middle of a write, the file would be locked for as long as it stands still.
        let (status, started) = client.post("/v1/workflows", &body).await;
        if status == 202 {
            break started["task_id"].as_str().unwrap().to_owned();
        }
        one.signal(Signal::CONT);
        tries += 1;
        assert!(tries < 5, "it is always in the middle of a write: {started}");
    };
    assert_eq!(client.ended(&beside).await["status"], "completed");
    let ended = client.ended(&id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let whole = client.log(&id).await;
    let calls = model.requests().len();
    one.signal(Signal::CONT);
    let stood = Client::of(&one);
    while stood.get("/health").await.1["running_workflows"] != 0 {}
    assert_eq!(model.requests().len(), calls, "no further call");
    assert_eq!(client.log(&id).await, whole, "and nothing written");
    // It goes on as a replica among others.
    let next = stood.start(1).await;
    assert_eq!(stood.ended(&next).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_keep_to_the_number_that_may_run_in_all() {
    capped(&Shared::File).await;
}

pub(crate) async fn capped(shared: &Shared) {
    let model = ModelServer::thinking(SLOW);
    let home = shared.home(&model);
    let servers = [home.serve(&["--cluster-max-running", "3"]), home.serve(&["--cluster-max-running", "3"])];
    let clients = servers.each_ref().map(Client::of);
    let mut ids = Vec::new();
    for number in 0..8 {
        ids.push(clients[number % 2].start(1).await);
    }
    let mut peak = 0;
    loop {
        let running = clients[0].listed("running").await;
        peak = peak.max(running.len());
        assert!(running.len() <= 3, "{running:?}");
        if clients[1].listed("completed").await.len() == ids.len() {
            break;
        }
    }
    println!("at most {peak} ran at once");
    assert_eq!(peak, 3, "the room there is is used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_every_replica() {
    queue_filled(&Shared::File).await;
}

pub(crate) async fn queue_filled(shared: &Shared) {
    let model = ModelServer::thinking(Duration::from_secs(5));
    let home = shared.home(&model);
    let flags = ["--max-running", "1", "--max-queued", "2"];
    let servers = [home.serve(&flags), home.serve(&flags)];
    let clients = servers.each_ref().map(Client::of);
    let body = json!({ "pattern": "research", "task": "How does a workflow survive a crash?", "num_agents": 1 });
    let mut refused = Vec::new();
    for number in 0..12 {
        let (status, answer) = clients[number % 2].post("/v1/workflows", &body).await;
        match status {
            202 => {}
            429 => refused.push(answer),
            _ => panic!("{status}: {answer}"),
        }
    }
    // Two run, two wait; more were accepted only where they were claimed between two submissions.
    assert!(refused.len() >= 8, "{} were refused", refused.len());
    assert!(refused.iter().all(|answer| answer["code"] == "queue_full"), "{refused:?}");
}

async fn until(so: impl Fn() -> bool, what: &str) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !so() {
        assert!(tokio::time::Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
