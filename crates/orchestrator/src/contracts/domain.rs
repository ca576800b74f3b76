//! What all contracts speak of: names, requests, messages, steps, evidence, money, the workflow and its log.
//!
//! [`Workflow`] is what a strategy reads, [`StepSpec`] what it plans; [`Message`], [`Reply`] and [`Failure`] are what a
//! provider takes and gives; [`Span`] is what a tool proves; [`Record`] is what a store keeps.

// Names.
pub use mcp_orchestrator_domain::{
    CallNo, CorpusName, Digest, EvidenceId, InvalidName, ModelName, PatternName, ProviderName, RequestId, Seq, StepId,
    ToolName,
};
// Requests.
pub use mcp_orchestrator_domain::{
    AgentType, BeltalowdaOptions, Budget, DocumentFormat, FieldError, GateMode, InvalidRequest, Limits, Models,
    Request, SearchDepth, SwarmOptions, Timeouts,
};
// Conversations.
pub use mcp_orchestrator_domain::{
    AssistantMessage, FinishReason, Image, ImageRef, ImageType, InvalidImage, Message, Reply, ToolCall, ToolResult,
    ToolSpec,
};
// What went wrong, and what it cost.
pub use mcp_orchestrator_domain::{Cost, Failure, FailureClass, Money, Rejected, Retry, Spent, Usage};
// Steps.
pub use mcp_orchestrator_domain::{Role, Stage, StepFacts, StepInput, StepKind, StepSpec, StepText, StepUsage, Tier};
// Evidence, and what its check found.
pub use mcp_orchestrator_domain::{Finding, Problem, Source, Span};
// The workflow, as it is folded from its log.
pub use mcp_orchestrator_domain::{
    Call, CallState, CheckSummary, ForkedFrom, IllegalTransition, Progress, Rule, Step, StepState, Timestamp, Workflow,
    changed_request,
};
// The log.
pub use mcp_orchestrator_domain::{
    Abandoned, BlobRef, CallAbandoned, CallCompleted, CallFailed, CallStarted, CancelRequested, Cancelled, Completed,
    DocumentRef, DocumentsWritten, Event, Failed, Forked, InputGiven, InputRequested, Payload, Poisoned, Record,
    Recorded, ReportChecked, Reserved, Revived, Started, StepCompleted, StepFailed, StepOutput, Submitted, Target,
    TimerFired,
};
