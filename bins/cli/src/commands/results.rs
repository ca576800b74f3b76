//! Reports on stdout and in files, and `results`. Owns which files a report has and what is said last.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcp_orchestrator::Results;
use mcp_orchestrator_documents::markdown;
use mcp_orchestrator_domain::{DocumentFormat, Status, WorkflowId};
use serde_json::json;

use crate::{
    args::ResultsArgs,
    error::CliError,
    reports::{self, ReportFile},
    row::Row,
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
        let handle = session.reader().await?;
        let row = handle.status(&id).await?;
        match row.summary.status {
            Status::Completed => {}
            Status::Cancelled => return Err(CliError::Cancelled(id)),
            Status::Failed => return Err(CliError::ended(&row, Vec::new())),
            status @ (Status::Queued | Status::Running | Status::Waiting) => {
                return Err(CliError::NotEnded { id, status });
            }
        }
        let found = handle.results(&id).await?;
        let paths = match &args.out {
            Some(out) => save(&found, out)?,
            None => Vec::new(),
        };
        if terminal.json {
            let row = Row::new(&found.row);
            terminal.out_json(&json!({
                "workflow": row, "document": found.document, "decisions": found.decisions, "files": paths,
            }))?;
        } else {
            show(terminal, &found, &paths)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Writes a report's documents, the JSON one with its evidence folder. Returns the paths of the documents.
pub(crate) fn save(found: &Results, out: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    let mut stem = None;
    for document in &found.documents {
        let name = Path::new(&document.name);
        stem = stem.or_else(|| name.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        let suffix = format!(".{}", document.format.extension());
        files.push(ReportFile { suffix, bytes: document.bytes.to_vec() });
    }
    let documents = files.len();
    if found.documents.iter().any(|document| document.format == DocumentFormat::Json) {
        files.extend(found.evidence.iter().map(|file| ReportFile {
            suffix: format!(".evidence/{}", file.digest),
            bytes: file.text.as_bytes().to_vec(),
        }));
    }
    let Some(stem) = stem else { return Ok(Vec::new()) };
    let mut paths = reports::write(out, &stem, &files)?;
    paths.truncate(documents);
    Ok(paths)
}

/// Prints the report, then says where its files are. For programs: one last line with the paths.
pub(crate) fn show(terminal: Terminal, found: &Results, paths: &[PathBuf]) -> Result<(), CliError> {
    if terminal.json {
        let outcome = found.document.as_ref().map(|document| document.report.outcome);
        let result = json!({
            "event_type": "result",
            "task_id": found.row.id,
            "data": {
                "status": found.row.summary.status,
                "outcome": outcome,
                "selected_branch": found.selected_branch(),
                "converged": found.converged(),
                "files": paths,
            },
        });
        return Ok(terminal.out_json(&result)?);
    }
    if let Some(page) = page(found) {
        let page = if terminal.is_read { without_front_matter(&page) } else { &page };
        terminal.out(page.trim_end())?;
    }
    for path in paths {
        terminal.note(Line::new().styled(Style::Dim, "written to ").plain(path.display()));
    }
    Ok(())
}

/// The report as Markdown: the document if there is one, so that a pipe gets what the file holds.
fn page(found: &Results) -> Option<String> {
    let written = found.documents.iter().find(|document| document.format == DocumentFormat::Markdown);
    match written {
        Some(document) => Some(String::from_utf8_lossy(&document.bytes).into_owned()),
        None => found.document.as_ref().map(markdown::render),
    }
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
