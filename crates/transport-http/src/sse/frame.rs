//! The lines of an event. Owns their order and nothing of their content.

use bytes::{BufMut as _, Bytes, BytesMut};

/// How long a client waits before it connects again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

/// Which lines events have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `id`, `event`, `data`; silence is filled with comments.
    Named,
    /// The original's, whose clients listen to unnamed events: `id`, `data`; silence is filled with `keepalive` events.
    Plain,
}

/// What is sent first.
pub(super) fn first() -> Bytes {
    Bytes::from_static(RETRY.as_bytes())
}

/// A comment that says the stream lives.
pub(super) fn comment() -> Bytes {
    Bytes::from_static(b": keep-alive\n\n")
}

/// An event. `json` has no line ends, as no JSON text written by a serializer has.
pub(super) fn event(style: Style, id: Option<&str>, name: &str, json: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(json.len() + name.len() + id.map_or(0, str::len) + 32);
    if let Some(id) = id {
        line(&mut frame, "id: ", id.as_bytes());
    }
    if style == Style::Named {
        line(&mut frame, "event: ", name.as_bytes());
    }
    line(&mut frame, "data: ", json);
    frame.put_u8(b'\n');
    frame.freeze()
}

fn line(frame: &mut BytesMut, field: &str, value: &[u8]) {
    frame.put_slice(field.as_bytes());
    frame.put_slice(value);
    frame.put_u8(b'\n');
}
