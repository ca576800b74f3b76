//! What each client event carries. Owns the payload fields and their units; when an event is given is decided in `table`.

use mcp_orchestrator_domain::{
    Abandoned, CallNo, Cost, DocumentFormat, FailureClass, Money, Outcome, PatternName, Progress, ProviderName, Role,
    Seq, Stage, Status, StepId, StepUsage, Timestamp, ToolName, WorkflowId,
};
use serde::{Serialize, Serializer};

use crate::{ClientEventType, Rfc3339};

/// The payload of a client event. Serializes as the fields alone: the name is in the envelope.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ClientData {
    /// `workflow_start`
    WorkflowStart {
        /// What is asked.
        task: String,
        /// The title.
        title: String,
        /// The strategy.
        pattern: PatternName,
        /// How many agents are asked for.
        agents: u16,
        /// Who answers.
        provider: Option<ProviderName>,
    },
    /// `workflow_forked`: the events that follow with an earlier timestamp are those of the history taken over.
    WorkflowForked {
        /// Whose history it goes on from, and up to where.
        forked_from: ForkedAt,
        /// Steps that had failed there and are open again.
        reopened: Vec<StepId>,
    },
    /// `decomposition_start`
    DecompositionStart {
        /// How many sub-tasks are asked for.
        requested: u32,
    },
    /// `decomposition_complete`
    DecompositionComplete {
        /// How many sub-tasks the plan lists, at most as many as were asked for; null when it lists none that can be
        /// read here. What runs is told by `agent_start`.
        subtask_count: Option<usize>,
        /// The sub-tasks in order.
        subtasks: Vec<Subtask>,
        /// Whether the token limit cut the plan; left out when it is whole.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
        /// What planning used.
        #[serde(flatten)]
        used: Used,
    },
    /// `agent_start`
    AgentStart {
        /// Which agent.
        #[serde(flatten)]
        agent: AgentFacts,
        /// The tools it may call.
        tools: Vec<ToolName>,
    },
    /// `agent_progress`
    AgentProgress(Activity),
    /// `agent_complete`
    AgentComplete {
        /// Which agent.
        #[serde(flatten)]
        agent: AgentFacts,
        /// Whether the token limit cut its answer; left out when it is whole.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
        /// What it used.
        #[serde(flatten)]
        used: Used,
    },
    /// `agent_error`
    AgentError {
        /// Which step, as it was planned.
        #[serde(flatten)]
        agent: AgentFacts,
        /// Why, in words.
        error: String,
        /// Why, to branch on.
        class: FailureClass,
        /// What it used all the same.
        #[serde(flatten)]
        used: Used,
    },
    /// `iteration_start`
    IterationStart {
        /// Which pass, from 1.
        iteration: u16,
        /// How many there may be.
        max_iterations: u16,
    },
    /// `iteration_complete`
    IterationComplete {
        /// Which pass, from 1.
        iteration: u16,
        /// How many there may be.
        max_iterations: u16,
        /// Whether it was enough.
        success: bool,
        /// Why, in words.
        reason: String,
    },
    /// `synthesis_start`
    SynthesisStart {
        /// `drummer` merges a group, `camina` writes the report, `editor` repairs it; else the strategy's own name.
        level: String,
        /// How many results it reads.
        input_count: usize,
        /// Whose results it reads.
        inputs: Vec<StepId>,
    },
    /// `synthesis_complete`
    SynthesisComplete {
        /// As in `synthesis_start`.
        level: String,
        /// The length of its text in characters, when the text is in the log itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        synthesis_length: Option<usize>,
        /// Whether the token limit cut its answer; left out when it is whole.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
        /// What it used.
        #[serde(flatten)]
        used: Used,
    },
    /// `input_requested`
    InputRequested {
        /// The question.
        question: String,
    },
    /// `workflow_poisoned`
    WorkflowPoisoned {
        /// How many workers in a row died of it.
        workers: u32,
        /// What that means and what can be done, in words.
        message: String,
    },
    /// `workflow_revived`
    WorkflowRevived {},
    /// `document_generation_start`
    DocumentGenerationStart {
        /// The formats.
        formats: Vec<DocumentFormat>,
    },
    /// `document_generation_complete`
    DocumentGenerationComplete {
        /// How many documents.
        document_count: usize,
        /// The documents.
        documents: Vec<DocumentFacts>,
    },
    /// `workflow_complete`
    WorkflowComplete {
        /// What kind of answer the report is.
        outcome: Outcome,
        /// Documents rendered.
        document_count: u32,
        /// Seconds since it first began to run.
        execution_time: f64,
        /// US dollars; null when unknown. Whether they are an estimate the event's `progress` says.
        total_cost: Option<f64>,
    },
    /// `workflow_error`
    WorkflowError {
        /// Why, in words.
        error: String,
        /// Why, to branch on.
        class: FailureClass,
        /// Seconds since it first began to run.
        execution_time: f64,
        /// US dollars; null when unknown. Whether they are an estimate the event's `progress` says.
        total_cost: Option<f64>,
    },
    /// `workflow_cancelled`
    WorkflowCancelled {
        /// Seconds since it first began to run.
        execution_time: f64,
        /// US dollars; null when unknown. Whether they are an estimate the event's `progress` says.
        total_cost: Option<f64>,
    },
    /// `stream_reset`
    StreamReset {},
    /// `stream_closed`
    StreamClosed {
        /// How the workflow ended; null when the stream was closed before.
        status: Option<Status>,
        /// Why nothing follows.
        reason: CloseReason,
    },
}

impl ClientData {
    /// The name of the event that carries it.
    #[must_use]
    pub const fn event_type(&self) -> ClientEventType {
        match self {
            Self::WorkflowStart { .. } => ClientEventType::WorkflowStart,
            Self::WorkflowForked { .. } => ClientEventType::WorkflowForked,
            Self::DecompositionStart { .. } => ClientEventType::DecompositionStart,
            Self::DecompositionComplete { .. } => ClientEventType::DecompositionComplete,
            Self::AgentStart { .. } => ClientEventType::AgentStart,
            Self::AgentProgress(_) => ClientEventType::AgentProgress,
            Self::AgentComplete { .. } => ClientEventType::AgentComplete,
            Self::AgentError { .. } => ClientEventType::AgentError,
            Self::IterationStart { .. } => ClientEventType::IterationStart,
            Self::IterationComplete { .. } => ClientEventType::IterationComplete,
            Self::SynthesisStart { .. } => ClientEventType::SynthesisStart,
            Self::SynthesisComplete { .. } => ClientEventType::SynthesisComplete,
            Self::InputRequested { .. } => ClientEventType::InputRequested,
            Self::WorkflowPoisoned { .. } => ClientEventType::WorkflowPoisoned,
            Self::WorkflowRevived {} => ClientEventType::WorkflowRevived,
            Self::DocumentGenerationStart { .. } => ClientEventType::DocumentGenerationStart,
            Self::DocumentGenerationComplete { .. } => ClientEventType::DocumentGenerationComplete,
            Self::WorkflowComplete { .. } => ClientEventType::WorkflowComplete,
            Self::WorkflowError { .. } => ClientEventType::WorkflowError,
            Self::WorkflowCancelled { .. } => ClientEventType::WorkflowCancelled,
            Self::StreamReset {} => ClientEventType::StreamReset,
            Self::StreamClosed { .. } => ClientEventType::StreamClosed,
        }
    }
}

/// A place in the log of another workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ForkedAt {
    /// The other workflow.
    pub task_id: WorkflowId,
    /// The last of its positions that was taken over.
    pub at: Seq,
}

/// Why a stream gives nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseReason {
    /// The workflow has ended.
    Ended,
    /// Whoever served the stream stops. The workflow goes on, and so does a stream elsewhere that begins at the id of this
    /// event.
    Shutdown,
}

/// What happened inside a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "activity", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activity {
    /// A model or a tool is about to be asked.
    CallStarted {
        /// The call's number in the workflow.
        call: CallNo,
        /// The agent's turn, from 0.
        turn: u16,
        /// 1 for the first try.
        attempt: u16,
        /// Whom it asks.
        target: CallTarget,
        /// The call beside which it is made, because that one takes long; left out otherwise.
        #[serde(skip_serializing_if = "Option::is_none")]
        hedges: Option<CallNo>,
    },
    /// It answered.
    CallCompleted {
        /// The call.
        call: CallNo,
        /// Whether a tool reported that it failed.
        is_error: bool,
        /// Pieces of evidence found.
        evidence: usize,
        /// Seconds spent waiting for permission to run.
        parked_time: f64,
        /// What the call used.
        #[serde(flatten)]
        used: Used,
    },
    /// It failed.
    CallFailed {
        /// The call.
        call: CallNo,
        /// Why, in words.
        error: String,
        /// Why, to branch on.
        class: FailureClass,
        /// When it is tried again; null: never.
        #[serde(serialize_with = "rfc3339_or_null")]
        retry_at: Option<Timestamp>,
        /// What the call used all the same.
        #[serde(flatten)]
        used: Used,
    },
    /// Nobody waits for it any more.
    CallAbandoned {
        /// The call.
        call: CallNo,
        /// Why.
        reason: Abandoned,
    },
    /// The citation gate looked at the report.
    ReportChecked {
        /// What kind of answer remains.
        outcome: Outcome,
        /// Sentences proved.
        proved: u32,
        /// Sentences marked as unverified.
        marked: u32,
        /// Sentences dropped.
        dropped: u32,
        /// Problems given back for repair.
        repairs: usize,
    },
    /// A person answered.
    InputGiven {},
    /// A branch was chosen.
    BranchSelected {
        /// Its key.
        selected_branch: String,
        /// Why, in words.
        reason: String,
    },
}

/// Whom a call asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallTarget {
    /// A model; null is the provider's default one.
    Model {
        /// Its provider.
        provider: ProviderName,
        /// The model.
        model: Option<mcp_orchestrator_domain::ModelName>,
    },
    /// A tool.
    Tool {
        /// The tool.
        name: ToolName,
    },
}

/// A step as it was planned. A failed one keeps all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgentFacts {
    /// The step: the same as the event's `agent_id`.
    pub subtask_id: StepId,
    /// The sub-task in words.
    pub description: String,
    /// `worker`, `synthesizer`, `executive`, `monitor`, `specialized` or `planner`.
    pub agent_type: &'static str,
    /// What it specialises in, for example `research` or `news`.
    pub specialization: String,
    /// The stage it belongs to.
    pub stage: Stage,
}

impl AgentFacts {
    pub(crate) fn new(step: &StepId, role: &Role, stage: Stage, description: &str) -> Self {
        Self {
            subtask_id: step.clone(),
            description: description.to_owned(),
            agent_type: role.agent_type(),
            specialization: specialization(role).to_owned(),
            stage,
        }
    }
}

fn specialization(role: &Role) -> &str {
    match role {
        Role::Planner => "decomposition",
        Role::Researcher => "research",
        Role::Searcher(kind) => kind.as_str(),
        Role::Synthesizer | Role::Executive => "synthesis",
        Role::Monitor => "citations",
        Role::Editor => "repair",
        Role::Custom(name) => name,
        // A part this version does not know has its type only.
        _ => role.agent_type(),
    }
}

/// A sub-task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Subtask {
    /// What is to be found out.
    pub description: String,
}

/// What something used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Used {
    /// Seconds its calls ran; waits are not counted.
    pub execution_time: f64,
    /// US dollars; null when unknown.
    pub cost: Option<f64>,
    /// Whether that is an estimate. Left out when it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
    /// Tokens, prompts and completions.
    pub tokens: u64,
}

impl From<StepUsage> for Used {
    fn from(used: StepUsage) -> Self {
        Self {
            execution_time: seconds(used.run_ms),
            cost: used.cost.known().map(Money::usd),
            cost_is_estimate: used.cost.is_estimate(),
            tokens: used.usage.total(),
        }
    }
}

impl Used {
    pub(crate) fn by_call(usage: mcp_orchestrator_domain::Usage, cost: Cost, run_ms: u64) -> Self {
        Self::from(StepUsage { usage, cost, run_ms })
    }
}

/// A rendered document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DocumentFacts {
    /// Its file name.
    pub name: String,
    /// Its format.
    pub format: DocumentFormat,
    /// Its size.
    pub bytes: u64,
}

/// How long a workflow has run, in seconds.
pub(crate) fn execution_time(progress: &Progress) -> f64 {
    seconds(progress.elapsed_ms)
}

/// What a workflow has cost, in US dollars.
pub(crate) fn total_cost(progress: &Progress) -> Option<f64> {
    progress.cost().map(Money::usd)
}

pub(crate) fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

fn rfc3339_or_null<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(Rfc3339).serialize(serializer)
}
