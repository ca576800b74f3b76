//! A workflow's events as a stream reads them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use mcp_orchestrator::Handle;
use mcp_orchestrator_api::ApiError;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::{ClientEvents, Cursor, StreamError};

use super::readers::{Source, Told};
use crate::problem::Problem;

/// A workflow from a place on.
pub(crate) async fn source(
    handle: &Handle,
    workflow: &WorkflowId,
    cursor: Cursor,
    _deltas: bool,
) -> Result<Source, Problem> {
    let events = handle.events(workflow, cursor).await.map_err(ApiError::from)?;
    Ok(Box::pin(Rendered { events }))
}

struct Rendered {
    events: ClientEvents,
}

impl Stream for Rendered {
    type Item = Result<Told, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.events).poll_next(context).map_ok(|event| Told::Event {
            id: event.id,
            name: event.event_type().as_str(),
            json: Bytes::from(serde_json::to_vec(&event).unwrap_or_default()),
        })
    }
}
