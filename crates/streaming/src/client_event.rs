//! One event as every client sees it: SSE, NDJSON, webhooks. Owns the envelope and the names; the payloads are in `data`.

use std::fmt;

use mcp_orchestrator_domain::{Progress, Stage, StepId, Timestamp, WorkflowId};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{ClientData, Cursor, Rfc3339};

/// Something a client is told.
///
/// As JSON: `{id, event_type, task_id, timestamp, data, agent_id, progress}`, the timestamp in UTC with milliseconds,
/// `agent_id` null when the event is about no single step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientEvent {
    /// Where the reader stands after it: the id of an SSE event.
    pub id: Cursor,
    /// The workflow.
    pub task_id: WorkflowId,
    /// When it happened, by the clock of who wrote the record.
    pub timestamp: Timestamp,
    /// What happened.
    pub data: ClientData,
    /// The step it is about.
    pub agent_id: Option<StepId>,
    /// How far the workflow was after it.
    pub progress: ClientProgress,
}

impl ClientEvent {
    /// Its name.
    #[must_use]
    pub const fn event_type(&self) -> ClientEventType {
        self.data.event_type()
    }
}

impl Serialize for ClientEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("ClientEvent", 7)?;
        event.serialize_field("id", &self.id)?;
        event.serialize_field("event_type", &self.event_type())?;
        event.serialize_field("task_id", &self.task_id)?;
        event.serialize_field("timestamp", &Rfc3339(self.timestamp))?;
        event.serialize_field("data", &self.data)?;
        event.serialize_field("agent_id", &self.agent_id)?;
        event.serialize_field("progress", &self.progress)?;
        event.end()
    }
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The name of a client event: the `event:` field of SSE and the type of a webhook.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ClientEventType {
            $($(#[$doc])* $variant,)*
        }

        impl ClientEventType {
            /// Every name, in the order in which a workflow gives them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on every wire, for example `agent_start`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// A workflow exists.
    WorkflowStart = "workflow_start",
    /// It goes on from another workflow's history.
    WorkflowForked = "workflow_forked",
    /// The task is being broken into sub-tasks.
    DecompositionStart = "decomposition_start",
    /// The sub-tasks are known.
    DecompositionComplete = "decomposition_complete",
    /// An agent has its sub-task.
    AgentStart = "agent_start",
    /// Something happened inside a step.
    AgentProgress = "agent_progress",
    /// An agent is done.
    AgentComplete = "agent_complete",
    /// A step failed.
    AgentError = "agent_error",
    /// A pass of an iterative strategy begins.
    IterationStart = "iteration_start",
    /// A pass of an iterative strategy is over.
    IterationComplete = "iteration_complete",
    /// Results are being merged.
    SynthesisStart = "synthesis_start",
    /// Results are merged.
    SynthesisComplete = "synthesis_complete",
    /// A person is asked.
    InputRequested = "input_requested",
    /// Worker after worker died of the workflow: nobody runs it until it is resumed or cancelled.
    WorkflowPoisoned = "workflow_poisoned",
    /// Somebody had it tried again.
    WorkflowRevived = "workflow_revived",
    /// Documents are being rendered.
    DocumentGenerationStart = "document_generation_start",
    /// Documents are rendered.
    DocumentGenerationComplete = "document_generation_complete",
    /// The workflow ended well.
    WorkflowComplete = "workflow_complete",
    /// The workflow failed.
    WorkflowError = "workflow_error",
    /// The workflow was cancelled.
    WorkflowCancelled = "workflow_cancelled",
    /// The position asked for does not exist: what was seen is void and everything follows again.
    StreamReset = "stream_reset",
    /// Nothing follows.
    StreamClosed = "stream_closed",
}

impl fmt::Display for ClientEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ClientEventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How far a workflow is, as clients see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClientProgress {
    /// Where it is.
    pub stage: Stage,
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
    /// Whether these are an estimate: the services did not say what each call cost. Left out when they are not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_estimate: bool,
    /// Tokens used, prompts and completions.
    pub tokens: u64,
}

impl From<&Progress> for ClientProgress {
    fn from(progress: &Progress) -> Self {
        Self {
            stage: progress.stage,
            completed_agents: progress.completed_agents,
            failed_agents: progress.failed_agents,
            total_agents: progress.total_agents,
            percent: progress.percent,
            cost_usd: progress.cost().map(mcp_orchestrator_domain::Money::usd),
            cost_is_estimate: progress.spent.is_estimate(),
            tokens: progress.spent.usage.total(),
        }
    }
}
