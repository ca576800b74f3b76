//! A workflow that is written down: the same file as `mcp-orchestrator run` takes, and a function of ours as one of its
//! steps.
//!
//! `cargo run --example declarative`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{Callable, ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft};
use serde_json::{Value, json};

/// A graph: two agents at once, then a function over what one of them wrote, then the report.
const WORKFLOW: &str = r#"{
    "pattern": "custom",
    "task": "How does a workflow survive a crash, and what does it cost?",
    "steps": [
        { "id": "crash", "task": "How does a workflow survive a crash?" },
        { "id": "cost", "task": "How are budgets reserved and settled?" },
        { "id": "count", "tool": "count_words", "arguments": { "text": { "from": "crash" } }, "needs": ["crash"] },
        { "id": "write", "task": "Write the report from what was found", "tools": [], "needs": ["crash", "cost"] }
    ],
    "report": ["write"]
}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count = Callable::new("count_words", "Counts the words of a text.", async |arguments: Value| {
        let words = arguments["text"].as_str().unwrap_or_default().split_whitespace().count();
        println!("count_words was called with {words} words");
        Ok(json!({ "words": words }).to_string())
    })?;
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .with_tool(count)
        .build()?
        .start();

    // What is wrong in a file is named by field and step before anything starts.
    let wrong = WORKFLOW.replace(r#""needs": ["crash"]"#, r#""needs": ["crsh"]"#);
    let refused = handle.submit(serde_json::from_str(&wrong)?).await;
    println!("refused: {}", refused.expect_err("no step has that name"));

    let draft: RequestDraft = serde_json::from_str(WORKFLOW)?;
    let id = handle.submit(draft).await?;
    let results = handle.wait(&id).await?;
    for step in &results.steps {
        println!("{}: {}", step.id, step.task);
    }
    println!("{}, {} sentences", results.row.summary.status, results.report()?.sentences().count());
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
