//! Server processes on one store while they are killed, stopped and cut off: builds the server, carries out a plan, prints what
//! came of it. How it is done is in the testkit.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use mcp_orchestrator_testkit::chaos::{self, ChaosPlan, ChaosStore};

use crate::{cargo::run as run_cargo, flags::Flags};

pub(crate) const ABOUT: &str =
    "kill servers that share a store: [--replicas 3] [--minutes 2] [--store sqlite|redis|redis-failover] [--seed N]";

const SERVER: &str = "mcp-orchestrator-server";

/// Runs it; fails when anything was lost, repeated or left out.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let flags = Flags::read(arguments, &["replicas", "minutes", "store", "seed"])?;
    let minutes: f64 = flags.value("minutes", 2.0)?;
    if !(0.01..=1_000.0).contains(&minutes) {
        bail!("--minutes is {minutes}, expected 0.01 to 1000");
    }
    let store = match flags.value("store", "sqlite".to_owned())?.as_str() {
        "sqlite" => ChaosStore::Sqlite,
        "redis" => ChaosStore::Redis,
        "redis-failover" => ChaosStore::RedisFailover,
        other => bail!("--store is {other:?}, expected sqlite, redis or redis-failover"),
    };
    run_cargo(&["build", "--quiet", "--locked", "--package", SERVER, "--bin", SERVER])?;
    // Beside this program, where cargo builds both.
    let server = std::env::current_exe()?.with_file_name(SERVER);
    let plan = ChaosPlan {
        server,
        replicas: flags.value("replicas", 3)?,
        time: Duration::from_secs_f64(minutes * 60.0),
        seed: flags.value("seed", any_seed())?,
        store,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "seed {}", plan.seed)?;
    out.flush()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(chaos::run(plan)).map_err(anyhow::Error::msg).context("the run came to no end")?;
    writeln!(out, "{report}")?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn any_seed() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs())
}
