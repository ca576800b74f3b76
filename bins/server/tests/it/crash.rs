//! `kill -9` while an MCP task and a stream are open: both go on after the restart, and nothing is missing or twice.

use std::time::Duration;

use mcp_orchestrator_testkit::ModelServer;
use serde_json::{Value, json};

use crate::{
    client::{Client, Told},
    process::{Home, PATIENCE},
};

/// Places a kill lands at.
const SEEDS: u64 = 20;

/// Calls of a model in a whole workflow of this test: a plan, three agents twice, a report.
const CALLS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_and_a_stream_survive_a_kill_at_any_call() {
    let mut open = 0;
    for seed in 0..SEEDS {
        open += usize::from(kill_at(seed).await);
    }
    println!("{SEEDS} kills, {open} of them before the workflow had ended");
    // Kills after the end would prove nothing.
    assert!(open * 2 > usize::try_from(SEEDS).unwrap(), "{open} of {SEEDS}");
}

/// Whether the workflow was still running when the server was killed.
async fn kill_at(seed: u64) -> bool {
    let model = ModelServer::start();
    let home = Home::with_model(model.base_url());
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let arguments = json!({
        "task": "How does a workflow survive a crash?", "num_agents": 3, "enable_drummer": false,
    });
    let task = client.mcp(
        "tools/call",
        "orchestrate_research",
        json!({
            "name": "orchestrate_research", "arguments": arguments,
        }),
    );
    let task = task.await;
    assert_eq!(task["resultType"], "task", "{task}");
    let id = task["taskId"].as_str().unwrap().to_owned();
    let mut stream = client.events(&id, None).await;
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(told) = stream.next().await {
            seen.push(told);
        }
        seen
    });

    // A place anywhere in the workflow, the same for the same seed.
    let calls = usize::try_from(scrambled(seed) % (CALLS + 1)).unwrap();
    let until = tokio::time::Instant::now() + PATIENCE;
    while model.requests().len() < calls && !reading.is_finished() {
        assert!(tokio::time::Instant::now() < until, "seed {seed}: {} of {calls} calls", model.requests().len());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(scrambled(seed + 1000) % 15)).await;
    server.kill();
    let before = reading.await.unwrap();
    let was_open = before.last().is_none_or(|last| last.name != "stream_closed");

    let server = home.serve(&[]);
    let client = Client::of(&server);
    let ended = task_ended(&client, &id).await;
    assert_eq!(ended["status"], "completed", "seed {seed}: {ended}");
    assert!(!ended["result"]["isError"].as_bool().unwrap_or_default(), "seed {seed}: {ended}");

    let whole = client.events(&id, None).await.rest().await;
    let mut both = before.clone();
    if was_open {
        let last = before.last().map(|told| told.id.as_str());
        both.extend(client.events(&id, last).await.rest().await);
    }
    assert_eq!(names(&both), names(&whole), "seed {seed}");
    assert_eq!(both, whole, "seed {seed}");
    was_open
}

async fn task_ended(client: &Client, id: &str) -> Value {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let task = client.mcp("tasks/get", id, json!({ "taskId": id })).await;
        if task["status"] != "working" {
            return task;
        }
        assert!(tokio::time::Instant::now() < until, "{task}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn names(events: &[Told]) -> Vec<(&str, &str)> {
    events.iter().map(|told| (told.id.as_str(), told.name.as_str())).collect()
}

/// SplitMix64: a number that looks random, the same for the same seed.
fn scrambled(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
