//! A durable research workflow in your own program: no key, no network, one file.
//!
//! `cargo run --example embed -- "How does a workflow survive a crash?" docs`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use futures::StreamExt;
use mcp_orchestrator::{Cursor, ExtractiveProvider, Orchestrator, RequestDraft, SqliteStore};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let question = arguments.next().unwrap_or_else(|| "How does a workflow survive a crash?".to_owned());
    let folder = arguments.next().unwrap_or_else(|| "docs".to_owned());

    // The store is the memory of every workflow: start this program again and what was unfinished goes on.
    let database = std::env::temp_dir().join("mcp-orchestrator-embed.db");
    let handle = Orchestrator::builder(SqliteStore::open(&database).await?)
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", folder)
        .build()?
        .start();

    let id = handle.submit(RequestDraft::research(question)).await?;
    let mut events = handle.events(&id, Cursor::START).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        println!("{:>3} %  {}", event.progress.percent, event.event_type());
    }

    let results = handle.wait(&id).await?;
    for sentence in results.report()?.sentences() {
        println!("{}  {:?}", sentence.text, sentence.evidence);
    }
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
