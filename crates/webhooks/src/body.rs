//! What is sent: one client event as the bytes of a body. Owns both forms and the bound on their length.

use mcp_orchestrator_streaming::ClientEvent;
use serde_json::{Map, Value, json};

use crate::Form;

/// The longest body, in bytes. Receivers commonly refuse much more than this.
pub(crate) const BODY_BYTES_MAX: usize = 20_000;

/// The body for an event: always the same for the same event.
///
/// When it would be longer than [`BODY_BYTES_MAX`], the largest fields of the event's own data are left out, one after
/// the other, and named in `dropped` beside `truncated: true`.
pub(crate) fn render(form: Form, event: &ClientEvent) -> Result<Vec<u8>, serde_json::Error> {
    let Value::Object(mut shown) = serde_json::to_value(event)? else { return Ok(b"{}".to_vec()) };
    let mut dropped = Vec::new();
    loop {
        let bytes = serde_json::to_vec(&wrapped(form, &shown))?;
        if bytes.len() < BODY_BYTES_MAX {
            return Ok(bytes);
        }
        let largest = shown.get_mut("data").and_then(Value::as_object_mut).and_then(take_largest);
        dropped.push(largest.unwrap_or_else(|| "data".to_owned()));
        if dropped.last().is_some_and(|last| last == "data") {
            shown.insert("data".to_owned(), json!({}));
            shown.insert("dropped".to_owned(), json!(["data"]));
            return serde_json::to_vec(&wrapped(form, &shown));
        }
        shown.insert("truncated".to_owned(), json!(true));
        shown.insert("dropped".to_owned(), json!(dropped));
    }
}

fn wrapped(form: Form, event: &Map<String, Value>) -> Value {
    let timestamp = event.get("timestamp");
    match form {
        Form::Standard => {
            let mut data = event.clone();
            let event_type = data.remove("event_type");
            data.remove("timestamp");
            json!({ "type": event_type, "timestamp": timestamp, "data": data })
        }
        Form::Original => json!({ "task_id": event.get("task_id"), "event": event, "timestamp": timestamp }),
    }
}

/// Takes out the field that takes most; none when nothing is left.
fn take_largest(data: &mut Map<String, Value>) -> Option<String> {
    let size = |value: &Value| serde_json::to_vec(value).map_or(0, |bytes| bytes.len());
    let name = data.iter().max_by_key(|(_, value)| size(value)).map(|(name, _)| name.clone())?;
    data.remove(&name);
    Some(name)
}
