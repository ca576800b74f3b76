//! Three servers on one file, killed, stopped and cut off for a while, with clients that use all of them. The long form is
//! `cargo xtask chaos`.

use std::time::Duration;

use mcp_orchestrator_testkit::chaos::{ChaosPlan, ChaosStore, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_share_a_store_lose_and_repeat_nothing_whoever_is_killed() {
    let plan = ChaosPlan {
        server: env!("CARGO_BIN_EXE_mcp-orchestrator-server").into(),
        replicas: 3,
        time: Duration::from_secs(12),
        seed: 20_261_127,
        store: ChaosStore::Sqlite,
    };
    let report = run(plan).await.unwrap();
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    // A run in which nothing happens proves nothing.
    assert!(report.faults.get("kill -9").is_some_and(|kills| *kills > 0) && report.verdict.workflows > 5, "{report}");
}
