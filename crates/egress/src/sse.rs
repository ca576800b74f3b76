//! Server-sent events: from bytes, and from an answer. Owns line ends, byte order mark, fields and their bounds; knows
//! nothing of their data and makes no second request.

use std::collections::VecDeque;

use crate::{HttpError, Response};

/// One event with data. Events without data, comments and retry times are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent {
    /// What it is called; empty when it has no name.
    pub name: String,
    /// The last id given so far, which the next events have too until there is another: what `Last-Event-ID` takes. Empty
    /// before the first.
    pub id: String,
    /// The data lines, joined by a newline. Bytes that are not UTF-8 are replaced.
    pub data: String,
    /// Whether the event is named `error`, or came in a line that begins with `error:` as some servers write it.
    pub is_error: bool,
}

/// One line or one event is longer than [`SseDecoder::BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {} bytes", SseDecoder::BYTES_MAX)]
#[non_exhaustive]
pub struct EventTooLong;

/// Why a stream of events gives no more of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SseError {
    /// The connection.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service: an event has no end.
    #[error(transparent)]
    TooLong(#[from] EventTooLong),
}

/// The events of an answer as they come. Dropping it closes the connection.
#[derive(Debug)]
pub struct SseStream {
    response: Response,
    decoder: SseDecoder,
    waiting: VecDeque<SseEvent>,
    is_over: bool,
}

impl SseStream {
    /// The events of this answer. Whether it is a stream of events is for the caller to look at.
    #[must_use]
    pub fn new(response: Response) -> Self {
        Self { response, decoder: SseDecoder::default(), waiting: VecDeque::new(), is_over: false }
    }

    /// The next event; `None` at the end of the body, and after an error.
    ///
    /// Cancel-safe: an event is either returned or still to come.
    ///
    /// # Errors
    /// [`SseError`]: what broke the connection, or an event above [`SseDecoder::BYTES_MAX`].
    pub async fn next(&mut self) -> Result<Option<SseEvent>, SseError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            if self.is_over {
                return Ok(None);
            }
            let mut events = Vec::new();
            let taken = match self.response.chunk().await {
                Ok(Some(piece)) => self.decoder.push(&piece, &mut events).map_err(SseError::from),
                Ok(None) => {
                    self.is_over = true;
                    events.extend(std::mem::take(&mut self.decoder).finish());
                    Ok(())
                }
                Err(error) => Err(error.into()),
            };
            self.waiting.extend(events);
            if let Err(error) = taken {
                self.is_over = true;
                return Err(error);
            }
        }
    }
}

/// Cuts bytes, however they were split on their way, into events. After an error it must not be used again.
#[derive(Debug, Default)]
pub struct SseDecoder {
    line: Vec<u8>,
    data: Vec<u8>,
    name: String,
    id: String,
    has_data: bool,
    is_error: bool,
    after_cr: bool,
    past_first_line: bool,
}

impl SseDecoder {
    /// The longest line, and the longest event, in bytes.
    pub const BYTES_MAX: usize = 8 * 1024 * 1024;

    /// Takes the next bytes and appends the events they complete.
    ///
    /// # Errors
    /// [`EventTooLong`]; the events before it are appended all the same.
    pub fn push(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.keep(bytes);
            };
            self.keep(&bytes[..end])?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// What an end without a blank line leaves: servers forget it after their last event. It may be cut anywhere.
    #[must_use]
    pub fn finish(mut self) -> Option<SseEvent> {
        let mut events = Vec::new();
        let complete = self.end_line(&mut events).is_ok();
        events.pop().or_else(|| if complete { self.take_event() } else { None })
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), EventTooLong> {
        if self.line.len() + part.len() > Self::BYTES_MAX {
            return Err(EventTooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        let line = std::mem::take(&mut self.line);
        let first = !std::mem::replace(&mut self.past_first_line, true);
        let text = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        let outcome = self.field(text, events);
        // The buffer is kept for the next line.
        self.line = line;
        self.line.clear();
        outcome
    }

    fn field(&mut self, line: &[u8], events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        if line.is_empty() {
            events.extend(self.take_event());
            return Ok(());
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => self.data_line(value),
            b"error" => {
                self.is_error = true;
                self.data_line(value)
            }
            b"event" => {
                self.is_error |= value == b"error";
                self.name = String::from_utf8_lossy(value).into_owned();
                Ok(())
            }
            // The standard: an id with a zero byte is no id.
            b"id" if !value.contains(&0) => {
                self.id = String::from_utf8_lossy(value).into_owned();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn data_line(&mut self, value: &[u8]) -> Result<(), EventTooLong> {
        if self.data.len() + value.len() + 1 > Self::BYTES_MAX {
            return Err(EventTooLong);
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn take_event(&mut self) -> Option<SseEvent> {
        let is_error = std::mem::take(&mut self.is_error);
        let name = std::mem::take(&mut self.name);
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        let data = String::from_utf8_lossy(&self.data).into_owned();
        self.data.clear();
        Some(SseEvent { name, id: self.id.clone(), data, is_error })
    }
}
