//! A workflow as lists show it, for people and for programs. Owns the shape of the JSON; knows no engine.

use std::time::{SystemTime, UNIX_EPOCH};

use mcp_orchestrator_domain::{Failure, Status, Timestamp};
use mcp_orchestrator_store::WorkflowRow;
use mcp_orchestrator_streaming::ClientProgress;
use serde::Serialize;

use crate::terminal::Style;

/// A workflow as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    task_id: &'a str,
    status: Status,
    pattern: &'a str,
    title: &'a str,
    task: &'a str,
    priority: u8,
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    progress: ClientProgress,
    provider: Option<&'a str>,
    corpora: Vec<&'a str>,
    owner: Option<&'a str>,
    error: Option<&'a Failure>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(row: &'a WorkflowRow) -> Self {
        Self {
            task_id: row.id.as_str(),
            status: row.summary.status,
            pattern: row.pattern.as_str(),
            title: &row.summary.title,
            task: &row.summary.task,
            priority: row.priority,
            created_at: moment(row.created),
            started_at: row.summary.started.map(moment),
            completed_at: row.summary.finished.map(moment),
            progress: ClientProgress::from(&row.summary.progress),
            provider: row.needs.provider.as_ref().map(|name| name.as_str()),
            corpora: row.needs.corpora.iter().map(|name| name.as_str()).collect(),
            owner: row.owner.as_ref().map(|worker| &*worker.0),
            error: row.summary.failure.as_ref(),
        }
    }
}

/// The colour of a status.
pub(crate) const fn style(status: Status) -> Style {
    match status {
        Status::Completed => Style::Green,
        Status::Failed => Style::Red,
        Status::Cancelled => Style::Dim,
        Status::Queued | Status::Running | Status::Waiting => Style::Yellow,
    }
}

/// A moment in UTC, for example `2026-11-23T15:48:50.123Z`.
pub(crate) fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", at.unwrap_or(jiff::Timestamp::MAX))
}

/// How long ago, in the largest whole unit.
pub(crate) fn ago(at: Timestamp) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs().saturating_sub(at.as_millis() / 1000);
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit} ago")
}
