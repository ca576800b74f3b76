//! `patterns`, `tools` and `providers`: what there is to choose from. Starts nothing and asks nobody.

use std::process::ExitCode;

use mcp_orchestrator_app::{KeyState, KnownProvider, corpus_tools};
use mcp_orchestrator_strategies::{Pattern, built_in};
use serde_json::json;

use crate::session::Session;
use crate::{
    error::CliError,
    table::Table,
    terminal::{Line, Style},
};

pub(crate) fn providers(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let known = session.providers().known()?;
    if terminal.json {
        let providers: Vec<_> = known.iter().map(as_json).collect();
        terminal.out_json(&json!({ "providers": providers }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["PROVIDER", "KEY", "MODEL", "ADDRESS"]);
    for provider in &known {
        table.row([
            provider.name.clone(),
            key(&provider.key),
            provider.model.clone().unwrap_or_else(|| "-".to_owned()),
            provider.base_url.clone().unwrap_or_else(|| provider.title.clone()),
        ]);
    }
    table.print(terminal)?;
    let how = "used when none is named: `provider.default`, else the first with a key, else Ollama if it answers, else \
               extractive when there are documents";
    terminal.note(Line::new().styled(Style::Dim, how));
    Ok(ExitCode::SUCCESS)
}

fn key(key: &KeyState) -> String {
    match key {
        KeyState::Set(origin) => format!("set ({origin})"),
        KeyState::Missing(variables) => format!("not set ({})", variables.join(", ")),
        _ => "not needed".to_owned(),
    }
}

fn as_json(provider: &KnownProvider) -> serde_json::Value {
    let (state, origin, variables): (_, _, &[&str]) = match &provider.key {
        KeyState::Set(origin) => ("set", Some(origin.to_string()), &[]),
        KeyState::Missing(variables) => ("not_set", None, variables),
        _ => ("not_needed", None, &[]),
    };
    json!({
        "name": provider.name,
        "title": provider.title,
        "key": { "state": state, "origin": origin, "variables": variables },
        "base_url": provider.base_url,
        "model": provider.model,
    })
}

pub(crate) fn tools(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let tools = corpus_tools(&mcp_orchestrator_tools::Corpora::default());
    if terminal.json {
        let listed: Vec<_> = tools
            .iter()
            .map(|tool| tool.description())
            .map(|tool| {
                json!({
                    "name": tool.spec.name,
                    "description": tool.spec.description,
                    "input_schema": tool.spec.parameters,
                    "category": tool.category,
                    "tags": tool.tags,
                    "time_limit_seconds": tool.time_limit.as_secs_f64(),
                })
            })
            .collect();
        terminal.out_json(&json!({ "tools": listed }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["TOOL", "GROUP", "WHAT IT DOES"]);
    for tool in &tools {
        let tool = tool.description();
        table.row([tool.spec.name.to_string(), tool.category.clone(), tool.spec.description.clone()]);
    }
    table.print(terminal)?;
    terminal.note(Line::new().styled(Style::Dim, "agents have them when there is a corpus"));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn patterns(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let patterns: Vec<Pattern> = built_in().iter().map(|strategy| strategy.describe()).collect();
    if terminal.json {
        terminal.out_json(&json!({ "patterns": patterns }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for pattern in &patterns {
        let head = Line::new().styled(Style::Bold, &pattern.name).plain(format!("  {}", pattern.display_name));
        terminal.out(head)?;
        terminal.out(format!("  {}", pattern.description))?;
        for stage in &pattern.stages {
            terminal.out(format!("    {:<10}  {}", stage.stage.as_str(), stage.description))?;
        }
        for kind in &pattern.agent_types {
            terminal.out(format!("    {:<10}  {}", kind.name.as_str(), kind.description))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
