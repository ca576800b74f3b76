//! What is written to a workflow's log. Owns the persisted shapes: a change here needs a new version and a golden file.

mod kind;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    CallNo, Cost, Digest, Failure, Finding, Money, Outcome, Principal, Progress, ProviderName, Request, RequestId, Seq,
    Span, StepFacts, StepId, StepSpec, Timestamp, ToolName, Usage, WorkflowId, money::is_zero,
};

/// One entry of a log before the store has numbered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the persisted envelope")]
pub struct Record {
    /// When it happened, by the writer's clock.
    pub at: Timestamp,
    /// How far the workflow was after it.
    pub progress: Progress,
    /// What happened.
    pub event: Event,
}

/// One numbered entry of a log.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Recorded {
    /// Its position: 1, 2, 3 …
    pub seq: Seq,
    /// The entry, shared by all its readers.
    pub record: Arc<Record>,
}

/// What happened. The version of these shapes is [`Event::VERSION`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "every reader must handle each; a new one is a new version")]
pub enum Event {
    /// A workflow exists.
    Submitted(Box<Submitted>),
    /// What came before was taken over from another workflow; failed steps are open again.
    Forked(Forked),
    /// A worker began.
    Started(Started),
    /// A strategy planned a step.
    StepPlanned(Arc<StepSpec>),
    /// A call is about to be made. Durable before the call.
    CallStarted(CallStarted),
    /// A call was answered. Durable before anyone hears of it.
    CallCompleted(Box<CallCompleted>),
    /// A call failed.
    CallFailed(CallFailed),
    /// Nobody waits for a call any more.
    CallAbandoned(CallAbandoned),
    /// A step ended well.
    StepCompleted(StepCompleted),
    /// A step failed.
    StepFailed(StepFailed),
    /// A person is asked.
    InputRequested(InputRequested),
    /// A person answered.
    InputGiven(InputGiven),
    /// A moment a strategy asked for has come.
    TimerFired(TimerFired),
    /// Worker after worker died of it: nobody runs it until somebody wants it to be tried again.
    Poisoned(Poisoned),
    /// Somebody wants it to be tried again.
    Revived(Revived),
    /// Somebody wants it cancelled.
    CancelRequested(CancelRequested),
    /// The citation gate looked at a report.
    ReportChecked(Box<ReportChecked>),
    /// Documents were rendered.
    DocumentsWritten(DocumentsWritten),
    /// It ended well. Terminal.
    Completed(Completed),
    /// It failed. Terminal.
    Failed(Failed),
    /// It was cancelled. Terminal.
    Cancelled(Cancelled),
}

impl Event {
    /// The version of the persisted shapes.
    pub const VERSION: u16 = 1;
}

/// See [`Event::Submitted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Submitted {
    /// The parsed request.
    pub request: Request,
    /// Whose it is.
    pub principal: Principal,
    /// What everything that looks random is derived from, fences included.
    pub seed: u64,
    /// The version of the strategy that plans it.
    pub strategy_version: u32,
    /// The request it came in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// See [`Event::Forked`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Forked {
    /// The workflow it continues.
    pub from: WorkflowId,
    /// The last record taken over.
    pub at: Seq,
    /// Steps that had failed there and are open again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopened: Vec<StepId>,
}

/// See [`Event::Started`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Started {
    /// When the workflow's time is up.
    pub deadline: Timestamp,
    /// Whether it had begun before: another worker takes over, and the time nobody worked is added to the deadline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumed: bool,
}

/// Whom a call asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum Target {
    /// A model.
    Model {
        /// Its provider.
        provider: ProviderName,
        /// The model; `None` is the provider's default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<crate::ModelName>,
    },
    /// A tool.
    Tool {
        /// The tool.
        name: ToolName,
        /// The id of the model's tool call it answers; empty for a step that is a tool call itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        call_id: String,
    },
}

/// What is set aside for a call before it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Reserved {
    /// Tokens: the prompt's estimate and the completion's limit.
    pub tokens: u64,
    /// Money at most; `None` when no price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

/// See [`Event::CallStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct CallStarted {
    /// Its number, dense from 0.
    pub call: CallNo,
    /// The step it belongs to.
    pub step: StepId,
    /// The agent's turn, from 0: a model call and the tool calls it asked for share one.
    pub turn: u16,
    /// The position among the turn's tool calls; 0 for a model call.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub position: u16,
    /// 1 for the first try of this turn's call.
    pub attempt: u16,
    /// Whom it asks.
    pub target: Target,
    /// The same for every attempt of the same call, unique otherwise: `workflow/step/turn` and the tool call's position. A
    /// hedge has a key of its own, so that no service takes the two for one request.
    pub idempotency_key: String,
    /// What is set aside.
    pub reserved: Reserved,
    /// The open call of the same turn that takes long, if this one is made beside it: the first answer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedges: Option<CallNo>,
}

/// A text of the log: in place when short, else in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a persisted shape")]
pub enum Payload {
    /// In place; at most [`Payload::INLINE_MAX`] bytes.
    Inline(Arc<str>),
    /// In the blob store of the workflow's principal.
    Blob(BlobRef),
}

impl Payload {
    /// The longest text kept in place, in bytes.
    pub const INLINE_MAX: usize = 32 * 1024;
}

/// A blob by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct BlobRef {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// How many bytes.
    pub bytes: u64,
}

/// See [`Event::CallCompleted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct CallCompleted {
    /// Which call.
    pub call: CallNo,
    /// The step it belongs to, so that a reader of this record alone can say whose call it was.
    pub step: StepId,
    /// The answer: a model's [`crate::Reply`] as JSON, or a tool's content as it is shown to the model.
    pub output: Payload,
    /// Whether a tool reported that it failed; the agent is told and goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// Tokens.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub usage: Usage,
    /// Cost.
    pub cost: Cost,
    /// Evidence a tool found. Its snapshots are blobs, stored before this record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Arc<Span>>,
    /// Time spent waiting for permission to run, in milliseconds. Not counted as the agent's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parked_ms: u64,
    /// Time it ran, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub run_ms: u64,
}

/// See [`Event::CallFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct CallFailed {
    /// Which call.
    pub call: CallNo,
    /// The step it belongs to, so that a reader of this record alone can say whose call it was.
    pub step: StepId,
    /// Why.
    pub failure: Failure,
    /// What it cost all the same.
    pub cost: Cost,
    /// Tokens it used all the same.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub usage: Usage,
    /// When it may be tried again; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// Time it ran, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub run_ms: u64,
}

/// See [`Event::CallAbandoned`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct CallAbandoned {
    /// Which call.
    pub call: CallNo,
    /// The step it belongs to, so that a reader of this record alone can say whose call it was.
    pub step: StepId,
    /// Why.
    pub reason: Abandoned,
    /// What it cost, where that is known: it was answered, but too late.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost: Cost,
    /// Tokens it is known to have used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub usage: Usage,
    /// Time it ran until then, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub run_ms: u64,
}

impl CallAbandoned {
    /// A call of which nobody knows what it cost and how long it ran.
    #[must_use]
    pub const fn new(call: CallNo, step: StepId, reason: Abandoned) -> Self {
        let usage = Usage { input: 0, cached: 0, cache_write: 0, output: 0, reasoning: 0 };
        Self { call, step, reason, cost: Cost::Unknown, usage, run_ms: 0 }
    }
}

/// Why nobody waits for a call any more. It may have been paid for; its cost counts as unknown unless it is known or the target is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Abandoned {
    /// The other one of a call and its hedge was faster.
    Hedge,
    /// The process that made it is gone.
    Crash,
    /// The workflow was cancelled.
    Cancel,
    /// The process that made it shuts down in order.
    Shutdown,
    /// Its step or workflow ended without it.
    Stopped,
}

impl Abandoned {
    /// The reason as written in logs and on wires, for example `hedge`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hedge => "hedge",
            Self::Crash => "crash",
            Self::Cancel => "cancel",
            Self::Shutdown => "shutdown",
            Self::Stopped => "stopped",
        }
    }
}

/// See [`Event::StepCompleted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct StepCompleted {
    /// Which step.
    pub step: StepId,
    /// What it was and used, so that a reader needs no earlier record.
    pub facts: StepFacts,
    /// What it wrote.
    pub output: StepOutput,
    /// Whether the token limit cut what it wrote, also when it was asked for it once more: the end is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// What a step wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a persisted shape")]
pub enum StepOutput {
    /// The answer of this call of it.
    Call(CallNo),
    /// This text; for steps whose output the strategy reads.
    Inline(Arc<str>),
    /// The report of its [`Event::ReportChecked`].
    Report,
}

/// See [`Event::StepFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct StepFailed {
    /// Which step.
    pub step: StepId,
    /// What it was and used, so that a reader needs no earlier record.
    pub facts: StepFacts,
    /// Why.
    pub failure: Failure,
}

/// See [`Event::InputRequested`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct InputRequested {
    /// The asking step.
    pub step: StepId,
    /// The question.
    pub question: String,
}

/// See [`Event::InputGiven`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct InputGiven {
    /// The asking step.
    pub step: StepId,
    /// The answer.
    pub answer: String,
}

/// See [`Event::TimerFired`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct TimerFired {
    /// The moment that was asked for.
    pub due: Timestamp,
}

/// See [`Event::Poisoned`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Poisoned {
    /// How many workers in a row died while they ran it, without anything settled between.
    pub workers: u32,
}

/// See [`Event::Revived`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Revived {}

/// See [`Event::CancelRequested`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct CancelRequested {
    /// Why, in the words of who asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// See [`Event::ReportChecked`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct ReportChecked {
    /// The step that checked.
    pub step: StepId,
    /// The report that remains: a [`crate::Report`] as JSON.
    pub report: Payload,
    /// What kind of answer remains.
    pub outcome: Outcome,
    /// Sentences whose citations were all proved.
    pub proved: u32,
    /// Sentences marked as unverified.
    pub marked: u32,
    /// Sentences dropped.
    pub dropped: u32,
    /// What an editor should repair; empty when nothing failed or no repair is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Finding>,
}

/// See [`Event::DocumentsWritten`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct DocumentsWritten {
    /// The documents.
    pub documents: Vec<DocumentRef>,
}

/// A rendered document in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct DocumentRef {
    /// A safe file name with its extension.
    pub name: String,
    /// The format.
    pub format: crate::DocumentFormat,
    /// Its bytes.
    pub blob: BlobRef,
}

/// See [`Event::Completed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Completed {
    /// The check step whose report is the result.
    pub report: StepId,
    /// What kind of answer it is.
    pub outcome: Outcome,
}

/// See [`Event::Failed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Failed {
    /// Why.
    pub failure: Failure,
}

/// See [`Event::Cancelled`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct Cancelled {}
