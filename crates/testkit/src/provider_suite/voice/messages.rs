//! The words of the Messages wire.

use serde_json::{Value, json};

use super::{End, Said, Trouble, Voice, interleaved, named};

fn reason(said: &Said) -> &'static str {
    match said.end {
        End::Done if said.calls.is_empty() => "end_turn",
        End::Done => "tool_use",
        End::Length => "max_tokens",
        End::Filter => "refusal",
    }
}

/// Only what no cache had counts as input here.
fn usage(said: &Said, output: u64) -> Value {
    let counts = said.counts;
    json!({
        "input_tokens": counts.input.saturating_sub(counts.cached + counts.cache_write),
        "cache_read_input_tokens": counts.cached,
        "cache_creation_input_tokens": counts.cache_write,
        "output_tokens": output,
    })
}

fn message(said: &Said, content: &[Value], stop: Option<&str>, output: u64) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": Voice::MODEL, "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": usage(said, output),
    })
}

pub(super) fn whole(said: &Said) -> Value {
    let mut content = vec![json!({"type": "text", "text": said.text.concat()})];
    content.extend(said.calls.iter().map(|call| {
        let text = call.arguments.concat();
        let input: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
        json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
    }));
    message(said, &content, Some(reason(said)), said.counts.output)
}

pub(super) fn begin(said: &Said) -> Vec<String> {
    let early = said.counts.output.min(1);
    let mut events = vec![
        json!({"type": "message_start", "message": message(said, &[], None, early)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    for piece in &said.text {
        let delta = json!({"type": "text_delta", "text": piece});
        events.push(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }
    events.push(json!({"type": "content_block_stop", "index": 0}));
    for (at, call) in said.calls.iter().enumerate() {
        let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        events.push(json!({"type": "content_block_start", "index": at + 1, "content_block": block}));
    }
    for (at, piece) in interleaved(said) {
        let delta = json!({"type": "input_json_delta", "partial_json": piece});
        events.push(json!({"type": "content_block_delta", "index": at + 1, "delta": delta}));
    }
    for at in 0..said.calls.len() {
        events.push(json!({"type": "content_block_stop", "index": at + 1}));
    }
    events.iter().map(named).collect()
}

pub(super) fn end(said: &Said) -> Vec<String> {
    let delta = json!({"stop_reason": reason(said), "stop_sequence": null});
    let events = [
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": said.counts.output}}),
        json!({"type": "message_stop"}),
    ];
    events.iter().map(named).collect()
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

pub(super) fn trouble(trouble: Trouble) -> (u16, Value) {
    let (status, kind, message) = match trouble {
        Trouble::Auth => (401, "authentication_error", "invalid x-api-key"),
        Trouble::RateLimited => (429, "rate_limit_error", "This request would exceed your rate limit."),
        Trouble::Overloaded => (529, "overloaded_error", "Overloaded"),
        Trouble::TooLong => (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        Trouble::TooLarge => (413, "request_too_large", "Request exceeds the maximum size"),
        Trouble::Filtered => (400, "invalid_request_error", "Output blocked by content filtering policy"),
        Trouble::NoMoney => (400, "invalid_request_error", "Your credit balance is too low to access the API."),
        Trouble::NoModel => (404, "not_found_error", "model: model-1"),
    };
    (status, error(kind, message))
}

pub(super) fn overload() -> String {
    named(&error("overloaded_error", "Overloaded"))
}
