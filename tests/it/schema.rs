//! The published JSON Schema is that of the code, and the examples fit both.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mcp_orchestrator_domain::{Limits, RequestDraft, workflow_schema};
use mcp_orchestrator_tools::answer_by_schema;
use serde_json::{Value, json};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The examples by name, as JSON.
fn examples() -> Vec<(String, Value)> {
    let entries = fs::read_dir(project().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|e| e == "toml") && !path.ends_with("Cargo.toml"));
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, toml::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

fn fits(value: &Value) -> Result<Value, String> {
    answer_by_schema(&workflow_schema(), &value.to_string())
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let published = fs::read_to_string(project().join("docs/workflow.schema.json")).unwrap();
    let published: Value = serde_json::from_str(&published).unwrap();
    assert!(published == workflow_schema(), "docs/workflow.schema.json is out of date: run `cargo xtask schema`");
}

#[test]
fn there_is_an_example_of_each_pattern_and_each_fits_the_schema_and_the_rules() {
    let examples = examples();
    for (name, value) in &examples {
        assert_eq!(fits(value), Ok(value.clone()), "{name}");
        let draft: RequestDraft = serde_json::from_value(value.clone()).unwrap();
        draft.parse(&Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for pattern in ["sequential", "conditional", "iterative", "custom"] {
        assert!(examples.iter().any(|(_, value)| value["pattern"] == pattern), "{pattern}");
    }
}

#[test]
fn the_schema_refuses_what_the_code_refuses_by_shape() {
    let good = json!({ "pattern": "sequential", "query": "Long enough a task", "steps": [{ "id": "a", "task": "b" }] });
    assert_eq!(fits(&good), Ok(good.clone()));
    for (pointer, value) in [("/stesp", json!([])), ("/steps/0/tasks", json!("x")), ("/steps/0/kind", json!("agnet"))] {
        let mut bad = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value;
        assert!(fits(&bad).is_err(), "{pointer}");
        let is_read =
            serde_json::from_value::<RequestDraft>(bad).is_ok_and(|draft| draft.parse(&Limits::default()).is_ok());
        assert!(!is_read, "{pointer}");
    }
}
