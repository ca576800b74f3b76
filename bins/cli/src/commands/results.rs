//! Reports on stdout and in files, and `results`. Owns which files a report has and what is said last.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcp_orchestrator_api::status_line;
use mcp_orchestrator_domain::{Seq, Status, WorkflowId};
use serde_json::json;

use crate::{
    args::ResultsArgs,
    error::CliError,
    found::{Found, Wanted},
    reports::{self, ReportFile},
    session::Session,
    terminal::{Line, Style, Terminal},
};

pub(crate) fn results(session: &Session, args: &ResultsArgs) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let id: WorkflowId = args.id.parse()?;
    if let Some(out) = &args.out {
        reports::prepare(out)?;
    }
    session.block_on(async {
        let workflows = session.workflows().await?;
        if let Some(at) = args.at {
            let found = workflows.results_at(&id, at).await?;
            return then(terminal, &found, at, args.out.as_deref());
        }
        let row = workflows.status(&id).await?;
        match row.status {
            Status::Completed => {}
            Status::Cancelled => return Err(CliError::Cancelled(id)),
            Status::Failed => return Err(CliError::ended(&row, Vec::new())),
            status @ (Status::Queued | Status::Running | Status::Waiting) => {
                return Err(CliError::NotEnded { id, status });
            }
        }
        let wanted = if args.out.is_some() { Wanted::Files } else { Wanted::Page };
        let found = workflows.results(&id, wanted).await?;
        let paths = match &args.out {
            Some(out) => save(&found, out)?,
            None => Vec::new(),
        };
        if terminal.json {
            terminal.out_json(&json!({ "workflow": found.row.json(), "results": found.view, "files": paths }))?;
        } else {
            show(terminal, &found, &paths)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What was known at a position: how it stood, then the report if there was one, else what each agent had written.
fn then(terminal: Terminal, found: &Found, at: Seq, out: Option<&Path>) -> Result<ExitCode, CliError> {
    let paths = match out {
        Some(out) => save(found, out)?,
        None => Vec::new(),
    };
    if terminal.json {
        terminal.out_json(&json!({ "workflow": found.row.json(), "results": found.view, "files": paths }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let stood = status_line(&found.row.view);
    terminal.note(Line::new().plain(format!("{} at position {at}: {stood}", found.row.id)));
    if found.page().is_some() {
        show(terminal, found, &paths)?;
        return Ok(ExitCode::SUCCESS);
    }
    for agent in &found.view.agent_results {
        terminal.out(Line::new().styled(Style::Bold, format!("## {}: {}", agent.agent_id, agent.task)))?;
        let failed = agent.failure.as_ref().map(|failure| format!("failed: {}", failure.detail));
        if let Some(text) = failed.as_ref().or(agent.content.as_ref()) {
            terminal.out(format!("\n{}\n", text.trim()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a report's documents, the JSON one with its evidence folder. Returns the paths of the documents.
pub(crate) fn save(found: &Found, out: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for document in &found.documents {
        let suffix = format!(".{}", document.extension);
        files.push(ReportFile { suffix, bytes: document.bytes.to_vec() });
    }
    let documents = files.len();
    if found.is_verifiable() {
        files.extend(
            found
                .evidence
                .iter()
                .map(|text| ReportFile { suffix: format!(".evidence/{}", text.stem), bytes: text.bytes.to_vec() }),
        );
    }
    let Some(first) = found.documents.first() else { return Ok(Vec::new()) };
    let mut paths = reports::write(out, &first.stem, &files)?;
    paths.truncate(documents);
    Ok(paths)
}

/// Prints the report, then says where its files are. For programs: one last line with the paths.
pub(crate) fn show(terminal: Terminal, found: &Found, paths: &[PathBuf]) -> Result<(), CliError> {
    if terminal.json {
        let result = json!({
            "event_type": "result",
            "task_id": found.row.id,
            "data": {
                "status": found.row.status,
                "outcome": found.view.outcome,
                "selected_branch": found.selected_branch(),
                "converged": found.converged(),
                "files": paths,
            },
        });
        return Ok(terminal.out_json(&result)?);
    }
    if let Some(page) = found.page() {
        let page = if terminal.is_read { without_front_matter(&page) } else { &page };
        terminal.out(page.trim_end())?;
    }
    for path in paths {
        terminal.note(Line::new().styled(Style::Dim, "written to ").plain(path.display()));
    }
    Ok(())
}

/// A page as a person wants to read it.
fn without_front_matter(page: &str) -> &str {
    let end = page.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    end.map_or(page, |(_, body)| body).trim_start()
}

#[cfg(test)]
mod tests {
    use super::without_front_matter;

    #[test]
    fn only_the_front_matter_is_left_out() {
        assert_eq!(without_front_matter("---\na: 1\n---\n\n# T\n---\nx"), "# T\n---\nx");
        assert_eq!(without_front_matter("# T\n"), "# T\n");
    }
}
