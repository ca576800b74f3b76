//! Going back: what was known at a position of a workflow's log, and a new workflow that goes on from there under another
//! setting, without paying for what was done.
//!
//! `cargo run --example fork`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{
    ExtractiveProvider, ForkOptions, MemoryStore, Orchestrator, RequestDraft,
    domain::{Event, Role, Seq},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .build()?
        .start();
    let question = "How does a workflow survive a crash?";
    let id = handle.submit(RequestDraft { num_agents: Some(3), ..RequestDraft::research(question) }).await?;
    handle.settled(&id).await?;

    // The log says where to go back to: right before the report was planned.
    let log = handle.records(&id, Seq::ZERO, 1000).await?;
    let is_report = |event: &Event| matches!(event, Event::StepPlanned(step) if step.role == Role::Executive);
    let before = log.iter().take_while(|recorded| !is_report(&recorded.record.event)).last();
    let at = before.map_or(Seq::ZERO, |recorded| recorded.seq);
    let then = handle.results_at(&id, at).await?;
    let (status, steps) = (then.row.summary.status, then.steps.len());
    println!("at position {at} of {}: {status}, {steps} steps had ended", log.len());

    // Everything before is taken over; the report is written again, here under another title.
    let set = RequestDraft { title: Some("Once more".to_owned()), ..RequestDraft::default() };
    let fork = handle.fork(&id, ForkOptions { at: Some(at), set, ..ForkOptions::default() }).await?;
    let summary = handle.wait(&fork.id).await?.row.summary;
    let taken_over = summary.forked_from.map(|from| from.spent.calls).unwrap_or_default();
    let made = summary.progress.spent.calls - taken_over;
    println!("{:?}: {}, {made} calls made, {taken_over} taken over", summary.title, summary.status);
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
