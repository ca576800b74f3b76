//! Arguments: what is read, and what is said about what cannot be.

use mcp_orchestrator_api::{ApiError, StartCall, StartKind};
use serde_json::{Value, json};

fn parse(kind: StartKind, arguments: Value) -> Result<StartCall, ApiError> {
    StartCall::parse(kind, crate::object(arguments))
}

/// Pointer and rule of every field that does not fit.
fn problems(kind: StartKind, arguments: Value) -> Vec<(String, String)> {
    let error = parse(kind, arguments).unwrap_err();
    error.errors.into_iter().map(|problem| (problem.pointer, problem.detail)).collect()
}

#[test]
fn a_search_is_asked_for_by_its_query() {
    let call = parse(StartKind::Search, json!({ "query": "tides in the harbour", "num_agents": 3 })).unwrap();
    assert_eq!(call.draft.pattern.as_deref(), Some("swarm"));
    assert_eq!(call.draft.task.as_deref(), Some("tides in the harbour"));
    assert_eq!(call.draft.num_agents, Some(3));
}

#[test]
fn images_are_read_from_base64_and_each_that_is_none_is_named() {
    let gif = "R0lGODlhAgADAAAAAA==";
    let asked = |images: Value| json!({ "task": "What is in the picture?", "images": images });
    let call = parse(StartKind::Research, asked(json!([gif, format!("data:image/png;base64,{gif}")]))).unwrap();
    assert_eq!(call.images.iter().map(|image| image.kind().media_type()).collect::<Vec<_>>(), ["image/gif"; 2]);
    let wrong = problems(StartKind::Research, asked(json!([gif, "no!", "aGVsbG8=", 7])));
    let expected = [
        ("/images/1", "is no Base64"),
        ("/images/2", "is no PNG, JPEG, WebP or GIF image"),
        ("/images/3", "is a number, expected text"),
    ];
    assert_eq!(wrong, expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned())));
    assert_eq!(problems(StartKind::Any, asked(json!("x")))[0].1, "is text, expected a list of texts");
    assert!(problems(StartKind::Any, asked(json!(vec![gif; 9])))[0].1.contains("8 at most"));
}

#[test]
fn a_null_leaves_the_default() {
    let call = parse(StartKind::Research, json!({ "task": "tides in the harbour", "title": null, "context": null }));
    let call = call.unwrap();
    assert_eq!(call.draft.title, None);
    assert!(call.draft.context.is_empty());
}

#[test]
fn every_field_of_a_wrong_type_is_named_at_once() {
    let wrong = json!({
        "task": 5, "num_agents": "8", "enable_drummer": "yes", "context": { "a": 1 }, "wait_seconds": 1000,
        "webhook_url": 7, "numagents": 3, "nonsense_entirely": 1,
    });
    let problems = problems(StartKind::Research, wrong);
    let pointers: Vec<&str> = problems.iter().map(|(pointer, _)| pointer.as_str()).collect();
    for expected in [
        "/task",
        "/num_agents",
        "/enable_drummer",
        "/context/a",
        "/wait_seconds",
        "/webhook_url",
        "/numagents",
        "/nonsense_entirely",
    ] {
        assert!(pointers.contains(&expected), "{expected} in {problems:?}");
    }
    let told = |name: &str| problems.iter().find(|(pointer, _)| pointer == name).unwrap().1.clone();
    assert!(told("/numagents").contains("did you mean num_agents?"), "{}", told("/numagents"));
    assert!(!told("/nonsense_entirely").contains("did you mean"), "{}", told("/nonsense_entirely"));
}

#[test]
fn a_step_is_named_by_its_place() {
    let problems = problems(
        StartKind::Any,
        json!({ "pattern": "sequential", "task": "tides in the harbour", "steps": [{ "id": "a", "tsak": "x" }] }),
    );
    assert_eq!(problems.len(), 1);
    assert!(problems[0].0.starts_with("/steps/0"), "{problems:?}");
}

#[test]
fn a_tool_of_one_pattern_refuses_another() {
    assert!(parse(StartKind::Research, json!({ "task": "tides in the harbour", "pattern": "research" })).is_ok());
    let problems = problems(StartKind::Research, json!({ "task": "tides in the harbour", "pattern": "swarm" }));
    assert_eq!(problems[0].0, "/pattern");
}

#[test]
fn a_task_by_two_names_is_refused() {
    assert!(parse(StartKind::Search, json!({ "query": "tides in the harbour", "task": "tides in it" })).is_err());
}
