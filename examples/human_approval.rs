//! A person in the loop: the workflow asks, waits in the store and in no memory, and goes on with the answer.
//!
//! `cargo run --example human_approval`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use futures::StreamExt;
use mcp_orchestrator::{
    ConditionDraft, Cursor, ExtractiveProvider, Orchestrator, RequestDraft, SqliteStore, Status, StepDraft,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("workflows.db");

    // The first program starts the workflow and ends while it waits.
    let handle = start(&database).await?;
    let draft =
        RequestDraft::conditional("How does a workflow survive a crash?", ConditionDraft::pointer("approve", ""))
            .with_step(StepDraft::agent("gather", "What happens to a workflow after a crash?"))
            .with_step(StepDraft::ask("approve", "Is this enough for a report? Answer yes or no."))
            .with_branch("yes", [StepDraft::agent("write", "Write the report from what was found").with_tools([""; 0])])
            .with_branch("no", [StepDraft::agent("more", "What does a workflow log hold?")]);
    let id = handle.submit(draft).await?;
    let mut events = handle.events(&id, Cursor::START).await?;
    while handle.status(&id).await?.summary.status != Status::Waiting {
        events.next().await.transpose()?;
    }
    for question in handle.questions(&id).await? {
        println!("{} asks: {}", question.step, question.question);
    }
    handle.shutdown(Duration::from_secs(30)).await?;

    // The second one, perhaps a week later, brings the answer.
    let handle = start(&database).await?;
    handle.answer(&id, "approve".parse()?, "yes").await?;
    let results = handle.wait(&id).await?;
    println!("branch {} was taken", results.selected_branch().unwrap_or("of nobody"));
    println!("{} sentences, {}", results.report()?.sentences().count(), results.row.summary.status);
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

async fn start(database: &std::path::Path) -> anyhow::Result<mcp_orchestrator::Handle> {
    let builder = Orchestrator::builder(SqliteStore::open(database).await?)
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    Ok(builder.build()?.start())
}
