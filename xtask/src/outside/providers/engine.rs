//! Research through the engine while its model breaks: what asks again here is what asks again for everybody. Owns the set-up and
//! what must have come of it; the grades are llmock's.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use mcp_orchestrator::{MemoryStore, Orchestrator, RequestDraft};
use mcp_orchestrator_domain::{Event, Seq, Target};
use mcp_orchestrator_providers::http::HttpProvider;

use crate::outside::server::{CORPUS, documents};

/// What is asked, which the documents answer.
const QUESTION: &str = "When does the Millgate lock work?";
/// Records of the workflow looked at.
const RECORDS_MAX: usize = 1_000;
/// How long the engine may take to end.
const ENDING: Duration = Duration::from_secs(10);

/// What came of one workflow.
#[derive(Debug)]
pub(super) struct Researched {
    /// Calls that were made.
    pub(super) calls: usize,
    /// Those of them that failed.
    pub(super) failed: usize,
    /// Calls of tools.
    pub(super) tools: usize,
}

/// Lets several agents answer with this model. Every one of them must come to its end.
pub(super) async fn research(provider: HttpProvider) -> anyhow::Result<Researched> {
    let orchestrator = Orchestrator::builder(MemoryStore::new())
        .with_provider(provider)
        .with_corpus(CORPUS, documents())
        .build()
        .context("failed to build an orchestrator")?;
    let handle = orchestrator.start();
    let draft = RequestDraft {
        num_agents: Some(3),
        // As many as there are faults: one call may meet them all.
        max_retries: Some(5),
        generate_documents: Some(false),
        ..RequestDraft::research(QUESTION)
    };
    let id = handle.submit(draft).await?;
    let results = handle.wait(&id).await;
    let log = handle.records(&id, Seq::ZERO, RECORDS_MAX).await?;
    let count = |is_so: fn(&Event) -> bool| log.iter().filter(|recorded| is_so(&recorded.record.event)).count();
    let failures = log.iter().filter_map(|recorded| match &recorded.record.event {
        Event::StepFailed(failed) => Some(format!("{failed:?}")),
        Event::Failed(failed) => Some(format!("{failed:?}")),
        _ => None,
    });
    let failures: Vec<String> = failures.collect();
    let researched = Researched {
        calls: count(|event| matches!(event, Event::CallStarted(_))),
        failed: count(|event| matches!(event, Event::CallFailed(_))),
        tools: count(
            |event| matches!(event, Event::CallStarted(started) if matches!(started.target, Target::Tool { .. })),
        ),
    };
    handle.shutdown(ENDING).await?;
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    results?;
    Ok(researched)
}
