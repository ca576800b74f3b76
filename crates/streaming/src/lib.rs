//! Ordered, bounded, resumable streams of what happens in a workflow, made from its log.
//!
//! [`tail`] gives the records themselves, [`client_events`] what clients are told of them. Both replay the log from a
//! [`Cursor`] and then follow it: dense, without a gap and without a duplicate, until the workflow has ended. A slow
//! reader is fed from the store again, so it never holds up a workflow and never needs an unbounded queue.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::TryStreamExt;
//! use mcp_orchestrator_domain::WorkflowId;
//! use mcp_orchestrator_store::{MemoryStore, Store};
//! use mcp_orchestrator_streaming::{Cursor, StreamError, client_events};
//!
//! async fn names(store: Arc<dyn Store>, id: WorkflowId) -> Result<Vec<&'static str>, StreamError> {
//!     client_events(store, id, Cursor::START).map_ok(|event| event.event_type().as_str()).try_collect().await
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let nobody: WorkflowId = "research_0123456789ab".parse()?;
//! assert!(matches!(names(Arc::new(MemoryStore::new()), nobody).await, Err(StreamError::Unknown(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It has no features. Start at [`client_events`]; the table from records to events is [`translate`].

mod client_event;
mod client_events;
mod cursor;
mod data;
mod error;
mod steps;
mod table;
mod tail;

pub use client_event::{ClientEvent, ClientEventType, ClientProgress};
pub use client_events::{ClientEvents, client_events};
pub use cursor::{Cursor, InvalidCursor};
pub use data::{Activity, AgentFacts, CallTarget, ClientData, DocumentFacts, Subtask, Used};
pub use error::StreamError;
pub use table::translate;
pub use tail::{Tail, TailItem, tail};
