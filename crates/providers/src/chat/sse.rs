//! Server-sent events from bytes. Owns line ends, byte order mark, fields and their bounds; knows nothing of their data.

/// One event with data. Events without data, comments, ids and retry times are skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// The data lines, joined by a newline. Bytes that are not UTF-8 are replaced.
    pub(super) data: String,
    /// Whether the event is named `error`, or came in a line that begins with `error:` as some servers write it.
    pub(super) is_error: bool,
}

/// One line or one event is longer than [`SseDecoder::BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

/// Cuts bytes, however they were split on their way, into events. After an error it must not be used again.
#[derive(Debug, Default)]
pub(super) struct SseDecoder {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    is_error: bool,
    after_cr: bool,
    past_first_line: bool,
}

impl SseDecoder {
    /// The longest line, and the longest event, in bytes.
    pub(super) const BYTES_MAX: usize = 8 * 1024 * 1024;

    /// Takes the next bytes and appends the events they complete.
    pub(super) fn push(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
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
    pub(super) fn finish(mut self) -> Option<SseEvent> {
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
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        let data = String::from_utf8_lossy(&self.data).into_owned();
        self.data.clear();
        Some(SseEvent { data, is_error })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{EventTooLong, SseDecoder, SseEvent};

    fn decode(parts: &[&[u8]]) -> Vec<SseEvent> {
        let mut decoder = SseDecoder::default();
        let mut events = Vec::new();
        for part in parts {
            decoder.push(part, &mut events).unwrap();
        }
        events.extend(decoder.finish());
        events
    }

    fn data(events: &[SseEvent]) -> Vec<&str> {
        events.iter().map(|event| event.data.as_str()).collect()
    }

    #[test]
    fn fields_comments_and_line_ends_follow_the_standard() {
        let text = "\u{feff}: hello\ndata: one\n\ndata:two\r\rid: 7\r\ndata: a\r\ndata: b\r\nretry: 5\r\n\r\ndata\n\nnonsense\n\n";
        assert_eq!(data(&decode(&[text.as_bytes()])), ["one", "two", "a\nb", ""]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_lost() {
        assert_eq!(data(&decode(&[b"data: 1\n\ndata: [DONE]"])), ["1", "[DONE]"]);
        assert_eq!(data(&decode(&[b"data: 1\n\ndata: [DONE]\n"])), ["1", "[DONE]"]);
        assert!(decode(&[b"data: 1\n\n"]).len() == 1);
    }

    #[test]
    fn errors_are_told_apart_by_event_name_and_by_field() {
        let events = decode(&[b"event: error\ndata: {}\n\nerror: {\"code\":500}\n\nevent: delta\ndata: x\n\n"]);
        assert_eq!(events.iter().map(|event| event.is_error).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn endless_lines_and_events_are_refused() {
        let mut decoder = SseDecoder::default();
        let block = vec![b'x'; 1024 * 1024];
        let mut outcome = Ok(());
        for _ in 0..9 {
            outcome = outcome.and_then(|()| decoder.push(&block, &mut Vec::new()));
        }
        assert_eq!(outcome, Err(EventTooLong));

        let mut decoder = SseDecoder::default();
        let line = [b"data: ".as_slice(), &block, b"\n"].concat();
        let mut outcome = Ok(());
        for _ in 0..9 {
            outcome = outcome.and_then(|()| decoder.push(&line, &mut Vec::new()));
        }
        assert_eq!(outcome, Err(EventTooLong));
    }

    proptest! {
        #[test]
        fn the_same_events_come_of_every_split(
            lines in prop::collection::vec("(data: ?|: |event: |id|error:)?[a-zä漢😀 :]{0,12}", 0..20),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\n\r\n"]), 20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = lines.iter().zip(&ends).fold(String::new(), |text, (line, end)| text + line + end);
            let bytes = text.as_bytes();
            let whole = decode(&[bytes]);

            let mut cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect::<Vec<_>>();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(&decode(&parts), &whole);

            let single = bytes.chunks(1).collect::<Vec<_>>();
            prop_assert_eq!(&decode(&single), &whole);
        }

        #[test]
        fn line_ends_do_not_matter(lines in prop::collection::vec("(data: |: )[a-z]{0,8}|", 0..20)) {
            let with = |end: &str| decode(&[(lines.join(end) + end).as_bytes()]);
            prop_assert_eq!(with("\n"), with("\r\n"));
            prop_assert_eq!(with("\n"), with("\r"));
        }
    }
}
