//! One answer: its head, and its body piece by piece within the request's limits. Owns the counting of bytes.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::{HttpError, Phase, error::Cause, request::Limits};

/// An answer whose head has come. Dropping it before its end closes the connection.
pub struct Response {
    inner: reqwest::Response,
    limits: Limits,
    bytes_read: usize,
    silence: Silence,
}

/// The timer of all silences of one answer. It is not set anew for each piece: when it rings too early, it is set to what is
/// left.
#[derive(Default)]
struct Silence(Option<Pin<Box<Sleep>>>);

impl Silence {
    /// Ready when it is `until`, which is never before that of an earlier call.
    fn poll_until(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= until {
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl Response {
    pub(crate) fn new(inner: reqwest::Response, limits: Limits) -> Self {
        Self { inner, limits, bytes_read: 0, silence: Silence::default() }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.inner.status().is_success()
    }

    /// The first header of that name, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// Cancel-safe: a piece is either returned or still to come.
    ///
    /// # Errors
    /// [`HttpError::Timeout`] when no piece comes in time, [`HttpError::Broken`] when the connection ends early,
    /// [`HttpError::TooLong`] when the body exceeds the request's limit.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Self { inner, limits, silence, .. } = self;
        let mut next = pin!(inner.chunk());
        let mut until = None;
        let waited = poll_fn(|context| {
            if let Poll::Ready(piece) = next.as_mut().poll(context) {
                return Poll::Ready(Ok(piece));
            }
            // What is there already needs no clock.
            let until = *until.get_or_insert_with(|| Instant::now() + limits.idle_timeout);
            silence.poll_until(until, context).map(Err)
        });
        let piece = waited.await.map_err(|()| HttpError::Timeout { phase: Phase::Body, after: limits.idle_timeout })?;
        let piece = piece.map_err(|error| HttpError::Broken(Cause::new(error)))?;
        if let Some(bytes) = &piece {
            self.bytes_read = self.bytes_read.saturating_add(bytes.len());
            if self.bytes_read > self.limits.body_bytes_max {
                return Err(HttpError::TooLong { bytes_max: self.limits.body_bytes_max });
            }
        }
        Ok(piece)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As for [`chunk`](Self::chunk).
    pub async fn body(mut self) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(piece) = self.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Reads and forgets what is left, for at most `within`, so that the connection can be used again.
    pub async fn drain(mut self, within: Duration) {
        let rest = async { while let Ok(Some(_)) = self.chunk().await {} };
        // Too slow only means that the connection is closed.
        drop(timeout(within, rest).await);
    }

    /// The beginning of the body, at most `bytes_max` bytes of it, or as much as came before it broke: for the text of
    /// an error, where less is better than nothing.
    pub async fn body_prefix(mut self, bytes_max: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < bytes_max
            && let Ok(Some(piece)) = self.chunk().await
        {
            body.extend_from_slice(&piece);
        }
        body.truncate(bytes_max);
        body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).field("bytes_read", &self.bytes_read).finish()
    }
}
