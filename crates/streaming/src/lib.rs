//! Ordered, bounded, resumable streams of what happens in workflows, made from their logs.
//!
//! A [`Bridge`] stands between one store and all who watch. Each of its streams replays the log from a [`Cursor`] and then
//! follows it: dense, without a gap and without a duplicate, until the workflow has ended or the bridge is closed. A slow
//! reader is fed from the store again, so it never holds up a workflow and never needs an unbounded queue; a reader that
//! waits costs no read.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::TryStreamExt;
//! use mcp_orchestrator_domain::WorkflowId;
//! use mcp_orchestrator_store::MemoryStore;
//! use mcp_orchestrator_streaming::{Bridge, Cursor, StreamError};
//!
//! async fn names(bridge: &Bridge, id: &WorkflowId) -> Result<Vec<&'static str>, StreamError> {
//!     bridge.events(id, Cursor::START).map_ok(|event| event.event_type().as_str()).try_collect().await
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let bridge = Bridge::new(Arc::new(MemoryStore::new()));
//! let nobody: WorkflowId = "research_0123456789ab".parse()?;
//! let reading = async {
//!     assert!(matches!(names(&bridge, &nobody).await, Err(StreamError::Unknown(_))));
//! };
//! bridge.run(reading).await; // ends when the reading has
//!
//! assert_eq!(names(&bridge, &nobody).await?, ["stream_closed"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It has no features. Start at [`Bridge`]; the table from records to events is [`translate`].

mod bridge;
mod client_event;
mod client_events;
mod cursor;
mod data;
mod entry;
mod error;
mod moment;
mod page;
mod reader;
mod route;
mod sent;
mod table;

pub use bridge::Bridge;
pub use client_event::{ClientEvent, ClientEventType, ClientProgress};
pub use client_events::{ClientEvents, Watch};
pub use cursor::{Cursor, InvalidCursor};
pub use data::{Activity, AgentFacts, CallTarget, ClientData, CloseReason, DocumentFacts, ForkedAt, Subtask, Used};
pub use error::StreamError;
pub use moment::Rfc3339;
pub use sent::{SentEvent, StreamItem};
pub use table::{held_back, translate};
