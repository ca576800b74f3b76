//! Server-sent events: from bytes, and from an answer. Owns line ends, byte order mark, fields and their bounds; knows
//! nothing of their data and makes no second request.

use std::{borrow::Cow, collections::VecDeque};

use memchr::memchr2;

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

/// An event while it is looked at, see [`SseDecoder::each`]. The fields are those of [`SseEvent`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseLent<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The last id given so far.
    pub id: &'a str,
    /// The data lines, joined by a newline.
    pub data: Cow<'a, str>,
    /// Whether it is an error.
    pub is_error: bool,
}

impl SseLent<'_> {
    /// The event, to keep.
    #[must_use]
    pub fn into_event(self) -> SseEvent {
        let Self { name, id, data, is_error } = self;
        SseEvent { name: name.to_owned(), id: id.to_owned(), data: data.into_owned(), is_error }
    }
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
    /// A line of which the end has not come.
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
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        self.each(bytes, |event| {
            events.push(event.into_event());
            Ok(())
        })
    }

    /// Takes the next bytes and lends each event they complete to `take`, in order, without keeping or copying it. The first
    /// error of `take` ends it.
    ///
    /// # Errors
    /// What `take` returns, and [`EventTooLong`] after the events before it.
    pub fn each<E: From<EventTooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(SseLent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else { return Ok(self.keep(bytes)?) };
            let line = &bytes[..end];
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            // Nearly every line comes in one piece and is read where it is.
            let ends_event = if self.line.is_empty() {
                fits(line.len())?;
                self.line(line)?
            } else {
                self.keep(line)?;
                let mut whole = std::mem::take(&mut self.line);
                let ends_event = self.line(&whole);
                // The buffer is kept for the next line.
                whole.clear();
                self.line = whole;
                ends_event?
            };
            if ends_event {
                let taken = self.event().map_or(Ok(()), &mut take);
                self.forget();
                taken?;
            }
        }
        Ok(())
    }

    /// What an end without a blank line leaves: servers forget it after their last event. It may be cut anywhere.
    #[must_use]
    pub fn finish(mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        self.line(&line).ok()?;
        self.event().map(SseLent::into_event)
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), EventTooLong> {
        fits(self.line.len() + part.len())?;
        self.line.extend_from_slice(part);
        Ok(())
    }

    /// Takes a line; whether it ends an event.
    fn line(&mut self, line: &[u8]) -> Result<bool, EventTooLong> {
        let first = !std::mem::replace(&mut self.past_first_line, true);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if line.is_empty() {
            return Ok(true);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => self.data_line(value)?,
            b"error" => {
                self.is_error = true;
                self.data_line(value)?;
            }
            b"event" => {
                self.is_error |= value == b"error";
                set(&mut self.name, value);
            }
            // The standard: an id with a zero byte is no id.
            b"id" if !value.contains(&0) => set(&mut self.id, value),
            _ => {}
        }
        Ok(false)
    }

    fn data_line(&mut self, value: &[u8]) -> Result<(), EventTooLong> {
        fits(self.data.len() + value.len() + 1)?;
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
        Ok(())
    }

    /// The event so far, if it has data.
    fn event(&self) -> Option<SseLent<'_>> {
        self.has_data.then(|| SseLent {
            name: &self.name,
            id: &self.id,
            data: text(&self.data),
            is_error: self.is_error,
        })
    }

    /// Makes room for the next event; the id stays.
    fn forget(&mut self) {
        (self.has_data, self.is_error) = (false, false);
        self.name.clear();
        self.data.clear();
    }
}

/// Bytes as text, what is no UTF-8 replaced. Nearly always nothing is, and then this is quicker than to look for it.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn set(known: &mut String, value: &[u8]) {
    known.clear();
    known.push_str(&text(value));
}

const fn fits(bytes: usize) -> Result<(), EventTooLong> {
    if bytes > SseDecoder::BYTES_MAX { Err(EventTooLong) } else { Ok(()) }
}
