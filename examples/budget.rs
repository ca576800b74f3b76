//! A budget that holds: a workflow that may not make another call fails, and goes on under a larger budget with
//! everything it had paid for.
//!
//! `cargo run --example budget`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{
    ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft, Results, ResumeOptions, domain::Budget,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .build()?
        .start();

    // A budget may bound money (`budget_usd`), tokens (`budget_tokens`) and calls. Each is reserved before a call is made.
    let question = "How does a workflow survive a crash?";
    let draft = RequestDraft { num_agents: Some(4), max_calls: Some(6), ..RequestDraft::research(question) };
    let id = handle.submit(draft).await?;
    let results = handle.wait(&id).await?;
    show(&results);
    let error = results.report().expect_err("six calls are too few for four agents");
    println!("        {error}");

    // What was spent counts against the new budget too; no call that was answered is made again.
    let budget = Budget { calls_max: Some(40), ..Budget::default() };
    let next = handle.resume(&id, ResumeOptions { budget, ..ResumeOptions::default() }).await?;
    let results = handle.wait(&next).await?;
    show(&results);
    println!("        {} sentences", results.report()?.sentences().count());
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

fn show(results: &Results) {
    let summary = &results.row.summary;
    println!("{}: {}, {} steps", results.row.id, summary.status, results.steps.len());
}
