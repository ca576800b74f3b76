//! Watching a workflow: what happened is replayed, then it goes on live, and a reader that went away comes back without
//! a gap.
//!
//! `cargo run --example watch_events`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use futures::StreamExt;
use mcp_orchestrator::{
    ClientEvent, Cursor, ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft, event::ClientEventType,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .build()?
        .start();
    let id = handle.submit(RequestDraft::research("What happens to a workflow after a crash?")).await?;

    // Somebody looks at the first five events and goes away. That ends the stream, not the workflow.
    let mut events = handle.events(&id, Cursor::START).await?;
    let mut seen = Cursor::START;
    for _ in 0..5 {
        if let Some(event) = events.next().await {
            let event = event?;
            show(&event);
            seen = event.id;
        }
    }
    drop(events);
    println!("        (away; back at {seen})");

    // The id of the last event seen is where the next stream begins, in this process or in another one.
    let mut events = handle.events(&id, seen).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        show(&event);
        if event.event_type() == ClientEventType::WorkflowError {
            anyhow::bail!("the workflow failed");
        }
    }
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

fn show(event: &ClientEvent) {
    let agent = event.agent_id.as_ref().map(|agent| agent.as_str()).unwrap_or_default();
    println!("{:>3} %  {:<26} {agent}", event.progress.percent, event.event_type().as_str());
}
