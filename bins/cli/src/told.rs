//! A client event as this command reads it, whoever tells it: the engine in this process or a server of any version. Owns
//! which parts of events matter here; what is not known is passed on as it came.

use mcp_orchestrator_api::view::ProgressView;
use mcp_orchestrator_streaming::ClientEvent;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Something that happened in a workflow.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Where a reader stands after it; empty when it has no place.
    pub(crate) id: String,
    pub(crate) kind: String,
    /// UTC, RFC 3339.
    pub(crate) timestamp: String,
    pub(crate) agent: Option<String>,
    pub(crate) progress: Option<ProgressView>,
    pub(crate) data: Data,
    /// The whole of it as one line of JSON.
    pub(crate) json: String,
}

/// What this command says of events.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    WorkflowForked {
        /// Whose history it has.
        from: String,
        at: u64,
    },
    DecompositionComplete {
        subtask_count: Option<usize>,
    },
    AgentStart {
        description: String,
    },
    AgentComplete(Used),
    AgentError {
        error: String,
        used: Used,
    },
    SynthesisStart {
        level: String,
        input_count: usize,
    },
    SynthesisComplete(Used),
    IterationComplete {
        iteration: u16,
        max_iterations: u16,
        success: bool,
        reason: String,
    },
    InputRequested {
        question: String,
    },
    /// Nobody runs it until it is resumed.
    WorkflowPoisoned {
        message: String,
    },
    WorkflowRevived,
    WorkflowComplete {
        outcome: String,
    },
    Activity(Activity),
    /// Nothing follows: the workflow has ended, or who told it stops.
    Closed {
        reason: Option<String>,
    },
    /// Known by its name only.
    Other,
}

/// What happened inside a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "activity", rename_all = "snake_case")]
pub(crate) enum Activity {
    CallStarted {
        turn: u16,
        attempt: u16,
        target: Target,
    },
    CallFailed {
        error: String,
        retry_at: Option<String>,
    },
    ReportChecked {
        proved: u32,
        marked: u32,
        dropped: u32,
        repairs: usize,
    },
    BranchSelected {
        selected_branch: String,
        reason: String,
    },
    #[serde(other)]
    Other,
}

/// Whom a call asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Target {
    Model {},
    Tool {
        name: String,
    },
    #[serde(other)]
    Other,
}

/// What something used.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Used {
    /// Seconds.
    pub(crate) execution_time: f64,
    /// US dollars; `None` when unknown.
    pub(crate) cost: Option<f64>,
    /// Whether that is an estimate.
    #[serde(default)]
    pub(crate) cost_is_estimate: bool,
    pub(crate) tokens: u64,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<String>,
    event_type: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    progress: Option<ProgressView>,
}

impl Told {
    /// Reads an event from its JSON.
    ///
    /// # Errors
    /// What is no event.
    pub(crate) fn parse(json: &str) -> serde_json::Result<Self> {
        let Envelope { id, event_type, timestamp, data, agent_id, progress } = serde_json::from_str(json)?;
        Ok(Self {
            id: id.unwrap_or_default(),
            data: Data::of(&event_type, data),
            kind: event_type,
            timestamp,
            agent: agent_id,
            progress,
            // Line ends are only between the words of a JSON text, where a space means the same.
            json: json.replace(['\n', '\r'], " "),
        })
    }

    /// An event of this process, by the same words as one of a server.
    ///
    /// # Errors
    /// None that is known: every event has a JSON form.
    pub(crate) fn here(event: &ClientEvent) -> serde_json::Result<Self> {
        Self::parse(&serde_json::to_string(event)?)
    }

    /// Whether the workflow has ended and nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        matches!(&self.data, Data::Closed { reason } if reason.as_deref() != Some("shutdown"))
    }

    /// Whether who told it stops, while the workflow goes on.
    pub(crate) fn is_shutdown(&self) -> bool {
        matches!(&self.data, Data::Closed { reason } if reason.as_deref() == Some("shutdown"))
    }
}

impl Data {
    fn of(kind: &str, data: Value) -> Self {
        let read = match kind {
            "workflow_forked" => {
                read(data).map(|Forked { forked_from: At { task_id, at } }| Self::WorkflowForked { from: task_id, at })
            }
            "decomposition_complete" => {
                read(data).map(|Subtasks { subtask_count }| Self::DecompositionComplete { subtask_count })
            }
            "agent_start" => read(data).map(|Started { description }| Self::AgentStart { description }),
            "agent_complete" => read(data).map(Self::AgentComplete),
            "agent_error" => read(data).map(|Failed { error, used }| Self::AgentError { error, used }),
            "agent_progress" => read(data).map(Self::Activity),
            "synthesis_start" => {
                read(data).map(|Merging { level, input_count }| Self::SynthesisStart { level, input_count })
            }
            "synthesis_complete" => read(data).map(Self::SynthesisComplete),
            "iteration_complete" => read(data).map(|Pass { iteration, max_iterations, success, reason }| {
                Self::IterationComplete { iteration, max_iterations, success, reason }
            }),
            "input_requested" => read(data).map(|Asked { question }| Self::InputRequested { question }),
            "workflow_poisoned" => read(data).map(|HeldBack { message }| Self::WorkflowPoisoned { message }),
            "workflow_revived" => Some(Self::WorkflowRevived),
            "workflow_complete" => read(data).map(|Completed { outcome }| Self::WorkflowComplete { outcome }),
            "stream_closed" => read(data).map(|Closed { reason }| Self::Closed { reason }),
            _ => None,
        };
        read.unwrap_or(Self::Other)
    }
}

/// What does not have the shape it should is like an event that is not known.
fn read<T: DeserializeOwned>(data: Value) -> Option<T> {
    serde_json::from_value(data).ok()
}

#[derive(Deserialize)]
struct Forked {
    forked_from: At,
}

#[derive(Deserialize)]
struct At {
    task_id: String,
    at: u64,
}

#[derive(Deserialize)]
struct Subtasks {
    subtask_count: Option<usize>,
}

#[derive(Deserialize)]
struct Started {
    description: String,
}

#[derive(Deserialize)]
struct Failed {
    error: String,
    #[serde(flatten)]
    used: Used,
}

#[derive(Deserialize)]
struct Merging {
    level: String,
    input_count: usize,
}

#[derive(Deserialize)]
struct Pass {
    iteration: u16,
    max_iterations: u16,
    success: bool,
    reason: String,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
}

#[derive(Deserialize)]
struct HeldBack {
    message: String,
}

#[derive(Deserialize)]
struct Completed {
    outcome: String,
}

#[derive(Deserialize)]
struct Closed {
    #[serde(default)]
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{Data, Told};

    #[test]
    fn events_of_another_version_are_passed_on_as_they_came() {
        let json = r#"{"id":"0-7-0","event_type":"agent_sang","task_id":"t","timestamp":"now","data":{"z":1,"a":2},"more":[1]}"#;
        let told = Told::parse(json).unwrap();
        assert!(matches!(told.data, Data::Other));
        assert_eq!((told.json.as_str(), told.kind.as_str(), told.id.as_str()), (json, "agent_sang", "0-7-0"));
        let odd = Told::parse(r#"{"event_type":"agent_start","data":{"description":5},"progress":null}"#).unwrap();
        assert!(matches!(odd.data, Data::Other));
        assert!(Told::parse("[]").is_err());
    }

    #[test]
    fn only_an_ended_workflow_is_over() {
        let closed = |data: &str| Told::parse(&format!(r#"{{"event_type":"stream_closed","data":{data}}}"#)).unwrap();
        assert!(closed(r#"{"status":"completed"}"#).is_last());
        assert!(closed(r#"{"status":"completed","reason":"ended"}"#).is_last());
        let stopped = closed(r#"{"reason":"shutdown"}"#);
        assert!(stopped.is_shutdown() && !stopped.is_last());
    }
}
