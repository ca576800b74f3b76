//! A workflow as clients see it while it runs and when it has ended.

use mcp_orchestrator::{
    Status,
    domain::{Failure, FailureClass, ForkedFrom, Money, Timestamp},
    event::{ClientProgress, Rfc3339, held_back},
    store::{Summary, WorkflowRow},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A workflow: what lists show and what its status is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct WorkflowView {
    /// Its id: of the workflow, its stream, its documents and its MCP task.
    pub task_id: String,
    /// `queued`, `running`, `waiting`, `completed`, `failed` or `cancelled`.
    pub status: String,
    /// The strategy, for example `beltalowda`.
    pub pattern: String,
    /// The same as `pattern`.
    pub orchestrator_type: String,
    /// Its title.
    pub title: String,
    /// Its task, cut to 200 characters.
    pub task: String,
    /// 0 to 9; higher runs first.
    pub priority: u8,
    /// When it was submitted: UTC, RFC 3339.
    pub created_at: String,
    /// When it began to run.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// How far it is.
    pub progress: ProgressView,
    /// Who answers.
    pub provider: Option<String>,
    /// The corpora its agents may search.
    pub corpora: Vec<String>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// Why it failed, for programs.
    pub failure: Option<FailureView>,
    /// What came of it in numbers, once it has ended.
    pub result: Option<OutcomeView>,
    /// The workflow whose history it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Box<ForkedFromView>>,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
    /// What it waits for an answer to; only shown by the status of one workflow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionView>,
}

/// Whose history a workflow goes on from. What that had spent is in the new workflow's totals too, and is not paid again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ForkedFromView {
    /// The other workflow; it may be gone.
    pub task_id: String,
    /// The last position of its log that was taken over.
    pub at: u64,
    /// US dollars the history had cost; null when the cost of a call is unknown.
    pub cost_usd: Option<f64>,
    /// Tokens the history had used.
    pub tokens: u64,
}

/// How far a workflow is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ProgressView {
    /// `queued`, `planning`, `agents`, `synthesis`, `checking`, `documents` or `done`.
    pub stage: String,
    /// Agents that ended well.
    pub completed_agents: u32,
    /// Agents that failed.
    pub failed_agents: u32,
    /// Agents planned; before planning ends, the number asked for.
    pub total_agents: u32,
    /// 0 to 100, never decreasing.
    pub percent: u8,
    /// US dollars spent; null as soon as one call's cost is unknown.
    pub cost_usd: Option<f64>,
    /// Whether that is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
    /// Tokens used, prompts and completions.
    pub tokens: u64,
}

/// Why a workflow or a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct FailureView {
    /// The kind, for example `budget` or `rate_limited`.
    pub class: String,
    /// What happened.
    pub detail: String,
}

/// What came of a workflow, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct OutcomeView {
    /// Seconds from its start to its end.
    pub execution_time: f64,
    /// US dollars; null when the cost of a call is unknown. Whether they are an estimate `progress` says.
    pub total_cost: Option<f64>,
    /// Agents planned.
    pub agent_count: u32,
    /// Syntheses written; only shown by the status of one workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthesis_count: Option<u32>,
    /// Whether there is a report.
    pub has_final_synthesis: bool,
    /// Documents rendered.
    pub documents_generated: u32,
}

/// Why a workflow waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct WaitingView {
    /// `input`, or `poison`: its workers died of it.
    pub reason: String,
    /// In words.
    pub detail: String,
}

/// A question a workflow waits for an answer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct QuestionView {
    /// The step that asks.
    pub step: String,
    /// What is asked.
    pub question: String,
}

/// A page of workflows, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct WorkflowPage {
    /// The workflows.
    pub workflows: Vec<WorkflowView>,
    /// What the next page is asked for with; null on the last.
    pub next_cursor: Option<String>,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct StartedView {
    /// The workflow as it stands.
    #[serde(flatten)]
    pub workflow: WorkflowView,
    /// Where its events are streamed.
    pub stream_url: String,
    /// Whether this very submission made it; false when an idempotency key found it.
    pub created: bool,
    /// Every setting in force, defaults filled in. Left out where a model reads the answer.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// What did not go as asked, although the workflow runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl WorkflowView {
    /// A row as clients see it.
    #[must_use]
    pub fn of(row: &WorkflowRow) -> Self {
        let summary = &row.summary;
        let progress = ProgressView::from(&ClientProgress::from(&summary.progress));
        let ended = summary.status.is_terminal();
        Self {
            task_id: row.id.to_string(),
            status: summary.status.to_string(),
            pattern: row.pattern.to_string(),
            orchestrator_type: row.pattern.to_string(),
            title: summary.title.to_string(),
            task: summary.task.to_string(),
            priority: row.priority,
            created_at: Rfc3339(row.created).to_string(),
            started_at: summary.started.map(shown),
            completed_at: summary.finished.map(shown),
            provider: row.needs.provider.as_ref().map(ToString::to_string),
            corpora: row.needs.corpora.iter().map(ToString::to_string).collect(),
            error: summary.failure.as_ref().map(ToString::to_string),
            failure: summary.failure.as_ref().map(FailureView::from),
            result: ended.then(|| OutcomeView {
                execution_time: seconds(summary.progress.elapsed_ms),
                total_cost: progress.cost_usd,
                agent_count: progress.total_agents,
                synthesis_count: None,
                has_final_synthesis: summary.status == Status::Completed,
                documents_generated: summary.progress.documents,
            }),
            progress,
            forked_from: summary.forked_from.as_ref().map(|from| Box::new(ForkedFromView::from(from))),
            waiting: WaitingView::of(summary),
            questions: Vec::new(),
        }
    }

    /// Whether nobody runs it until it is resumed.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.reason == POISON)
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        self.result.is_some()
    }
}

impl From<&ForkedFrom> for ForkedFromView {
    fn from(from: &ForkedFrom) -> Self {
        Self {
            task_id: from.id.to_string(),
            at: from.at.value(),
            cost_usd: from.spent.total_cost().map(Money::usd),
            tokens: from.spent.usage.total(),
        }
    }
}

/// The reason of what is held back.
const POISON: &str = "poison";

impl WaitingView {
    fn of(summary: &Summary) -> Option<Self> {
        match (summary.status, summary.poisoned) {
            (Status::Waiting, Some(workers)) => Some(Self { reason: POISON.to_owned(), detail: held_back(workers) }),
            (Status::Waiting, None) => {
                Some(Self { reason: "input".to_owned(), detail: "it waits for an answer".to_owned() })
            }
            (Status::Queued | Status::Running | Status::Completed | Status::Failed | Status::Cancelled, _) => None,
        }
    }
}

impl From<&ClientProgress> for ProgressView {
    fn from(progress: &ClientProgress) -> Self {
        Self {
            stage: progress.stage.to_string(),
            completed_agents: progress.completed_agents,
            failed_agents: progress.failed_agents,
            total_agents: progress.total_agents,
            percent: progress.percent,
            cost_usd: progress.cost_usd,
            cost_is_estimate: progress.cost_is_estimate,
            tokens: progress.tokens,
        }
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self { class: word(failure.class), detail: failure.message.clone() }
    }
}

fn shown(moment: Timestamp) -> String {
    Rfc3339(moment).to_string()
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn word(class: FailureClass) -> String {
    match serde_json::to_value(class) {
        Ok(Value::String(word)) => word,
        _ => "internal".to_owned(),
    }
}
