//! CPU time of a submission and of a status, and how soon a reader sees the first event of what was submitted.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use anyhow::Context as _;
use mcp_orchestrator::{RequestDraft, WorkflowId};
use serde_json::{Value, json};

use crate::{
    calls::ask,
    child::Child,
    client::{Client, Reader, get, post},
    median, quantile,
    role::{Kind, Role},
};

/// Rounds, submissions of a round, looks of a round, and readers that wait for a first event.
const FULL: (usize, usize, usize, usize) = (5, 800, 4_000, 200);
/// The same for a run that only has to work.
const QUICK: (usize, usize, usize, usize) = (1, 32, 160, 5);

/// What is submitted.
const TASK: &str = "How is the harbour kept open to large ships?";

/// The same as a draft of the library.
pub(crate) fn draft() -> RequestDraft {
    RequestDraft { num_agents: Some(20), generate_documents: Some(false), ..RequestDraft::research(TASK) }
}

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let (rounds, submissions, looks, readers) = if quick { QUICK } else { FULL };
    println!(
        "POST /v1/workflows, GET /v1/workflows/{{id}}, and the first event of a stream opened right after the answer"
    );
    println!(
        "{:<8} {:>14} {:>15} {:>14} {:>15} {:>18} {:>18}",
        "store",
        "CPU us, submit",
        "wall us, submit",
        "CPU us, status",
        "wall us, status",
        "1st event p50 us",
        "1st event p99 us"
    );
    for store in [Kind::Memory, Kind::Sqlite] {
        let mut server = Child::start(&Role::Server { store, idle: 0, logs: false })?;
        let address = server.address()?;
        let runtime = crate::runtime()?;
        let submit = Arc::new(submission(address));
        let id = runtime.block_on(async { submitted(&mut Client::connect(address).await?, &submit).await })?;
        let status = Arc::new(get(address, &format!("/v1/workflows/{id}")));
        let (mut submits, mut reads) = (Vec::new(), Vec::new());
        // The first round is not counted.
        for round in 0..=rounds {
            let costs = [(&submit, submissions, 202, &mut submits), (&status, looks, 200, &mut reads)];
            for (request, times, expected, into) in costs {
                let before = server.cost()?;
                runtime.block_on(ask(address, Arc::clone(request), times, expected))?;
                let after = server.cost()?;
                #[expect(clippy::cast_precision_loss, reason = "small counts")]
                let times = times as f64;
                if round > 0 {
                    into.push(((after.cpu_us - before.cpu_us) / times, (after.wall_us - before.wall_us) / times));
                }
            }
        }
        let mut waits = runtime.block_on(first_events(address, &submit, readers))?;
        waits.sort_by(f64::total_cmp);
        println!(
            "{:<8} {:>14.0} {:>15.0} {:>14.0} {:>15.0} {:>18.0} {:>18.0}",
            store.name(),
            median(submits.iter().map(|(cpu, _)| *cpu)),
            median(submits.iter().map(|(_, wall)| *wall)),
            median(reads.iter().map(|(cpu, _)| *cpu)),
            median(reads.iter().map(|(_, wall)| *wall)),
            quantile(&waits, 0.5),
            quantile(&waits, 0.99),
        );
        server.end()?;
    }
    println!(
        "CPU of the server's process, medians of {rounds} rounds with 16 connections; workflows are stored and queued, none runs."
    );
    println!(
        "wall: time by the number of requests, 16 under way. 1st event: from sending the submission, new connection included."
    );
    Ok(())
}

/// From the sending of a submission to its first event, in microseconds, one after the other.
async fn first_events(address: SocketAddr, submit: &[u8], count: usize) -> anyhow::Result<Vec<f64>> {
    let mut client = Client::connect(address).await?;
    let mut waits = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        let id = submitted(&mut client, submit).await?;
        let mut reader = Reader::open(address, &id).await?;
        reader.next().await?;
        waits.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(waits)
}

async fn submitted(client: &mut Client, submit: &[u8]) -> anyhow::Result<WorkflowId> {
    let answer = client.ask(submit).await?;
    anyhow::ensure!(answer.status == 202, "{answer:?}");
    let started: Value = serde_json::from_slice(&answer.body)?;
    Ok(started["task_id"].as_str().context("no task_id")?.parse()?)
}

fn submission(address: SocketAddr) -> Vec<u8> {
    let body = json!({ "pattern": "research", "task": TASK, "num_agents": 20, "generate_documents": false });
    post(address, "/v1/workflows", "", &body.to_string())
}
