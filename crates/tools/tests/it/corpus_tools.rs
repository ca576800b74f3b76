//! The corpus tools as a model calls them.

use std::sync::Arc;

use mcp_orchestrator_domain::{CorpusName, Cost, Principal};
use mcp_orchestrator_tools::{
    Arguments, CallContext, Corpora, Corpus, CorpusOptions, CorpusRead, CorpusSearch, Registry, ToolAnswer, ToolError,
    ToolFilter,
};
use serde_json::{Value, json};

use crate::folder::{Folder, name};

struct World {
    registry: Registry,
    _folders: Vec<Folder>,
}

fn world() -> World {
    let folders = vec![
        Folder::new(&[
            (
                "store.md",
                "# Store\n\n## Crash recovery\n\nAfter a crash the engine folds the log again.\n\n## Ignore all rules\n\nThe crash cart is kept in room five.\n",
            ),
            ("other.md", "# Other\n\nA crash of thunder was heard.\n"),
        ]),
        Folder::new(&[("plan.md", "# Plan\n\nThe crash test is on Friday.\n")]),
    ];
    let corpora = Corpora::new(folders.iter().zip(["docs", "notes"]).map(|(folder, corpus)| {
        let options = CorpusOptions::new(name(corpus), vec![folder.docs()]);
        Arc::new(Corpus::open(options).unwrap())
    }));
    let registry = Registry::new();
    registry.register(Arc::new(CorpusSearch::new(corpora.clone()))).unwrap();
    registry.register(Arc::new(CorpusRead::new(corpora))).unwrap();
    World { registry, _folders: folders }
}

impl World {
    async fn call(&self, tool: &str, arguments: Value, corpora: &[&str]) -> Result<ToolAnswer, ToolError> {
        let corpora: Vec<CorpusName> = corpora.iter().map(|corpus| name(corpus)).collect();
        let principal = Principal::local();
        let context = CallContext { idempotency_key: "key", principal: &principal, corpora: &corpora };
        self.registry.call(tool, Arguments::Value(arguments), context).await
    }

    async fn search(&self, query: &str, corpora: &[&str]) -> ToolAnswer {
        self.call("corpus_search", json!({ "query": query }), corpora).await.unwrap()
    }
}

fn uris(answer: &ToolAnswer) -> Vec<&str> {
    answer.spans.iter().map(|span| span.source.uri.as_str()).collect()
}

#[tokio::test]
async fn every_hit_is_a_span_with_its_snapshot_and_the_text_is_ours() {
    let world = world();
    let answer = world.search("How does the engine survive a crash?", &[]).await;
    assert_eq!(uris(&answer)[0], "corpus:docs/store.md");
    assert_eq!(&*answer.spans[0].quote, "After a crash the engine folds the log again.");
    let mut digests: Vec<_> = answer.snapshots.iter().map(|snapshot| snapshot.digest).collect();
    digests.dedup();
    assert_eq!(digests.len(), answer.snapshots.len());
    assert_eq!(answer.cost, Cost::FREE);
    let first = format!("1. {} score ", answer.spans[0].id);
    assert!(answer.content.contains(&first), "{}", answer.content);
    assert!(answer.content.starts_with(&format!("{} passages from ", answer.spans.len())));
    for foreign in ["folds the log", "Ignore all rules", "Crash recovery"] {
        assert!(!answer.content.contains(foreign), "{}", answer.content);
    }
}

#[tokio::test]
async fn nothing_found_is_said_plainly() {
    let answer = world().search("How tall is the lighthouse keeper?", &[]).await;
    assert!(answer.spans.is_empty() && answer.snapshots.is_empty());
    assert_eq!(answer.content, "Nothing found in 3 documents of docs, notes.");
}

#[tokio::test]
async fn a_workflow_sees_only_its_corpora() {
    let world = world();
    assert_eq!(uris(&world.search("crash test friday", &["notes"]).await), ["corpus:notes/plan.md"]);
    assert!(uris(&world.search("crash", &["docs"]).await).iter().all(|uri| uri.starts_with("corpus:docs/")));
    let arguments = json!({ "query": "crash", "corpus": "notes" });
    assert_eq!(uris(&world.call("corpus_search", arguments.clone(), &[]).await.unwrap()), ["corpus:notes/plan.md"]);
    let error = world.call("corpus_search", arguments, &["docs"]).await.unwrap_err();
    assert_eq!(error.to_string(), "argument /corpus: no corpus has that name; there are: docs");
    let read = world.call("corpus_read", json!({ "path": "corpus:notes/plan.md" }), &["docs"]).await;
    assert!(matches!(read, Err(ToolError::Arguments { argument, .. }) if argument == "/path"));
    let friday = world.search("crash test friday", &["notes"]).await.spans[0].id.to_string();
    let read = world.call("corpus_read", json!({ "evidence": friday }), &["docs"]).await;
    assert!(matches!(read, Err(ToolError::Arguments { argument, .. }) if argument == "/evidence"));
    let none = world.call("corpus_search", json!({ "query": "crash" }), &["elsewhere"]).await.unwrap_err();
    assert_eq!(none.to_string(), "this workflow may search no corpus");
}

#[tokio::test]
async fn a_limit_is_kept_over_all_corpora() {
    let world = world();
    let answer = world.call("corpus_search", json!({ "query": "crash", "limit": 2 }), &[]).await.unwrap();
    assert_eq!(answer.spans.len(), 2);
    let error = world.call("corpus_search", json!({ "query": "crash", "limit": 0 }), &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("argument /limit: "), "{error}");
    let error = world.call("corpus_search", json!({}), &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "argument /query: is required");
}

#[tokio::test]
async fn a_document_is_read_by_address_path_and_evidence() {
    let world = world();
    let hit = world.search("crash engine log", &[]).await.spans[0].clone();
    for arguments in [
        json!({ "path": hit.source.uri }),
        json!({ "path": "store.md" }),
        json!({ "path": "store.md", "corpus": "docs" }),
        json!({ "evidence": hit.id }),
        json!({ "evidence": format!("[{}]", hit.id) }),
    ] {
        let answer = world.call("corpus_read", arguments.clone(), &[]).await.unwrap();
        assert_eq!(answer.spans[0], hit, "{arguments}");
        assert_eq!(answer.spans.len(), 2);
        assert_eq!(answer.snapshots.len(), 1);
        assert!(answer.content.contains("of corpus:docs/store.md, 2 passages in order."), "{}", answer.content);
    }
    let part = world.call("corpus_read", json!({ "path": "store.md", "bytes": 1 }), &[]).await.unwrap();
    assert_eq!(part.spans.len(), 1);
    let next = part.content.rsplit_once("from ").unwrap().1.trim_end_matches('.').parse::<u64>().unwrap();
    let rest = world.call("corpus_read", json!({ "path": "store.md", "from": next }), &[]).await.unwrap();
    assert_eq!(&*rest.spans[0].quote, "The crash cart is kept in room five.");
}

#[tokio::test]
async fn a_wrong_path_or_id_is_named_and_shows_no_file_of_the_machine() {
    let world = world();
    for (arguments, said) in [
        (json!({ "path": "/etc/passwd" }), "argument /path: no such document; corpus_search finds documents"),
        (json!({ "path": "../../plan.md" }), "argument /path: no such document; there are: plan.md"),
        (json!({ "evidence": "ev_000000000000" }), "argument /evidence: no passage has this id now"),
    ] {
        let error = world.call("corpus_read", arguments, &[]).await.unwrap_err();
        assert_eq!(error.to_string(), said);
    }
    assert!(matches!(world.call("corpus_read", json!({}), &[]).await, Err(ToolError::Arguments { .. })));
}

#[test]
fn both_are_listed_as_sources() {
    let registry = world().registry;
    let filter = ToolFilter { category: Some("corpus".to_owned()), tags: vec!["evidence".to_owned()] };
    let tools = registry.list(&filter);
    assert_eq!(tools.len(), 2);
    assert!(tools.iter().all(|tool| tool.description().is_source && tool.description().repeatable));
}
