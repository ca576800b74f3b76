//! What two replicas on one Redis do beside one: engines in processes of their own work a full queue off, with a provider
//! that answers at once, where the machine is the bound, and with one that takes its time, where `running_max` is.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use mcp_orchestrator::{Orchestrator, WorkerMode};
use mcp_orchestrator_domain::Status;
use mcp_orchestrator_store::{ListFilter, RedisStore, Store};
use mcp_orchestrator_testkit::RedisServer;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    child::Child,
    instant::{Instant as Answers, draft},
    median,
    role::Role,
};

/// Agents of each workflow.
pub(crate) const AGENTS: u16 = 20;
/// Rounds of each row, one process after two.
const ROUNDS: usize = 3;
/// Submissions under way at once while the queue is filled.
const SUBMITTING: usize = 16;
/// Between two looks at how far they are: a share of the time they have taken, so that looking costs little and says enough,
/// and at least this.
const LOOK: (u32, Duration) = (100, Duration::from_millis(1));
/// How long a queue may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A row: how long a call takes, workflows of each process at once, workflows in all.
#[derive(Clone, Copy)]
struct Case {
    wait_ms: u64,
    running_max: usize,
    workflows: usize,
}

const CASES: [Case; 2] =
    [Case { wait_ms: 0, running_max: 50, workflows: 1_000 }, Case { wait_ms: 200, running_max: 5, workflows: 60 }];

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let (rounds, scale) = if quick { (1, 20) } else { (ROUNDS, 1) };
    println!(
        "engines in one process and in two on one Redis, appendfsync everysec, {AGENTS} agents, medians of {rounds} rounds"
    );
    println!(
        "{:>12} {:>11} {:>9}   {:^25}   {:^32}   {:^19}",
        "", "running_max", "", "workflows a second", "CPU ms/workflow of engines", "and of Redis"
    );
    println!(
        "{:>12} {:>11} {:>9}   {:>8} {:>8} {:>7}   {:>10} {:>21}   {:>9} {:>9}",
        "a call takes", "of each", "workflows", "one", "two", "ratio", "one", "two", "one", "two"
    );
    for case in CASES {
        let case = Case { workflows: (case.workflows / scale).max(2), ..case };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            two.push(work(case, 2)?);
            one.push(work(case, 1)?);
        }
        let ratio = median(one.iter().zip(&two).map(|(one, two)| two.rate / one.rate));
        let of = |did: &[Did], what: fn(&Did) -> f64| median(did.iter().map(what));
        let (first, second) = (of(&two, |did| did.engines_ms[0]), of(&two, |did| did.engines_ms[1]));
        println!(
            "{:>9} ms {:>11} {:>9}   {:>8.1} {:>8.1} {ratio:>7.2}   {:>10.2} {:>21}   {:>9.2} {:>9.2}",
            case.wait_ms,
            case.running_max,
            case.workflows,
            of(&one, |did| did.rate),
            of(&two, |did| did.rate),
            of(&one, |did| did.engines_ms[0]),
            format!("{first:.2} + {second:.2}"),
            of(&one, |did| did.redis_ms),
            of(&two, |did| did.redis_ms),
        );
    }
    println!("The queue is full before they begin; the time is until the last workflow has ended.");
    Ok(())
}

/// What it cost to work a queue off, CPU by workflow.
struct Did {
    /// Workflows a second.
    rate: f64,
    engines_ms: Vec<f64>,
    redis_ms: f64,
}

fn work(case: Case, processes: usize) -> anyhow::Result<Did> {
    let redis = RedisServer::with(&["--appendfsync", "everysec"]);
    let runtime = crate::runtime()?;
    let store: Arc<dyn Store> = Arc::new(runtime.block_on(RedisStore::open(&redis.url()))?);
    runtime.block_on(fill(&store, case.workflows))?;
    let role = Role::Engine { url: redis.url(), running_max: case.running_max, wait_ms: case.wait_ms };
    let mut engines = (0..processes).map(|_| Child::start(&role)).collect::<anyhow::Result<Vec<_>>>()?;
    let redis_before = cpu_us(&redis)?;
    let began = Instant::now();
    for engine in &mut engines {
        engine.cost()?;
    }
    runtime.block_on(worked_off(&store))?;
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let workflows = case.workflows as f64;
    let costs = engines.iter_mut().map(Child::cost).collect::<anyhow::Result<Vec<_>>>()?;
    let redis_ms = (cpu_us(&redis)? - redis_before) / 1e3 / workflows;
    engines.into_iter().try_for_each(Child::end)?;
    let engines_ms = costs.iter().map(|cost| cost.cpu_us / 1e3 / workflows).collect();
    Ok(Did { rate: workflows / took, engines_ms, redis_ms })
}

/// Submits so many workflows, which nobody runs yet.
async fn fill(store: &Arc<dyn Store>, workflows: usize) -> anyhow::Result<()> {
    let orchestrator = Orchestrator::builder_shared(Arc::clone(store)).with_provider(Answers::new(AGENTS)?);
    let handle = orchestrator.with_worker_mode(WorkerMode::None).build()?.start();
    let mut submitting = JoinSet::new();
    for _ in 0..workflows {
        while submitting.len() >= SUBMITTING {
            submitting.join_next().await.transpose()?.transpose()?;
        }
        let handle = handle.clone();
        submitting.spawn(async move { handle.submit(draft(AGENTS)).await });
    }
    while let Some(submitted) = submitting.join_next().await {
        submitted??;
    }
    Ok(handle.shutdown(Duration::ZERO).await?)
}

/// Waits until nothing is unfinished, and all has completed.
async fn worked_off(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    let began = Instant::now();
    let unfinished = async {
        while !store.standings(1).await?.is_empty() {
            tokio::time::sleep(LOOK.1.max(began.elapsed() / LOOK.0)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, unfinished).await.context("the queue was not worked off")??;
    let statuses = vec![Status::Failed, Status::Cancelled];
    let failed = store.list(&ListFilter { statuses, max: 1, ..ListFilter::default() }).await?;
    anyhow::ensure!(failed.is_empty(), "a workflow did not complete: {:?}", failed[0].summary.failure);
    Ok(())
}

/// CPU time of a Redis server so far, its other threads and the kernel's share included.
pub(crate) fn cpu_us(redis: &RedisServer) -> anyhow::Result<f64> {
    let info = redis.command(&["INFO", "cpu"]);
    let read = |name: &str| -> anyhow::Result<f64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.trim().parse::<f64>()? * 1e6)
    };
    Ok(read("used_cpu_sys:")? + read("used_cpu_user:")?)
}
