//! The walk: what clients of two replicas may rely on while each part of the deployment is lost once. Owns the steps and what
//! is right at each; every step begins with all services up.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use mcp_orchestrator_testkit::ModelServer;
use serde_json::json;
use tokio::time::sleep;

use super::{
    client::{Client, Stream, Told},
    services::Services,
    whole::{difference, is_whole},
};

const REDIS: &str = "redis";
const A: &str = "replica-a";
const B: &str = "replica-b";
const PROXY: &str = "proxy";

/// Agents of the workflows that something happens to.
const AGENTS: u64 = 3;
/// How often a workflow is submitted until the wanted replica runs it.
const TRIES: usize = 20;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a replica may take to take a workflow, or to let go of one.
const TAKING: Duration = Duration::from_secs(30);
/// Questions to the proxy while a replica is away.
const QUESTIONS: usize = 20;
/// Submissions through it meanwhile: enough for each replica to be asked.
const SUBMISSIONS: usize = 4;

/// What is walked on.
pub(super) struct Walk {
    services: Services,
    model: ModelServer,
    a: Client,
    b: Client,
    proxy: Client,
    submitted: usize,
    /// The workflow that outlived its replica.
    survivor: Option<String>,
}

/// One step: what was seen, or what was wrong.
type Step = for<'a> fn(&'a mut Walk) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + 'a>>;

/// All steps with their titles, in order.
pub(super) const STEPS: [(&str, Step); 9] = [
    ("every service is healthy by its own check", |walk| Box::pin(walk.healthy())),
    ("what goes in through the proxy is the same on both replicas", |walk| Box::pin(walk.same_everywhere())),
    ("an MCP task that begins on one replica goes on at the other", |walk| Box::pin(walk.tasks())),
    ("A is killed in the middle and the stream on B is whole", |walk| Box::pin(walk.killed())),
    ("A comes back and tells the same", |walk| Box::pin(walk.back())),
    ("B is drained, A finishes its work, nobody is turned away", |walk| Box::pin(walk.drained())),
    ("a cancellation on B stops what runs on A", |walk| Box::pin(walk.cancelled())),
    ("Redis is killed and everything acknowledged goes on", |walk| Box::pin(walk.redis_killed())),
    ("the proxy is restarted and a stream goes on where it was", |walk| Box::pin(walk.proxy_restarted())),
];

impl Walk {
    pub(super) fn new(services: Services, model: ModelServer) -> anyhow::Result<Self> {
        let client = |name| Client::of(services.places().of(name)?);
        let (a, b, proxy) = (client(A)?, client(B)?, client(PROXY)?);
        Ok(Self { services, model, a, b, proxy, submitted: 0, survivor: None })
    }

    async fn healthy(&mut self) -> anyhow::Result<String> {
        let started = self.up().await?;
        let health = self.proxy.get("/health").await?;
        ensure!(health.to_string().contains("synced to the disk of the Redis server"), "the store is: {health}");
        Ok(started.join(", "))
    }

    async fn same_everywhere(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let key = self.key();
        let (id, _) = self.proxy.submit(2, &key).await?;
        for client in [&self.a, &self.b] {
            let (again, _) = client.submit(2, &key).await?;
            ensure!(again == id, "the key {key} is {again} on one and {id} on the other");
            client
                .get(&format!("/v1/workflows/{id}"))
                .await
                .context("it is not known everywhere when it is accepted")?;
        }
        let status = self.proxy.ended(&id).await?;
        ensure!(status == "completed", "it ended as {status}");
        let events = self.same(&id).await?;
        Ok(format!("{} events", events.len()))
    }

    async fn tasks(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let arguments = json!({ "task": "How does a workflow survive a crash?", "num_agents": 2 });
        let call = json!({ "name": "orchestrate_research", "arguments": arguments });
        let task = self.a.mcp("tools/call", "orchestrate_research", call).await?;
        let id = task["taskId"].as_str().with_context(|| format!("no task: {task}"))?;
        let wait = json!({ "name": "wait_for_orchestration", "arguments": { "task_id": id, "wait_seconds": 15 } });
        let waited = self.b.mcp("tools/call", "wait_for_orchestration", wait).await?;
        ensure!(waited["structuredContent"]["status"] == "completed", "waiting for it ended with {waited}");
        let task = self.proxy.mcp("tasks/get", id, json!({ "taskId": id })).await?;
        ensure!(task["status"] == "completed", "the task is {task}");
        Ok("waited for there".to_owned())
    }

    async fn killed(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let id = self.runs_at(true).await?;
        let mut stream = self.b.follow(&id, None).await?;
        let mut seen = stream.take(3).await?;
        self.services.kill(A)?;
        let killed = Instant::now();
        ensure!(self.b.until(&id, |_| true).await?["status"] == "running", "it was not in the middle");
        for _ in 0..QUESTIONS {
            self.proxy.get(&format!("/v1/workflows/{id}")).await.context("the proxy asks a dead replica")?;
        }
        let others = self.submit_without_a_refusal().await.context("while A is away")?;
        seen.push(stream.next().await?.context("the stream ends with the replica")?);
        let away = killed.elapsed();
        seen.extend(stream.rest().await?);
        is_whole(&seen)?;
        for id in others.iter().chain([&id]) {
            let status = self.proxy.ended(id).await?;
            ensure!(status == "completed", "{id} ended as {status}");
        }
        self.proxy.get(&format!("/v1/workflows/{id}/results")).await?;
        self.survivor = Some(id);
        Ok(format!("{} events, the next one {:.1} s after the kill", seen.len(), away.as_secs_f64()))
    }

    async fn back(&mut self) -> anyhow::Result<String> {
        let started = self.up().await?;
        let id = self.survivor.clone().context("no workflow outlived its replica")?;
        let events = self.same(&id).await?;
        Ok(format!("{} started, {} events", started.join(", "), events.len()))
    }

    async fn drained(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let id = self.runs_at(false).await?;
        let mut stream = self.b.follow(&id, None).await?;
        let mut seen = stream.take(2).await?;
        self.services.terminate(B)?;
        let others = self.submit_without_a_refusal().await.context("while B is drained")?;
        seen.extend(stream.rest().await?);
        let closed = seen.pop().context("no last event")?;
        ensure!(
            (closed.name.as_str(), &closed.data["data"]["reason"]) == ("stream_closed", &json!("shutdown")),
            "the stream of the drained replica ends with {closed:?}"
        );
        let (code, took) = self.services.ended(B)?;
        ensure!(code == Some(0), "B ends with {code:?}");
        seen.extend(self.proxy.follow(&id, Some(&closed.id)).await?.rest().await?);
        is_whole(&seen)?;
        for id in others.iter().chain([&id]) {
            let status = self.proxy.ended(id).await?;
            ensure!(status == "completed", "{id} ended as {status}");
        }
        let whole = self.a.follow(&id, None).await?.rest().await?;
        ensure!(seen == whole, "the two halves of the stream are not the whole: {}", difference(&seen, &whole));
        Ok(format!(
            "it ended {:.1} s after its last stream; {} submissions were taken meanwhile",
            took.as_secs_f64(),
            others.len()
        ))
    }

    async fn cancelled(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let id = self.runs_at(true).await?;
        let (status, answer) = self.b.post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await?;
        ensure!(status == 200 && answer["status"] == "cancelled", "{status} {answer}");
        let asked = Instant::now();
        self.running(&self.a, 0).await?;
        let took = asked.elapsed();
        let log = self.b.log(&id).await?;
        ensure!(log.last().is_some_and(|record| !record["event"]["cancelled"].is_null()), "{:?}", log.last());
        let calls = self.model.requests().len();
        sleep(super::THINKS * 2).await;
        ensure!(self.model.requests().len() == calls, "the model is asked after the cancellation");
        ensure!(self.a.log(&id).await? == log, "something is written after the cancellation");
        Ok(format!("A had stopped after {} ms", took.as_millis()))
    }

    async fn redis_killed(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let id = self.runs_at(true).await?;
        let mut stream = self.b.follow(&id, None).await?;
        let mut seen = stream.take(3).await?;
        self.services.kill(REDIS)?;
        self.up().await?;
        let status = self.proxy.ended(&id).await?;
        ensure!(status == "completed", "it ended as {status}");
        // A stream may end while there is no store; its client goes on after what it has.
        seen.extend(stream.rest().await?);
        while seen.last().is_none_or(|told| told.name != "stream_closed") {
            let after = seen.last().map(|told| told.id.clone());
            seen.extend(self.b.follow(&id, after.as_deref()).await?.rest().await?);
        }
        is_whole(&seen)?;
        let whole = self.same(&id).await?;
        ensure!(seen == whole, "the stream of that time is not the whole: {}", difference(&seen, &whole));
        Ok(format!("{} events", seen.len()))
    }

    async fn proxy_restarted(&mut self) -> anyhow::Result<String> {
        self.up().await?;
        let id = self.runs_at(false).await?;
        let mut stream = self.proxy.follow(&id, None).await?;
        let mut seen = stream.take(3).await?;
        self.services.terminate(PROXY)?;
        self.services.ended(PROXY)?;
        seen.extend(broken(stream).await);
        self.up().await?;
        let after = seen.last().map(|told| told.id.clone());
        seen.extend(self.proxy.follow(&id, after.as_deref()).await?.rest().await?);
        is_whole(&seen)?;
        let whole = self.same(&id).await?;
        ensure!(seen == whole, "the two halves of the stream are not the whole: {}", difference(&seen, &whole));
        Ok(format!("{} events", seen.len()))
    }

    /// Submits through the proxy under keys, by a client that asks only once.
    async fn submit_without_a_refusal(&mut self) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..SUBMISSIONS {
            let key = self.key();
            let (id, refused) = self.proxy.submit(1, &key).await?;
            ensure!(refused == 0, "a submission was refused {refused} times");
            ids.push(id);
        }
        Ok(ids)
    }

    /// Starts what is down and waits until the proxy reaches everybody; what was started.
    async fn up(&mut self) -> anyhow::Result<Vec<String>> {
        let started = self.services.start()?;
        let began = Instant::now();
        while self.proxy.get("/readyz").await.is_err() {
            ensure!(began.elapsed() < TAKING, "the proxy reaches nobody");
            sleep(PAUSE).await;
        }
        Ok(started)
    }

    /// A workflow that runs at A, or else at B, and nothing else that runs anywhere.
    async fn runs_at(&mut self, at_a: bool) -> anyhow::Result<String> {
        for _ in 0..TRIES {
            let key = self.key();
            let (here, there) = if at_a { (&self.a, &self.b) } else { (&self.b, &self.a) };
            self.running(here, 0).await?;
            self.running(there, 0).await?;
            let (id, _) = here.submit(AGENTS, &key).await?;
            let began = Instant::now();
            while began.elapsed() < TAKING {
                if here.running().await? == 1 {
                    return Ok(id);
                }
                if there.running().await? == 1 {
                    there.post(&format!("/v1/workflows/{id}/cancel"), &json!({})).await?;
                    break;
                }
            }
        }
        bail!("the other replica takes every one of {TRIES} workflows")
    }

    async fn running(&self, client: &Client, count: u64) -> anyhow::Result<()> {
        let began = Instant::now();
        while client.running().await? != count {
            ensure!(began.elapsed() < TAKING, "a replica does not come to run {count} workflows");
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// What an ended workflow is, the same wherever it is asked; its events.
    async fn same(&self, id: &str) -> anyhow::Result<Vec<Told>> {
        let mut first = None;
        for client in [&self.a, &self.b, &self.proxy] {
            let view = client.get(&format!("/v1/workflows/{id}")).await?;
            let results = client.get(&format!("/v1/workflows/{id}/results")).await?;
            let events = client.follow(id, None).await?.rest().await?;
            let found = (view, results, events);
            match &first {
                None => first = Some(found),
                Some(first) => {
                    ensure!((&found.0, &found.1) == (&first.0, &first.1), "{id} is not the same everywhere");
                    ensure!(found.2 == first.2, "its events are not: {}", difference(&found.2, &first.2));
                }
            }
        }
        let (_, _, events) = first.context("nobody was asked")?;
        is_whole(&events)?;
        Ok(events)
    }

    fn key(&mut self) -> String {
        self.submitted += 1;
        format!("walk-{}", self.submitted)
    }
}

/// What still comes on a connection that breaks.
async fn broken(mut stream: Stream) -> Vec<Told> {
    let mut all = Vec::new();
    while let Ok(Some(told)) = stream.next().await {
        all.push(told);
    }
    all
}
