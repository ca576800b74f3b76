//! Two programs over one store: one takes questions in, the other answers them. Kill either and start it again; nothing
//! is lost and nothing is asked twice.
//!
//! `cargo run --example two_workflows`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{
    ExtractiveProvider, Handle, ListFilter, Orchestrator, RequestDraft, SqliteStore, SubmitOptions, WorkerMode,
};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("orchestrator.db");

    // The first program has the store open and runs nothing itself.
    let reception = start(SqliteStore::open(&database).await?, WorkerMode::None)?;
    let mut ids = Vec::new();
    for question in ["How does a workflow survive a crash?", "What does a citation prove?"] {
        let options = SubmitOptions { idempotency_key: Some(question.to_owned()), ..SubmitOptions::default() };
        let id = reception.submit_with(RequestDraft::research(question), options.clone()).await?;
        // The same key and the same request are the same workflow, whoever asks how often.
        assert_eq!(reception.submit_with(RequestDraft::research(question), options).await?, id);
        println!("{id} is {}", reception.status(&id).await?.summary.status);
        ids.push(id);
    }

    // The second one, in real life another process on the same file, runs what it finds: both at once.
    let workshop = start(SqliteStore::open(&database).await?, WorkerMode::Any)?;
    for id in &ids {
        // Whoever waits may wait anywhere.
        let results = reception.wait(id).await?;
        let first = results.report()?.sentences().next().map(|sentence| sentence.text.clone());
        println!("{id} is {}: {}", results.row.summary.status, first.unwrap_or_default());
    }
    println!("{} workflows in the store", reception.list(ListFilter::default()).await?.len());
    workshop.shutdown(Duration::from_secs(30)).await?;
    reception.shutdown(Duration::ZERO).await?;
    Ok(())
}

fn start(store: SqliteStore, mode: WorkerMode) -> anyhow::Result<Handle> {
    let builder = Orchestrator::builder(store).with_provider(ExtractiveProvider::new()).with_corpus("docs", DOCS);
    Ok(builder.with_worker_mode(mode).build()?.start())
}
