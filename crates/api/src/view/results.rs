//! What came of a workflow as clients see it: report, agents, documents, sources, gaps.

use mcp_orchestrator::{
    Decision, DocumentFile, Results,
    domain::Money,
    event::ClientProgress,
    report::{Document, Outcome, Writer},
};
use mcp_orchestrator_documents::markdown;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailureView, ProgressView, workflow::seconds};

/// What came of a workflow so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ResultsView {
    /// The workflow.
    pub task_id: String,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: String,
    /// Its strategy.
    pub pattern: String,
    /// The position of its log at which all of this was so; left out when it is so now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// How far it was at that position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Box<ProgressView>>,
    /// Seconds from its start to its last event.
    pub execution_time: f64,
    /// US dollars; null when the cost of a call is unknown.
    pub total_cost: Option<f64>,
    /// Whether that is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
    /// The report as Markdown with numbered citations and its sources; null unless it has completed.
    pub final_synthesis: Option<String>,
    /// `answered`, `nothing_found` or `unverified`; null unless it has completed.
    pub outcome: Option<String>,
    /// `model`, or `extractive` when the sentences are quotes; null unless it has completed.
    pub written_by: Option<String>,
    /// What became of the report's sentences at the citation gate; null unless it has completed.
    pub citations: Option<CountsView>,
    /// What the report cost. Left out when nothing was paid for, or was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostsView>,
    /// The sources cited, number 1 first.
    pub sources: Vec<SourceView>,
    /// What failed on the way, so that a reader knows what was not looked at.
    pub gaps: Vec<GapView>,
    /// What the strategy decided on the way.
    pub decisions: Vec<DecisionView>,
    /// Every step that ended, in the order of planning.
    pub agent_results: Vec<AgentView>,
    /// The documents rendered.
    pub generated_documents: Vec<DocumentView>,
    /// The texts the citations point into, by their SHA-256: what an offline check needs beside the JSON document.
    pub evidence: Vec<EvidenceView>,
    /// Why it failed.
    pub failure: Option<FailureView>,
}

/// What became of sentences at the citation gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct CountsView {
    /// Every citation was proved.
    pub proved: u32,
    /// Marked as unverified.
    pub marked: u32,
    /// Dropped.
    pub dropped: u32,
}

/// What a report cost, sentence by sentence: exact in the JSON document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct CostsView {
    /// The sentences, in reading order.
    pub sentences: Vec<SentenceCostView>,
    /// US dollars that are no sentence's; null when unknown.
    pub not_attributed: Option<f64>,
    /// US dollars that all steps cost; null when unknown.
    pub total: Option<f64>,
}

/// What a sentence of a report cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct SentenceCostView {
    /// The sentence, without its citations.
    pub text: String,
    /// The agents whose findings it cites.
    pub agents: Vec<String>,
    /// US dollars; null when unknown.
    pub cost: Option<f64>,
    /// Whether that is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
}

/// A source a report cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct SourceView {
    /// The number it is cited by.
    pub number: usize,
    /// What a reader calls it.
    pub title: String,
    /// Where it is.
    pub uri: String,
    /// The passage cited, word for word.
    pub quote: String,
}

/// Something that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct GapView {
    /// The step that failed.
    pub agent_id: String,
    /// What it was to find out.
    pub task: String,
    /// Why it failed.
    pub reason: String,
}

/// A decision of a strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "clients read it field by field")]
pub enum DecisionView {
    /// A conditional workflow chose a branch.
    Branch {
        /// Which one.
        selected: String,
    },
    /// A pass of an iterative workflow was judged.
    Pass {
        /// Which one, from 1.
        number: u16,
        /// Whether it was enough.
        done: bool,
    },
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct AgentView {
    /// The step, as in events.
    pub agent_id: String,
    /// `worker`, `synthesizer`, `executive`, `monitor`, `specialized` or `planner`.
    pub agent_type: String,
    /// What it was to do.
    pub task: String,
    /// What it wrote. Left out when that is no text, or was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether the token limit cut what it wrote: the end is missing. Left out when it is whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// `completed` or `failed`.
    pub status: String,
    /// Seconds its calls ran.
    pub execution_time: f64,
    /// US dollars; null when the cost of a call is unknown.
    pub cost: Option<f64>,
    /// Whether that is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
    /// Tokens used.
    pub tokens: u64,
    /// Why it failed.
    pub failure: Option<FailureView>,
}

/// A rendered document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct DocumentView {
    /// `markdown` or `json`.
    pub format: String,
    /// Its file name.
    pub filename: String,
    /// Its size.
    pub size_bytes: usize,
    /// Where it is downloaded.
    pub url: String,
}

/// A text that citations point into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct EvidenceView {
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub size_bytes: usize,
    /// Where it is downloaded.
    pub url: String,
}

impl ResultsView {
    /// Results as clients see them.
    #[must_use]
    pub fn of(found: &Results) -> Self {
        let row = &found.row;
        let document = found.document.as_ref();
        let id = row.id.as_str();
        Self {
            task_id: row.id.to_string(),
            title: row.summary.title.to_string(),
            status: row.summary.status.to_string(),
            pattern: row.pattern.to_string(),
            at: None,
            progress: None,
            execution_time: seconds(row.summary.progress.elapsed_ms),
            total_cost: row.summary.progress.cost().map(Money::usd),
            cost_is_estimate: row.summary.progress.spent.is_estimate(),
            final_synthesis: document.map(markdown::render),
            outcome: document.map(outcome),
            written_by: document.map(|document| written_by(document.written_by).to_owned()),
            citations: document.map(|document| CountsView {
                proved: document.counts.proved,
                marked: document.counts.marked,
                dropped: document.counts.dropped,
            }),
            costs: document.and_then(costs),
            sources: document.map(sources).unwrap_or_default(),
            gaps: document.map(gaps).unwrap_or_default(),
            decisions: found.decisions.iter().filter_map(decision).collect(),
            agent_results: found.steps.iter().map(agent).collect(),
            generated_documents: document_views(id, &found.documents),
            evidence: found
                .evidence
                .iter()
                .map(|file| EvidenceView {
                    sha256: file.digest.to_string(),
                    size_bytes: file.text.len(),
                    url: format!("/v1/workflows/{id}/documents/{}", file.digest),
                })
                .collect(),
            failure: row.summary.failure.as_ref().map(FailureView::from),
        }
    }
}

impl ResultsView {
    /// The same as what was known at a position.
    #[must_use]
    pub fn at(self, found: &Results) -> Self {
        let progress = ProgressView::from(&ClientProgress::from(&found.row.summary.progress));
        Self { at: Some(found.row.head.value()), progress: Some(Box::new(progress)), ..self }
    }
}

/// Rendered documents as clients see them.
fn document_views(id: &str, documents: &[DocumentFile]) -> Vec<DocumentView> {
    documents
        .iter()
        .map(|file| DocumentView {
            format: file.format.to_string(),
            filename: file.name.clone(),
            size_bytes: file.bytes.len(),
            url: format!("/v1/workflows/{id}/documents/{}", file.name),
        })
        .collect()
}

fn outcome(document: &Document) -> String {
    match document.report.outcome {
        Outcome::NothingFound => "nothing_found",
        Outcome::Unverified => "unverified",
        _ => "answered",
    }
    .to_owned()
}

const fn written_by(writer: Writer) -> &'static str {
    match writer {
        Writer::Model => "model",
        Writer::Extractive => "extractive",
    }
}

fn costs(document: &Document) -> Option<CostsView> {
    let costs = document.costs.as_ref()?;
    let priced = document.report.sentences().zip(&costs.sentences);
    let sentences = priced.map(|(sentence, price)| SentenceCostView {
        text: sentence.text.clone(),
        agents: price.steps.iter().map(ToString::to_string).collect(),
        cost: price.cost.known().map(Money::usd),
        cost_is_estimate: price.cost.is_estimate(),
    });
    Some(CostsView {
        sentences: sentences.collect(),
        not_attributed: costs.not_attributed.known().map(Money::usd),
        total: costs.total().known().map(Money::usd),
    })
}

fn sources(document: &Document) -> Vec<SourceView> {
    let numbered = document.evidence.iter().zip(1..);
    numbered
        .map(|(span, number)| SourceView {
            number,
            title: span.source.title.clone(),
            uri: span.source.uri.clone(),
            quote: span.quote.to_string(),
        })
        .collect()
}

fn gaps(document: &Document) -> Vec<GapView> {
    document
        .gaps
        .iter()
        .map(|gap| GapView { agent_id: gap.step.to_string(), task: gap.task.clone(), reason: gap.reason.clone() })
        .collect()
}

fn decision(decision: &Decision) -> Option<DecisionView> {
    match decision {
        Decision::Branch { selected, .. } => Some(DecisionView::Branch { selected: selected.clone() }),
        Decision::Pass { number, done, .. } => Some(DecisionView::Pass { number: *number, done: *done }),
        _ => None,
    }
}

fn agent(step: &mcp_orchestrator::StepResult) -> AgentView {
    AgentView {
        agent_id: step.id.to_string(),
        agent_type: step.role.agent_type().to_owned(),
        task: step.task.clone(),
        content: step.text.as_deref().map(str::to_owned),
        is_cut: step.is_cut,
        status: if step.failure.is_some() { "failed" } else { "completed" }.to_owned(),
        execution_time: seconds(step.used.run_ms),
        cost: step.used.cost.known().map(Money::usd),
        cost_is_estimate: step.used.cost.is_estimate(),
        tokens: step.used.usage.total(),
        failure: step.failure.as_ref().map(FailureView::from),
    }
}
