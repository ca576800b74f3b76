//! A stream as bytes: what is told, a sign of life in between, a last word at shutdown.
//!
//! It holds one frame at most. A client that reads slowly is asked nothing and costs nothing; one that stops reading is let
//! go by the connection's write deadline.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, header};
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::Cursor;
use serde_json::json;
use tokio::time::{Instant, Sleep};
use tracing::error;

use super::{
    Readers, Style, Watching,
    frame::{comment, event, first},
    readers::Told,
};
use crate::{Drain, metrics::Living};

/// All that a client is told of a log that fails.
const UNREADABLE: &str = "the log cannot be read now";
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A stream of frames that ends after the last event, after an error, or at shutdown.
pub(crate) struct SseStream {
    readers: Readers,
    style: Style,
    closed: Pin<Box<dyn Future<Output = ()> + Send>>,
    silence: Pin<Box<Sleep>>,
    keep_alive: Duration,
    waiting: VecDeque<Bytes>,
    is_over: bool,
    _counted: (Living, Watching),
}

impl SseStream {
    pub(crate) fn new(
        readers: Readers,
        style: Style,
        keep_alive: Duration,
        drain: &Drain,
        counted: (Living, Watching),
    ) -> Self {
        Self {
            readers,
            style,
            closed: Box::pin(drain.closed()),
            silence: Box::pin(tokio::time::sleep(keep_alive)),
            keep_alive,
            waiting: VecDeque::from([first()]),
            is_over: false,
            _counted: counted,
        }
    }

    fn frame(&self, workflow: &WorkflowId, told: Result<Told, mcp_orchestrator_streaming::StreamError>) -> Bytes {
        match told {
            Ok(Told::Event { name, json, .. }) => event(self.style, Some(&self.readers.place()), name, &json),
            Ok(Told::Delta(json)) => {
                let begin = format!("{{\"event_type\":\"delta\",\"task_id\":\"{workflow}\",\"data\":");
                event(self.style, None, "delta", &[begin.as_bytes(), &json, b"}"].concat())
            }
            Err(error) => {
                // What the store says may name files and addresses.
                error!(%workflow, %error, "an event stream breaks off");
                let said = json!({ "event_type": "stream_error", "task_id": workflow, "error": UNREADABLE });
                event(self.style, None, "stream_error", said.to_string().as_bytes())
            }
        }
    }

    /// The last words to a client that hears no more from this process but can go on elsewhere.
    fn shut_down(&mut self) {
        let place = self.readers.place();
        for (workflow, cursor) in self.readers.close() {
            let said = last_word(&workflow, cursor);
            let id = Some(place.as_str()).filter(|place| !place.is_empty());
            self.waiting.push_back(event(self.style, id, "stream_closed", said.as_bytes()));
        }
        self.is_over = true;
    }

    fn sign_of_life(&self) -> Bytes {
        match self.style {
            Style::Named => comment(),
            Style::Plain => {
                let said = json!({ "event_type": "keepalive", "timestamp": now() });
                event(self.style, None, "keepalive", said.to_string().as_bytes())
            }
        }
    }
}

impl Stream for SseStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.waiting.pop_front() {
                let next = Instant::now() + this.keep_alive;
                this.silence.as_mut().reset(next);
                return Poll::Ready(Some(Ok(frame)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            if this.closed.as_mut().poll(context).is_ready() {
                this.shut_down();
                continue;
            }
            match this.readers.poll_told(context) {
                Poll::Ready(Some((workflow, told))) => {
                    // A client that is told of an error comes again and goes on where it stands, in every workflow.
                    this.is_over = told.is_err();
                    let frame = this.frame(&workflow, told);
                    this.waiting.push_back(frame);
                }
                Poll::Ready(None) => this.is_over = true,
                Poll::Pending => {
                    if this.silence.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    let frame = this.sign_of_life();
                    this.waiting.push_back(frame);
                }
            }
        }
    }
}

/// The stream as an answer.
pub(crate) fn answer(stream: SseStream) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

fn last_word(workflow: &WorkflowId, cursor: Cursor) -> String {
    json!({
        "id": cursor,
        "event_type": "stream_closed",
        "task_id": workflow,
        "timestamp": now(),
        "data": { "reason": "shutdown" },
        "agent_id": null,
        "progress": null,
    })
    .to_string()
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
