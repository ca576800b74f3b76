//! `patterns` and `tools`: what there is to choose from, here or at a server. Starts nothing and asks nobody
//! but the server.

use std::process::ExitCode;

use mcp_orchestrator_api::view::{PatternView, PatternsView, ToolView};
use mcp_orchestrator_app::{Web, corpus_tools};
use mcp_orchestrator_strategies::built_in;
use mcp_orchestrator_tools::SearchTool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::CliError,
    session::Session,
    table::Table,
    terminal::{Line, Style},
};

/// A tool as JSON.
#[derive(Debug, Serialize)]
struct ToolRow {
    name: String,
    description: String,
    input_schema: Value,
    category: String,
    tags: Vec<String>,
    /// Null for a server's.
    time_limit_seconds: Option<f64>,
    /// Whether agents have it: `on`, `off`, or what it needs.
    state: String,
    /// The kinds of a Swarm's agents that have it; empty: all.
    types: Vec<String>,
}

pub(crate) fn tools(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let (rows, when): (Vec<ToolRow>, _) = match session.server()? {
        Some(server) => {
            let all = session.block_on(async { Ok(server.tools().await?) })?.tools;
            (
                all.into_iter().map(|tool| ToolRow::of(tool, None, "on")).collect(),
                format!("agents at {} have them", server.base()),
            )
        }
        None => {
            let tools = corpus_tools(&mcp_orchestrator_tools::Corpora::default());
            let limit = |tool: &dyn mcp_orchestrator_tools::Tool| tool.description().time_limit.as_secs_f64();
            let rows = tools
                .iter()
                .map(|tool| ToolRow::of(ToolView::of(tool.as_ref()), Some(limit(tool.as_ref())), "with a corpus"));
            let mut rows: Vec<ToolRow> = rows.collect();
            rows.extend(services(session)?);
            rows.sort_by(|one, other| one.name.cmp(&other.name));
            (
                rows,
                "services are switched on by `sources.enabled` or --web; until then nothing is sent to any".to_owned(),
            )
        }
    };
    if terminal.json {
        terminal.out_json(&json!({ "tools": rows }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["TOOL", "GROUP", "STATE", "TYPES", "WHAT IT DOES"]);
    for tool in &rows {
        let types = if tool.types.is_empty() { "all".to_owned() } else { tool.types.join(",") };
        table.row([tool.name.as_str(), &tool.category, &tool.state, &types, &tool.description]);
    }
    table.print(terminal)?;
    terminal.note(Line::new().styled(Style::Dim, when));
    Ok(ExitCode::SUCCESS)
}

/// The search services, on or not.
fn services(session: &Session) -> Result<Vec<ToolRow>, CliError> {
    let web = Web::of(&session.settings, false)?;
    let rows = web.known(&session.settings).into_iter().map(|known| {
        let description = SearchTool::describe(known.source);
        ToolRow {
            name: description.spec.name.to_string(),
            description: description.spec.description,
            input_schema: description.spec.parameters,
            category: description.category,
            tags: description.tags,
            time_limit_seconds: Some(description.time_limit.as_secs_f64()),
            state: known.state.as_str().to_owned(),
            types: known.types.iter().map(ToString::to_string).collect(),
        }
    });
    Ok(rows.collect())
}

impl ToolRow {
    fn of(tool: ToolView, time_limit_seconds: Option<f64>, state: &str) -> Self {
        Self {
            state: state.to_owned(),
            types: Vec::new(),
            name: tool.name,
            description: tool.description,
            input_schema: tool.input_schema,
            category: tool.category,
            tags: tool.tags,
            time_limit_seconds,
        }
    }
}

pub(crate) fn patterns(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let view = match session.server()? {
        Some(server) => session.block_on(async { Ok(server.patterns().await?) })?,
        None => {
            let mut patterns: Vec<PatternView> = built_in().iter().map(|known| known.describe().into()).collect();
            patterns.sort_by(|one, other| one.name.cmp(&other.name));
            PatternsView { count: patterns.len(), patterns }
        }
    };
    if terminal.json {
        terminal.out_json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    for pattern in &view.patterns {
        let head = Line::new().styled(Style::Bold, &pattern.name).plain(format!("  {}", pattern.display_name));
        terminal.out(head)?;
        terminal.out(format!("  {}", pattern.description))?;
        for stage in &pattern.stages {
            terminal.out(format!("    {:<10}  {}", stage.stage, stage.description))?;
        }
        for kind in &pattern.agent_types {
            terminal.out(format!("    {:<10}  {}", kind.name, kind.description))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
