//! All four contracts in one engine, and behind pointers: whoever embeds may choose them at run time.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use mcp_orchestrator::{
    Cursor, MemoryStore, Orchestrator, Provider, Status, Store, Strategy, Tool,
    report::{Mark, Outcome},
};

use crate::parts::{FlakyStore, Harbour, Solo, Teller, ask, soon};

#[tokio::test]
async fn a_workflow_runs_on_a_store_a_provider_a_strategy_and_a_tool_from_outside() {
    let store: Arc<dyn Store> = Arc::new(FlakyStore::new(Arc::new(MemoryStore::new()), |_, _, _| None));
    let provider: Arc<dyn Provider> = Arc::new(Teller::new("teller"));
    let strategy: Arc<dyn Strategy> = Arc::new(Solo::new("solo"));
    let tool: Arc<dyn Tool> = Arc::new(Harbour::new("tides"));
    let handle = Orchestrator::builder_shared(store)
        .with_shared_provider(provider)
        .with_shared_strategy(strategy)
        .with_shared_tool(tool)
        .build()
        .unwrap()
        .start();

    let id = handle.submit(ask("solo")).await.unwrap();
    let results = soon(handle.wait(&id)).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let report = results.report().unwrap();
    assert_eq!(report.outcome, Outcome::Answered);
    let sentence = report.sentences().next().unwrap();
    assert_eq!((sentence.text.as_str(), sentence.mark), ("High water in Brest is at noon.", Mark::Proved));
    assert_eq!(results.evidence.len(), 1, "the tool's page is kept beside the report");

    let events: Vec<_> = handle.events(&id, Cursor::START).await.unwrap().try_collect().await.unwrap();
    assert_eq!(events.last().unwrap().event_type().as_str(), "stream_closed");
    handle.shutdown(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_request_chooses_among_several_parts_by_name() {
    let (first, second) = (Teller::new("first"), Teller::new("second"));
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(first.clone())
        .with_provider(second.clone())
        .with_strategy(Solo::new("solo"))
        .with_strategy(Solo::new("duet"))
        .with_tool(Harbour::new("tides"))
        .with_tool(Harbour::new("winds"))
        .build()
        .unwrap()
        .start();
    let named = mcp_orchestrator::RequestDraft { provider_name: Some("second".to_owned()), ..ask("duet") };
    let id = handle.submit(named).await.unwrap();
    assert_eq!(soon(handle.wait(&id)).await.unwrap().row.pattern.as_str(), "duet");
    assert!(first.asked().is_empty() && !second.asked().is_empty());
    let id = handle.submit(ask("solo")).await.unwrap();
    soon(handle.wait(&id)).await.unwrap();
    assert!(!first.asked().is_empty(), "the first answers requests that name none");
    let names: Vec<String> = handle.patterns().iter().map(|pattern| pattern.name.to_string()).collect();
    assert_eq!(names, ["beltalowda", "conditional", "custom", "duet", "iterative", "sequential", "solo", "swarm"]);
    assert_eq!(handle.tools().len(), 2);
}
