//! What a report file holds. Owns the shape of a document; how it is written is elsewhere.

use std::sync::Arc;

use jiff::Timestamp as Instant;
use mcp_orchestrator_domain::{
    Evidence, GateMode, ModelName, Money, PatternName, ProviderName, Report, Span, Spent, StepId, Timestamp, Usage,
    WorkflowId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Costs;

/// A report with everything needed to read and to verify it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Document {
    /// The version of this shape: [`Document::SCHEMA`].
    pub schema: u16,
    /// The workflow that made it.
    pub id: WorkflowId,
    /// The title: one line.
    pub title: String,
    /// The task.
    pub task: String,
    /// When it was made.
    #[serde(serialize_with = "write_instant", deserialize_with = "read_instant")]
    pub generated: Timestamp,
    /// The strategy.
    pub pattern: PatternName,
    /// Who answered.
    pub provider: Option<ProviderName>,
    /// The models that answered, each once.
    #[serde(default)]
    pub models: Vec<ModelName>,
    /// Who wrote the sentences.
    pub written_by: Writer,
    /// How strict the gate was.
    #[serde(default)]
    pub gate: GateMode,
    /// What became of the sentences.
    pub counts: Counts,
    /// What it took.
    #[serde(serialize_with = "write_spent", deserialize_with = "read_spent")]
    pub spent: Spent,
    /// What each sentence cost; `None` when nothing was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
    /// Agents that failed, so that a reader knows what was not looked at.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// What happened on the way that a reader should know, a sentence each: which branch was taken, whether passes
    /// converged, whose answer was cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The report.
    pub report: Report,
    /// The cited spans: number 1 is the first. See [`cited_spans`].
    pub evidence: Vec<Arc<Span>>,
}

impl Document {
    /// The version of the shape.
    pub const SCHEMA: u16 = 1;
}

/// Who wrote the sentences of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a closed choice")]
pub enum Writer {
    /// A language model.
    Model,
    /// No model: sentences are quotes.
    Extractive,
}

/// An agent that failed, or a step that did not run because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Gap {
    /// Its step.
    pub step: StepId,
    /// What it was to find out.
    pub task: String,
    /// Why it failed.
    pub reason: String,
}

/// What became of a report's sentences at the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a plain sum")]
pub struct Counts {
    /// Sentences whose citations were all proved.
    pub proved: u32,
    /// Sentences marked as unverified.
    pub marked: u32,
    /// Sentences dropped.
    pub dropped: u32,
}

/// The spans a report cites, each once, in the order of their first citation. Ids without a span are left out.
#[must_use]
pub fn cited_spans(report: &Report, evidence: &dyn Evidence) -> Vec<Arc<Span>> {
    report.cited().iter().filter_map(|id| evidence.span(id)).cloned().map(Arc::new).collect()
}

/// An instant as `2026-11-23T15:42:50.123Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    let ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    Instant::from_millisecond(ms).unwrap_or(Instant::MAX).to_string()
}

fn write_instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&instant(*at))
}

fn read_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let instant: Instant = text.parse().map_err(serde::de::Error::custom)?;
    u64::try_from(instant.as_millisecond()).map(Timestamp::from_millis).map_err(serde::de::Error::custom)
}

/// Spending as documents show it: a total that is null as soon as one call's cost is unknown.
#[derive(Serialize, Deserialize)]
struct SpentShape {
    cost_usd: Option<f64>,
    known_cost_pico_usd: Money,
    unknown_cost_calls: u32,
    /// How many of the known ones are estimates.
    #[serde(default, skip_serializing_if = "is_none")]
    estimated_cost_calls: u32,
    calls: u32,
    model_calls: u32,
    #[serde(with = "UsageShape")]
    usage: Usage,
}

/// Tokens as documents show them: every counter, zeros too.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Usage")]
struct UsageShape {
    input: u64,
    cached: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

fn write_spent<S: Serializer>(spent: &Spent, serializer: S) -> Result<S::Ok, S::Error> {
    let Spent { cost, unknown_cost_calls, estimated_cost_calls, usage, calls, model_calls } = *spent;
    let cost_usd = spent.total_cost().map(Money::usd);
    let known_cost_pico_usd = cost;
    SpentShape { cost_usd, known_cost_pico_usd, unknown_cost_calls, estimated_cost_calls, calls, model_calls, usage }
        .serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
const fn is_none(number: &u32) -> bool {
    *number == 0
}

fn read_spent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spent, D::Error> {
    let shape = SpentShape::deserialize(deserializer)?;
    Ok(Spent {
        cost: shape.known_cost_pico_usd,
        unknown_cost_calls: shape.unknown_cost_calls,
        estimated_cost_calls: shape.estimated_cost_calls,
        usage: shape.usage,
        calls: shape.calls,
        model_calls: shape.model_calls,
    })
}
