//! Results as one text for a model's context: short enough to read, and saying where the rest is.

use crate::view::{ResultsView, WorkflowView};

/// The longest summary, in characters: under 8,000 tokens of plain English.
pub const SUMMARY_CHARS_MAX: usize = 24_000;

/// The report with what a reader must know about it, cut to [`SUMMARY_CHARS_MAX`] characters at a line's end. The whole
/// report is the resource `orchestrator://{task_id}/report`.
#[must_use]
pub fn summary(results: &ResultsView) -> String {
    let Some(report) = &results.final_synthesis else {
        let why = results.failure.as_ref().map(|failure| format!(": {}", failure.detail)).unwrap_or_default();
        let stood = match results.at {
            Some(at) => format!("was {} at position {at}", results.status),
            None => format!("is {}", results.status),
        };
        return format!("Workflow {} {stood}{why}.", results.task_id);
    };
    let body = without_front_matter(report);
    let mut out = String::with_capacity(body.len().min(SUMMARY_CHARS_MAX) + 200);
    if body.chars().count() <= SUMMARY_CHARS_MAX {
        out.push_str(body);
    } else {
        let cut: String = body.chars().take(SUMMARY_CHARS_MAX).collect();
        out.push_str(cut.rsplit_once('\n').map_or(cut.as_str(), |(whole, _)| whole));
        out.push_str("\n\n[The report goes on: read the resource orchestrator://");
        out.push_str(&results.task_id);
        out.push_str("/report.]");
    }
    if !results.gaps.is_empty() {
        out.push_str(&format!("\n\n{} of its agents failed; the report names what is missing.", results.gaps.len()));
    }
    out
}

/// How a workflow stands in one line, for example `running: agents, 3 of 8 agents, 41%, 81234 tokens, $0.0120`.
#[must_use]
pub fn status_line(view: &WorkflowView) -> String {
    let progress = &view.progress;
    let mut line = format!(
        "{}: {}, {} of {} agents, {}%, {} tokens",
        view.status,
        progress.stage,
        progress.completed_agents,
        progress.total_agents,
        progress.percent,
        progress.tokens
    );
    if progress.failed_agents > 0 {
        line.push_str(&format!(", {} failed", progress.failed_agents));
    }
    match progress.cost_usd {
        Some(cost) if progress.cost_is_estimate => line.push_str(&format!(", about ${cost:.4}")),
        Some(cost) => line.push_str(&format!(", ${cost:.4}")),
        None => line.push_str(", cost unknown"),
    }
    if let Some(waiting) = view.waiting.as_ref().filter(|_| view.is_held_back()) {
        line.push_str(&format!(": {}", waiting.detail));
    }
    if let Some(failure) = &view.failure {
        line.push_str(&format!(": {}", failure.detail));
    }
    line
}

fn without_front_matter(markdown: &str) -> &str {
    markdown
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(markdown, |(_, body)| body)
        .trim_start_matches('\n')
}
