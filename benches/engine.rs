//! What the engine adds to the calls it makes: CPU time per workflow and per agent, beside the same calls made by a bare
//! tokio program and the same appends written to a bare log. Prints a table; asserts nothing.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "engine/baseline.rs"]
mod baseline;
#[path = "engine/instant.rs"]
mod instant;
#[path = "engine/measure.rs"]
mod measure;
#[path = "engine/recovery.rs"]
mod recovery;
#[path = "engine/workload.rs"]
mod workload;

/// The allocator of the binaries that run workflows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use measure::Cost;
use workload::{Kind, Load};

/// Measured rounds of each row, after one that is not counted. The median is shown.
const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; there it only has to work.
    let quick = std::env::args().any(|argument| argument == "--test");
    // `cargo bench --bench engine -- memory/20/100` measures that row alone.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let (rounds, scale) = if quick { (1, 20) } else { (ROUNDS, 1) };
    println!("zero-latency provider, Beltalowda, documents off; CPU time of the whole process, median of {rounds}\n");
    if only.as_deref().is_none_or(|only| only == "recovery") {
        recover(scale)?;
    }
    println!(
        "{:<8} {:>6} {:>9} {:>10} {:>12} {:>11} {:>9} {:>12} {:>19}",
        "store", "agents", "in flight", "workflows", "CPU us/flow", "us/agent", "flows/s", "x bare tokio", "x bare log"
    );
    for kind in [Kind::Memory, Kind::Sqlite] {
        for agents in [8_u16, 20] {
            for in_flight in [1_usize, 100] {
                let workflows = match (kind, in_flight) {
                    (Kind::Memory, 1) => 400,
                    (Kind::Memory, _) => 2_000,
                    (Kind::Sqlite, 1) => 200,
                    (Kind::Sqlite, _) => 1_000,
                } / scale;
                let load = Load { kind, agents, in_flight, workflows: workflows.max(in_flight) };
                if only.as_ref().is_none_or(|only| load.name().starts_with(only.as_str())) {
                    row(&load, rounds)?;
                }
            }
        }
    }
    println!("\nbare tokio: as many tasks that answer the same text, gathered by one task per workflow.");
    println!("bare log:   the appends of the row's workflows, same bytes, same grouping, group commit with fdatasync.");
    Ok(())
}

/// What a crash costs those who come after it.
fn recover(scale: usize) -> anyhow::Result<()> {
    println!(
        "{:<8} {:>10} {:>12} {:>17} {:>17} {:>14}",
        "after", "workflows", "running max", "all in hand, ms", "all completed, ms", "CPU ms in all"
    );
    for running_max in [5, 50, 1_000] {
        recovery::row(1_000 / scale, running_max)?;
    }
    println!();
    Ok(())
}

fn row(load: &Load, rounds: usize) -> anyhow::Result<()> {
    let engine: Vec<Cost> = median_of(rounds, || workload::run(load))?;
    let bare: Vec<Cost> = median_of(rounds, || baseline::fan_out(load))?;
    let (engine, bare) = (engine[engine.len() / 2], bare[bare.len() / 2]);
    let log_ratio = match load.kind {
        Kind::Memory => "-".to_owned(),
        Kind::Sqlite => {
            let appends = workload::appends_of_one(load)?;
            let log = median_of(rounds, || baseline::bare_log(load, &appends))?;
            format!("{:.2} ({} appends)", engine.cpu_us / log[log.len() / 2].cpu_us, appends.len())
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let flows = load.workflows as f64;
    let per_flow = engine.cpu_us / flows;
    println!(
        "{:<8} {:>6} {:>9} {:>10} {:>12.0} {:>11.1} {:>9.0} {:>12.1} {:>19}",
        load.kind.name(),
        load.agents,
        load.in_flight,
        load.workflows,
        per_flow,
        per_flow / f64::from(load.agents),
        flows / (engine.wall_us / 1e6),
        engine.cpu_us / bare.cpu_us,
        log_ratio,
    );
    Ok(())
}

/// Runs a piece of work once uncounted and then `rounds` times; the costs in ascending order of CPU time.
fn median_of(rounds: usize, mut work: impl FnMut() -> anyhow::Result<Cost>) -> anyhow::Result<Vec<Cost>> {
    work()?;
    let mut costs = (0..rounds).map(|_| work()).collect::<anyhow::Result<Vec<_>>>()?;
    costs.sort_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
    Ok(costs)
}
