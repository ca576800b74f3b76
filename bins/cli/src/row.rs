//! A workflow as lists show it, for people and for programs, wherever it runs. Owns the shape of the JSON; knows no engine
//! and no wire.

use std::time::{SystemTime, UNIX_EPOCH};

use mcp_orchestrator_api::view::{ForkedFromView, ProgressView, WaitingView, WorkflowView};
use mcp_orchestrator_domain::{Failure, FailureClass, InvalidName, Status, WorkflowId};
use mcp_orchestrator_store::WorkflowRow;
use serde::Serialize;

use crate::terminal::Style;

/// A workflow.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: WorkflowId,
    pub(crate) status: Status,
    pub(crate) view: WorkflowView,
    pub(crate) runs: Runs,
}

/// Who runs a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// A worker on this store.
    Worker(String),
    /// No process on this store.
    Nobody,
    /// The server sees to it.
    Server,
}

/// A workflow as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct RowJson<'a> {
    task_id: &'a WorkflowId,
    status: Status,
    pattern: &'a str,
    title: &'a str,
    task: &'a str,
    priority: u8,
    created_at: &'a str,
    started_at: Option<&'a str>,
    completed_at: Option<&'a str>,
    progress: &'a ProgressView,
    provider: Option<&'a str>,
    corpora: &'a [String],
    owner: Option<&'a str>,
    error: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forked_from: Option<&'a ForkedFromView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a WaitingView>,
}

impl Row {
    /// A workflow of this store.
    pub(crate) fn here(row: &WorkflowRow) -> Self {
        Self {
            id: row.id.clone(),
            status: row.summary.status,
            view: WorkflowView::of(row),
            runs: row.owner.as_ref().map_or(Runs::Nobody, |worker| Runs::Worker(worker.0.to_string())),
        }
    }

    /// A workflow of a server.
    ///
    /// # Errors
    /// A status or an id this version does not know.
    pub(crate) fn there(view: WorkflowView) -> Result<Self, InvalidName> {
        Ok(Self { id: view.task_id.parse()?, status: view.status.parse()?, view, runs: Runs::Server })
    }

    /// Why it failed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let failure = self.view.failure.as_ref()?;
        let class = serde_json::from_value(failure.class.as_str().into()).unwrap_or(FailureClass::Internal);
        Some(Failure::new(class, &failure.detail))
    }

    /// The same before it had ended.
    pub(crate) fn unfinished(mut self) -> Self {
        self.view.completed_at = None;
        self.view.error = None;
        self.view.result = None;
        self
    }

    /// Its status, and why it waits if that is not for an answer.
    pub(crate) fn in_short(&self) -> String {
        match &self.view.waiting {
            Some(waiting) if self.view.is_held_back() => format!("{} ({})", self.status, waiting.reason),
            Some(_) | None => self.status.to_string(),
        }
    }

    /// As programs read it.
    pub(crate) fn json(&self) -> RowJson<'_> {
        let view = &self.view;
        RowJson {
            task_id: &self.id,
            status: self.status,
            pattern: &view.pattern,
            title: &view.title,
            task: &view.task,
            priority: view.priority,
            created_at: &view.created_at,
            started_at: view.started_at.as_deref(),
            completed_at: view.completed_at.as_deref(),
            progress: &view.progress,
            provider: view.provider.as_deref(),
            corpora: &view.corpora,
            owner: match &self.runs {
                Runs::Worker(worker) => Some(worker),
                Runs::Nobody | Runs::Server => None,
            },
            error: self.failure(),
            forked_from: view.forked_from.as_deref(),
            waiting: view.waiting.as_ref(),
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

/// How long ago a moment was, in the largest whole unit; a moment that cannot be read as it is.
pub(crate) fn ago(moment: &str) -> String {
    let Ok(at) = moment.parse::<jiff::Timestamp>() else { return moment.to_owned() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs().saturating_sub(u64::try_from(at.as_second()).unwrap_or_default());
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit} ago")
}
