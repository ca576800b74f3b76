//! Events of a workflow from a server, as one stream that survives broken connections and a server that starts again. Owns
//! going on after the last event seen; a workflow never depends on it.

use std::time::Duration;

use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_egress::{
    Request,
    sse::{SseEvent, SseStream},
};
use tokio::time::{Instant, sleep_until};

use super::{RemoteError, Server, path};
use crate::told::Told;

/// Connections made one after the other without an event between them.
const TRIES_MAX: u32 = 8;
/// The wait before the second of them, doubled before each further one.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest wait, whatever the server says.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Silence after which a connection counts as broken: servers send a sign of life every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The events of one workflow, in order, each once. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Events {
    server: Server,
    id: WorkflowId,
    /// The id of the last event seen; empty before the first.
    last: String,
    stream: Option<SseStream>,
    tries: u32,
    not_before: Instant,
    is_over: bool,
}

impl Events {
    /// Follows a workflow from after an event on; an empty text is the beginning.
    ///
    /// # Errors
    /// The first connection is made once: a server that is not there is told at once.
    pub(crate) async fn follow(server: Server, id: WorkflowId, after: String) -> Result<Self, RemoteError> {
        let mut events =
            Self { server, id, last: after, stream: None, tries: 0, not_before: Instant::now(), is_over: false };
        events.stream = Some(events.connect().await?);
        Ok(events)
    }

    /// The next event; `None` once the workflow has ended and everything was told.
    ///
    /// Cancel-safe: no event is lost.
    ///
    /// # Errors
    /// What stopped the last of too many tries, or a refusal.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, RemoteError> {
        loop {
            if self.is_over {
                return Ok(None);
            }
            let Some(stream) = &mut self.stream else {
                sleep_until(self.not_before).await;
                match self.connect().await {
                    Ok(stream) => self.stream = Some(stream),
                    Err(error) => self.wait_after(error)?,
                }
                continue;
            };
            match stream.next().await {
                Ok(Some(event)) => {
                    if let Some(told) = self.take(event)? {
                        return Ok(Some(told));
                    }
                }
                Ok(None) => self.try_again(&"it ends the stream of events before the workflow has ended")?,
                Err(error) => self.try_again(&format!("the stream of events is broken: {error}"))?,
            }
        }
    }

    /// One event of the wire; `None` when there is nothing to tell.
    fn take(&mut self, event: SseEvent) -> Result<Option<Told>, RemoteError> {
        // Deltas are no part of what is followed here; an error of the stream is followed by its end.
        if matches!(event.name.as_str(), "delta" | "stream_error") {
            return Ok(None);
        }
        let told = match Told::parse(&event.data) {
            Ok(told) if !told.is_shutdown() => told,
            // The workflow goes on, and so does this stream when somebody serves it again.
            Ok(_) => return self.try_again(&"it stops").map(|()| None),
            // The last event of a connection that broke may be cut anywhere: it comes whole on the next one.
            Err(error) => return self.try_again(&error).map(|()| None),
        };
        if !event.id.is_empty() {
            self.last = event.id;
        }
        self.tries = 0;
        self.is_over = told.is_last();
        Ok(Some(told))
    }

    async fn connect(&self) -> Result<SseStream, RemoteError> {
        let request = Request::get(&self.server.base, path(&self.id, "/events"))
            .with_header("accept", "text/event-stream")
            .with_idle_timeout(SILENCE_MAX)
            .with_body_max(usize::MAX);
        let request = match self.last.as_str() {
            "" => request,
            last => request.with_header("last-event-id", last),
        };
        let response = self.server.send(request).await?;
        let is_stream = response.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if !is_stream {
            return Err(self.server.not_ours(&"it sends no stream of events"));
        }
        Ok(SseStream::new(response))
    }

    /// Leaves a connection that tells nothing more.
    fn try_again(&mut self, why: &impl ToString) -> Result<(), RemoteError> {
        self.stream = None;
        let error = self.server.not_ours(why);
        self.wait_after(error)
    }

    /// Says when to try again, or that it is over.
    fn wait_after(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        let asked = match &error {
            RemoteError::Problem(problem) => match problem.again_after() {
                Some(seconds) => Duration::from_secs(seconds),
                None => return Err(error),
            },
            RemoteError::Address(_) | RemoteError::Unreachable { .. } | RemoteError::NotOurs { .. } => Duration::ZERO,
        };
        self.tries += 1;
        if self.tries >= TRIES_MAX {
            return Err(error);
        }
        let pause = PAUSE.saturating_mul(1 << (self.tries - 1)).max(asked).min(PAUSE_MAX);
        self.not_before = Instant::now() + pause;
        Ok(())
    }
}
