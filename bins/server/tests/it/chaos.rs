//! Three servers on one store, killed, stopped and cut off for a while, with clients that use all of them. The long form is
//! `cargo xtask chaos`.

use std::time::Duration;

use mcp_orchestrator_testkit::chaos::{ChaosPlan, ChaosReport, ChaosStore, run};

/// What decides what is done to whom.
const SEED: u64 = 20_261_127;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_share_a_store_lose_and_repeat_nothing_whoever_is_killed() {
    let report = chaos(ChaosStore::Sqlite).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_on_a_redis_that_is_killed_too_lose_and_repeat_nothing() {
    let report = chaos(ChaosStore::Redis).await;
    assert!(report.is_clean(), "{report}");
}

async fn chaos(store: ChaosStore) -> ChaosReport {
    let server = env!("CARGO_BIN_EXE_mcp-orchestrator-server").into();
    let plan = ChaosPlan { server, replicas: 3, time: Duration::from_secs(12), seed: SEED, store };
    let report = run(plan).await.unwrap();
    // A run in which nothing happens proves nothing.
    assert!(report.faults.get("kill -9").is_some_and(|kills| *kills > 0) && report.verdict.workflows > 5, "{report}");
    report
}
