//! Reads one answer from its connection. Owns the choice between a stream and a whole body, and what an early end means.

use std::time::Duration;

use bytes::Bytes;
use mcp_orchestrator_egress::{
    HttpError, Response,
    sse::{EventTooLong, SseDecoder},
};
use serde_json::Value;
use tokio::time::timeout;

use super::fold::{Broken, Fold};
use crate::DeltaSink;

/// How long token counts may take after the message is complete.
const TAIL_GRACE: Duration = Duration::from_secs(5);

/// How long the end of a body may take after the service said it is done, so that the connection can be used again.
const DRAIN: Duration = Duration::from_millis(50);

/// Why reading stopped early.
#[derive(Debug)]
pub(super) enum ReadError {
    Http(HttpError),
    Broken(Broken),
}

impl From<Broken> for ReadError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<EventTooLong> for ReadError {
    fn from(error: EventTooLong) -> Self {
        Self::Broken(Broken::Unreadable(error.to_string()))
    }
}

/// Reads `response` into `fold` to its end. What goes wrong after the message was complete is no error.
pub(super) async fn read(
    mut response: Response,
    fold: &mut dyn Fold,
    sink: &mut dyn DeltaSink,
) -> Result<(), ReadError> {
    let mut body = Body::of(response.header("content-type"));
    while let Some(piece) = next(&mut response, fold).await? {
        if let Err(error) = body.push(&piece, fold, sink) {
            return if fold.draft().is_complete() { Ok(()) } else { Err(error) };
        }
        if fold.draft().done {
            response.drain(DRAIN).await;
            return Ok(());
        }
    }
    match body.end(fold, sink) {
        Err(_) if fold.draft().is_complete() => Ok(()),
        ended => ended,
    }
}

/// The next piece; an end when the message is complete and nothing more comes.
async fn next(response: &mut Response, fold: &dyn Fold) -> Result<Option<Bytes>, ReadError> {
    if !fold.draft().is_complete() {
        return response.chunk().await.map_err(ReadError::Http);
    }
    match timeout(TAIL_GRACE, response.chunk()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// A body by its kind. A server that is asked for a stream may answer with a whole completion, and label either wrongly.
enum Body {
    Unknown,
    Stream(SseDecoder),
    Whole(Vec<u8>),
}

impl Body {
    fn of(content_type: Option<&str>) -> Self {
        if content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("event-stream")) {
            Self::Stream(SseDecoder::default())
        } else {
            Self::Unknown
        }
    }

    fn push(&mut self, bytes: &[u8], fold: &mut dyn Fold, sink: &mut dyn DeltaSink) -> Result<(), ReadError> {
        if let Self::Unknown = self {
            *self = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(()),
                Some(b'{' | b'[' | b'<') => Self::Whole(Vec::new()),
                Some(_) => Self::Stream(SseDecoder::default()),
            };
        }
        match self {
            // The response itself is bounded.
            Self::Whole(whole) => whole.extend_from_slice(bytes),
            Self::Stream(decoder) => {
                decoder.each(bytes, |event| Ok::<_, ReadError>(take(&event.data, event.is_error, fold, sink)?))?;
            }
            Self::Unknown => {}
        }
        Ok(())
    }

    fn end(self, fold: &mut dyn Fold, sink: &mut dyn DeltaSink) -> Result<(), ReadError> {
        match self {
            Self::Whole(whole) => match std::str::from_utf8(&whole) {
                Ok(json) => Ok(fold.whole(json, sink)?),
                Err(_) => Ok(fold.whole(&String::from_utf8_lossy(&whole), sink)?),
            },
            Self::Stream(decoder) => {
                match decoder.finish().map(|event| take(&event.data, event.is_error, fold, sink)) {
                    // The last event may be cut anywhere: then it is the end that is missing, not the form.
                    Some(Err(Broken::Unreadable(_))) | None => Ok(()),
                    Some(outcome) => Ok(outcome?),
                }
            }
            Self::Unknown => Err(Broken::Unreadable("it is empty".to_owned()).into()),
        }
    }
}

fn take(data: &str, is_error: bool, fold: &mut dyn Fold, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
    if is_error && !fold.draft().is_complete() {
        let error = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.to_owned()));
        return Err(Broken::Refused(error));
    }
    if fold.draft().done {
        return Ok(());
    }
    fold.event(data, sink)
}
