//! `list` and `status`: what the store says of workflows. Starts nothing.

use std::process::ExitCode;

use mcp_orchestrator::Question;
use mcp_orchestrator_domain::{Status, WorkflowId};
use mcp_orchestrator_store::{ListFilter, WorkflowRow};
use mcp_orchestrator_streaming::ClientProgress;

use crate::session::Session;
use crate::{
    args::ListArgs,
    error::CliError,
    progress::{brief, spent},
    row::{Row, ago, moment, style},
    table::Table,
    terminal::{Line, Style, Terminal},
};

pub(crate) fn list(session: &Session, args: &ListArgs) -> Result<ExitCode, CliError> {
    let statuses = args.status.iter().map(|text| text.parse::<Status>()).collect::<Result<Vec<_>, _>>()?;
    let before = args.before.as_deref().map(str::parse).transpose()?;
    if !(1..=500).contains(&args.limit) {
        return Err(CliError::Limit(args.limit));
    }
    let filter = ListFilter { statuses, before, max: args.limit, ..ListFilter::default() };
    let rows = session.block_on(async { Ok(session.reader().await?.list(filter).await?) })?;
    if session.terminal.json {
        for row in &rows {
            session.terminal.out_json(&Row::new(row))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        session.terminal.note("no workflow");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["ID", "STATUS", "AGENTS", "STARTED", "TITLE"]);
    for row in &rows {
        let progress = &row.summary.progress;
        table.row([
            row.id.to_string(),
            row.summary.status.to_string(),
            format!("{}/{}", progress.completed_agents, progress.total_agents),
            ago(row.created),
            brief(&row.summary.title),
        ]);
    }
    table.print(session.terminal)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn status(session: &Session, id: &str) -> Result<ExitCode, CliError> {
    let id: WorkflowId = id.parse()?;
    let (row, questions) = session.block_on(async {
        let handle = session.reader().await?;
        Ok((handle.status(&id).await?, handle.questions(&id).await?))
    })?;
    show(session.terminal, &row, &questions)?;
    Ok(ExitCode::SUCCESS)
}

fn show(terminal: Terminal, row: &WorkflowRow, questions: &[Question]) -> Result<(), CliError> {
    if terminal.json {
        return Ok(terminal.out_json(&Row::new(row))?);
    }
    let summary = &row.summary;
    let field = |name: &str, value: String| {
        terminal.out(Line::new().styled(Style::Dim, format!("{name:<10}")).plain(value.replace('\n', " ")))
    };
    let status = Line::new().styled(Style::Bold, &row.id).plain("  ").styled(style(summary.status), summary.status);
    terminal.out(status)?;
    field("title", summary.title.to_string())?;
    field("task", brief(&summary.task))?;
    field("pattern", row.pattern.to_string())?;
    if let Some(provider) = &row.needs.provider {
        field("provider", provider.to_string())?;
    }
    field("stage", format!("{}, {} %", summary.progress.stage, summary.progress.percent))?;
    field("progress", spent(&ClientProgress::from(&summary.progress)).trim().to_owned())?;
    field("created", moment(row.created))?;
    if let Some(finished) = summary.finished {
        field("finished", moment(finished))?;
    }
    for asked in questions {
        field("asks", format!("{}: {}", asked.step, brief(&asked.question)))?;
    }
    match (&row.owner, summary.status) {
        (Some(owner), _) => field("run by", owner.0.to_string())?,
        (None, Status::Running) => field("run by", format!("nobody; `mcp-orchestrator resume {}` goes on", row.id))?,
        (None, _) => {}
    }
    if let Some(failure) = &summary.failure {
        field("error", failure.to_string())?;
    }
    Ok(())
}
