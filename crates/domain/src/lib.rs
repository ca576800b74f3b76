//! The pure domain of `mcp-orchestrator`: what a workflow is, what may happen to it, and what proves a sentence.
//!
//! Nothing here reads a clock, makes randomness, does I/O, runs a task, or knows a vendor or a wire format. A workflow
//! is the fold of its log; time enters as a value.
//!
//! ```
//! use mcp_orchestrator_domain::{Limits, RequestDraft};
//!
//! let draft = RequestDraft {
//!     pattern: Some("research".into()),
//!     task: Some("How does a workflow survive a crash?".into()),
//!     ..RequestDraft::default()
//! };
//! let request = draft.parse(&Limits::default())?;
//! assert_eq!(request.pattern.as_str(), "beltalowda");
//! assert_eq!(request.agents, 8);
//! # Ok::<(), mcp_orchestrator_domain::InvalidRequest>(())
//! ```
//!
//! The feature `schema` adds `workflow_schema`, the JSON Schema of what can be written down; it is off by default.
//!
//! Start at [`Request`], [`Event`] and [`Workflow`]; [`gate`] is where citations are proved.
#![warn(clippy::wildcard_enum_match_arm)]

mod agent;
mod agent_type;
mod answer;
mod decision;
mod definition;
mod event;
mod evidence;
mod failure;
pub mod gate;
mod id;
mod image;
mod message;
mod money;
mod progress;
mod report;
mod request;
#[cfg(feature = "schema")]
mod schema;
mod step;
mod time;
mod workflow;

pub use agent::{Agent, AgentLimits, AgentNext, Unasked};
pub use agent_type::AgentType;
pub use answer::json_answer;
pub use decision::Decision;
pub use definition::{
    AgentWork, Branch, Condition, ConditionDraft, DefinedStep, Definition, Exhausted, Expectation, Flow, Is, Reference,
    StepDraft, Success, SuccessDraft, ToolWork, Unresolved, Verdict, Work, resolve,
};
pub use event::{
    Abandoned, BlobRef, CallAbandoned, CallCompleted, CallFailed, CallStarted, CancelRequested, Cancelled, Completed,
    DocumentRef, DocumentsWritten, Event, Failed, Forked, InputGiven, InputRequested, Payload, Poisoned, Record,
    Recorded, ReportChecked, Reserved, Revived, Started, StepCompleted, StepFailed, StepOutput, Submitted, Target,
    TimerFired,
};
pub use evidence::{Evidence, EvidenceSet, Source, Span, cited};
pub use failure::{Failure, FailureClass, Retry};
pub use gate::{Finding, GateMode, Problem};
pub use id::{
    CallNo, CorpusName, Digest, EvidenceId, InvalidName, ModelName, PatternName, Principal, ProviderName, RequestId,
    Seq, StepId, ToolName, WorkflowId,
};
pub use image::{Image, ImageRef, ImageType, InvalidImage};
pub use message::{AssistantMessage, FinishReason, Message, Reply, ToolCall, ToolResult, ToolSpec};
pub use money::{Cost, Money, Spent, Usage};
pub use progress::{Progress, Stage};
pub use report::{Block, Item, Mark, NOTHING_FOUND, Outcome, Report, Sentence};
pub use request::{
    BeltalowdaOptions, Budget, DocumentFormat, FieldError, InvalidRequest, Limits, Models, Request, RequestDraft,
    SearchDepth, SwarmOptions, Timeouts, changed_request, clean, clean_line, file_stem,
};
#[cfg(feature = "schema")]
pub use schema::workflow_schema;
pub use step::{Role, StepFacts, StepInput, StepKind, StepSpec, StepText, StepUsage, Tier};
pub use time::{Timestamp, millis};
pub use workflow::{
    Call, CallState, CheckSummary, Command, ForkedFrom, IllegalTransition, Rejected, Rule, Status, Step, StepState,
    Workflow, fork, fork_at_head, whole_plans,
};
