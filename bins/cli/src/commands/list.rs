//! `list` and `status`: what the store or the server says of workflows. Starts nothing.

use std::process::ExitCode;

use mcp_orchestrator_api::view::QuestionView;
use mcp_orchestrator_domain::{Status, WorkflowId};

use crate::session::Session;
use crate::{
    args::ListArgs,
    error::CliError,
    progress::{brief, grouped, spent},
    row::{Row, Runs, ago, style},
    table::Table,
    terminal::{Line, Style, Terminal},
    workflows::Asked,
};

pub(crate) fn list(session: &Session, args: &ListArgs) -> Result<ExitCode, CliError> {
    let statuses = args.status.iter().map(|text| text.parse::<Status>()).collect::<Result<Vec<_>, _>>()?;
    let before = args.before.as_deref().map(str::parse).transpose()?;
    if !(1..=500).contains(&args.limit) {
        return Err(CliError::Limit(args.limit));
    }
    let asked = Asked { statuses, before, limit: args.limit };
    let rows = session.block_on(async { session.workflows().await?.list(asked).await })?;
    if session.terminal.json {
        for row in &rows {
            session.terminal.out_json(&row.json())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        session.terminal.note("no workflow");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["ID", "STATUS", "AGENTS", "STARTED", "TITLE"]);
    for row in &rows {
        let progress = &row.view.progress;
        table.row([
            row.id.to_string(),
            row.in_short(),
            format!("{}/{}", progress.completed_agents, progress.total_agents),
            ago(&row.view.created_at),
            brief(&row.view.title),
        ]);
    }
    table.print(session.terminal)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn status(session: &Session, id: &str) -> Result<ExitCode, CliError> {
    let id: WorkflowId = id.parse()?;
    let (row, questions) = session.block_on(async {
        let workflows = session.workflows().await?;
        Ok((workflows.status(&id).await?, workflows.questions(&id).await?))
    })?;
    show(session.terminal, &row, &questions)?;
    Ok(ExitCode::SUCCESS)
}

fn show(terminal: Terminal, row: &Row, questions: &[QuestionView]) -> Result<(), CliError> {
    if terminal.json {
        return Ok(terminal.out_json(&row.json())?);
    }
    let view = &row.view;
    let field = |name: &str, value: String| {
        terminal.out(Line::new().styled(Style::Dim, format!("{name:<10}")).plain(value.replace('\n', " ")))
    };
    let status = Line::new().styled(Style::Bold, &row.id).plain("  ").styled(style(row.status), row.status);
    terminal.out(status)?;
    field("title", view.title.clone())?;
    field("task", brief(&view.task))?;
    field("pattern", view.pattern.clone())?;
    if let Some(provider) = &view.provider {
        field("provider", provider.clone())?;
    }
    field("stage", format!("{}, {} %", view.progress.stage, view.progress.percent))?;
    field("progress", spent(&view.progress).trim().to_owned())?;
    field("created", view.created_at.clone())?;
    if let Some(finished) = &view.completed_at {
        field("finished", finished.clone())?;
    }
    if let Some(from) = &view.forked_from {
        let cost = from.cost_usd.map_or_else(|| "at an unknown cost".to_owned(), |usd| format!("for ${usd:.4}"));
        let used = format!("{} tokens {cost} by then", grouped(from.tokens));
        field("forked", format!("from {} at position {}; {used}", from.task_id, from.at))?;
    }
    for asked in questions {
        field("asks", format!("{}: {}", asked.step, brief(&asked.question)))?;
    }
    if let Some(waiting) = view.waiting.as_ref().filter(|_| view.is_held_back()) {
        field("held back", format!("{}; `mcp-orchestrator resume {}` has it tried again", waiting.detail, row.id))?;
    }
    match (&row.runs, row.status) {
        (Runs::Worker(owner), _) => field("run by", owner.clone())?,
        (Runs::Nobody, Status::Running) => {
            field("run by", format!("nobody; `mcp-orchestrator resume {}` goes on", row.id))?
        }
        (Runs::Nobody | Runs::Server, _) => {}
    }
    if let Some(failure) = row.failure() {
        field("error", failure.to_string())?;
    }
    Ok(())
}
