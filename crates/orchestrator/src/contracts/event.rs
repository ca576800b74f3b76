//! What [`ClientEvents`](crate::ClientEvents) gives besides the event itself: its kinds, its data, its errors.

pub use mcp_orchestrator_streaming::{
    Activity, AgentFacts, CallTarget, ClientData, ClientEventType, ClientProgress, DocumentFacts, InvalidCursor,
    StreamError, Subtask, Used,
};
