//! A workflow's events as a stream reads them: rendered once and shared by all who watch.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use mcp_orchestrator::Handle;
use mcp_orchestrator_api::ApiError;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::{Cursor, StreamError, StreamItem, Watch};

use super::readers::{Source, Told};
use crate::problem::Problem;

/// A workflow from a place on, with or without the text that is being written.
pub(crate) async fn source(
    handle: &Handle,
    workflow: &WorkflowId,
    cursor: Cursor,
    deltas: bool,
) -> Result<Source, Problem> {
    let watch = handle.watch(workflow, cursor).await.map_err(ApiError::from)?;
    Ok(Box::pin(Events { watch, deltas }))
}

struct Events {
    watch: Watch,
    deltas: bool,
}

impl Stream for Events {
    type Item = Result<Told, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.watch).poll_next(context)) {
                Some(Ok(StreamItem::Event(sent))) => Some(Ok(Told::Event {
                    id: sent.event.id,
                    name: sent.event.event_type().as_str(),
                    json: sent.json().clone(),
                })),
                Some(Ok(StreamItem::Delta(json))) if self.deltas => Some(Ok(Told::Delta(json))),
                Some(Ok(_)) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}
