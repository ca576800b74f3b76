//! Requests: every broken rule names its field, and what passes is clean.

use mcp_orchestrator_domain::{DocumentFormat, Limits, RequestDraft};
use proptest::prelude::*;

fn draft() -> RequestDraft {
    RequestDraft {
        pattern: Some("research".to_owned()),
        task: Some("How does a workflow survive a crash?".to_owned()),
        ..RequestDraft::default()
    }
}

fn refused(draft: RequestDraft) -> Vec<&'static str> {
    draft.parse(&Limits::default()).map_or_else(|e| e.errors.iter().map(|e| e.field).collect(), |_| Vec::new())
}

#[test]
fn each_broken_rule_names_its_field() {
    let cases: Vec<(&str, RequestDraft)> = vec![
        ("pattern", RequestDraft { pattern: None, ..draft() }),
        ("task", RequestDraft { task: Some("abc".to_owned()), ..draft() }),
        ("task", RequestDraft { task: Some("x".repeat(5001)), ..draft() }),
        ("title", RequestDraft { title: Some("x".repeat(201)), ..draft() }),
        ("title", RequestDraft { title: Some(" \n ".to_owned()), ..draft() }),
        ("num_agents", RequestDraft { num_agents: Some(0), ..draft() }),
        ("num_agents", RequestDraft { num_agents: Some(10_000), ..draft() }),
        ("provider_name", RequestDraft { provider_name: Some("No Such".to_owned()), ..draft() }),
        ("model", RequestDraft { model: Some(String::new()), ..draft() }),
        ("document_formats", RequestDraft { document_formats: Some(vec!["docx".to_owned()]), ..draft() }),
        ("document_formats", RequestDraft { document_formats: Some(Vec::new()), ..draft() }),
        ("priority", RequestDraft { priority: Some(10), ..draft() }),
        ("budget_usd", RequestDraft { budget_usd: Some(-1.0), ..draft() }),
        ("budget_tokens", RequestDraft { budget_tokens: Some(0), ..draft() }),
        ("max_calls", RequestDraft { max_calls: Some(0), ..draft() }),
        ("timeout_seconds", RequestDraft { timeout_seconds: Some(f64::NAN), ..draft() }),
        ("workflow_timeout_seconds", RequestDraft { workflow_timeout_seconds: Some(1e9), ..draft() }),
        ("allowed_agent_types", RequestDraft { allowed_agent_types: Some(vec!["maps".to_owned()]), ..draft() }),
        ("search_depth", RequestDraft { search_depth: Some("abyss".to_owned()), ..draft() }),
        ("citation_gate", RequestDraft { citation_gate: Some("lax".to_owned()), ..draft() }),
        ("corpus", RequestDraft { corpus: vec!["../etc".to_owned()], ..draft() }),
    ];
    for (field, draft) in cases {
        assert_eq!(refused(draft), [field]);
    }
}

#[test]
fn all_broken_rules_are_told_at_once() {
    let broken = RequestDraft { task: None, num_agents: Some(99), priority: Some(77), ..draft() };
    assert_eq!(refused(broken), ["task", "num_agents", "priority"]);
}

#[test]
fn defaults_are_those_users_were_told() {
    let request = draft().parse(&Limits::default()).unwrap();
    assert_eq!(request.title, "Research: How does a workflow survive a crash?");
    assert_eq!((request.agents, request.priority, request.concurrency_max, request.retries_max), (8, 5, 10, 2));
    assert_eq!(request.formats, [DocumentFormat::Markdown]);
    assert_eq!(request.timeouts.workflow_ms, 180_000 * 8 * 3 / 2);
    let search = RequestDraft { pattern: Some("search".to_owned()), ..draft() }.parse(&Limits::default()).unwrap();
    assert_eq!((search.pattern.as_str(), search.agents), ("swarm", 5));
}

#[test]
fn a_request_cannot_forge_a_line_of_a_log() {
    let hostile = RequestDraft {
        task: Some("Ten characters\u{1b}[2J and more\u{202e}".to_owned()),
        title: Some("innocent\n2026-11-23 ERROR forged".to_owned()),
        ..draft()
    };
    let request = hostile.parse(&Limits::default()).unwrap();
    assert_eq!(request.title, "innocent 2026-11-23 ERROR forged");
    assert!(request.task.chars().all(|c| !c.is_control()));
}

#[test]
fn unknown_fields_are_refused() {
    let json = r#"{"pattern":"research","task":"long enough a task","num_agent":3}"#;
    assert!(serde_json::from_str::<RequestDraft>(json).unwrap_err().to_string().contains("num_agent"));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused_and_never_panics(task in ".*", title in proptest::option::of(".*"), agents in any::<u64>()) {
        let draft = RequestDraft { task: Some(task), title, num_agents: Some(agents), ..draft() };
        if let Ok(request) = draft.parse(&Limits::default()) {
            prop_assert!((10..=5000).contains(&request.task.chars().count()));
            prop_assert!((1..=200).contains(&request.title.chars().count()));
            prop_assert!(!request.title.chars().any(char::is_control));
        }
    }
}
