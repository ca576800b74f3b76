//! A tool of your own that agents call and cite: here a list in memory, in your program a database or a service.
//!
//! `cargo run --example custom_tool`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{
    ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft, Tool, async_trait,
    domain::{Source, ToolName, ToolSpec},
    tool::{Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation},
};
use serde_json::json;

const TICKETS: [(&str, &str); 3] = [
    ("T-101", "The night ferry was cancelled because the fog signal failed."),
    ("T-102", "The fog signal failed because a relay in the lantern room was wet."),
    ("T-103", "The canteen ran out of soup on Tuesday."),
];

/// Searches the tickets. Agents of the extractive writer ask whatever is called `corpus_search`.
struct Tickets(ToolDescription);

impl Tickets {
    fn new() -> anyhow::Result<Self> {
        let parameters = json!({
            "type": "object", "properties": { "query": { "type": "string" } }, "required": ["query"],
        });
        let name = ToolName::new("corpus_search")?;
        Ok(Self(ToolDescription {
            spec: ToolSpec { name, description: "Searches the tickets.".to_owned(), parameters },
            category: "tickets".to_owned(),
            tags: Vec::new(),
            time_limit: Duration::from_secs(5),
            repeatable: true,
            is_source: true,
        }))
    }
}

#[async_trait]
impl Tool for Tickets {
    fn description(&self) -> &ToolDescription {
        &self.0
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let query = call.arguments["query"].as_str().unwrap_or_default().to_lowercase();
        let mut answer = ToolAnswer::default();
        for (number, text) in TICKETS {
            if query.split_whitespace().any(|word| word.len() > 3 && text.to_lowercase().contains(word)) {
                // Evidence is a range in a text that is kept: whoever doubts the report can look there.
                let page = Snapshot::of(text);
                let source = Arc::new(Source { uri: format!("ticket:{number}"), title: number.to_owned() });
                answer.spans.extend(page.quote(0..text.len(), &source));
                answer.snapshots.push(page);
            }
        }
        answer.content = format!("{} tickets found.", answer.spans.len());
        Ok(answer)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(ExtractiveProvider::new());
    let handle = builder.with_tool(Tickets::new()?).build()?.start();
    let id = handle.submit(RequestDraft::research("Why did the fog signal fail?")).await?;
    let results = handle.wait(&id).await?;
    for sentence in results.report()?.sentences() {
        println!("{}  {:?}", sentence.text, sentence.evidence);
    }
    println!("{} texts are kept as evidence", results.evidence.len());
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
