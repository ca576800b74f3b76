//! What [`ClientEvents`](crate::ClientEvents) and [`Watch`](crate::Watch) give besides the event itself: its kinds, its
//! data, its errors.

pub use mcp_orchestrator_streaming::{
    Activity, AgentFacts, CallTarget, ClientData, ClientEventType, ClientProgress, CloseReason, DocumentFacts,
    ForkedAt, InvalidCursor, Rfc3339, SentEvent, StreamError, StreamItem, Subtask, Used, held_back,
};
