//! The JSON Schema of written workflows, as a file. Owns where it is; what it says is the domain's.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use mcp_orchestrator_domain::workflow_schema;

pub(crate) const ABOUT: &str = "write docs/workflow.schema.json anew";

pub(crate) fn run(_: &[String]) -> anyhow::Result<ExitCode> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/workflow.schema.json");
    let mut text = serde_json::to_string_pretty(&workflow_schema())?;
    text.push('\n');
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
