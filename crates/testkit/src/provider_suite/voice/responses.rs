//! The words of the Responses wire.

use serde_json::{Value, json};

use super::{End, Said, Voice, interleaved, named};

fn usage(said: &Said) -> Value {
    let counts = said.counts;
    json!({
        "input_tokens": counts.input,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.cache_write},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    })
}

fn message(said: &Said) -> Value {
    let text = json!({"type": "output_text", "text": said.text.concat(), "annotations": []});
    json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [text]})
}

fn call(said: &Said, at: usize, arguments: &str) -> Value {
    let call = &said.calls[at];
    json!({
        "id": format!("fc_{at}"), "type": "function_call", "status": "completed", "call_id": call.id, "name": call.name,
        "arguments": arguments,
    })
}

fn output(said: &Said) -> Vec<Value> {
    let calls = (0..said.calls.len()).map(|at| call(said, at, &said.calls[at].arguments.concat()));
    std::iter::once(message(said)).chain(calls).collect()
}

fn response(said: &Said, status: &str, output: &[Value]) -> Value {
    let reason = match said.end {
        End::Done => None,
        End::Length => Some("max_output_tokens"),
        End::Filter => Some("content_filter"),
    };
    let details = reason.filter(|_| status == "incomplete").map(|reason| json!({ "reason": reason }));
    let used = if status == "in_progress" { Value::Null } else { usage(said) };
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_790_000_000, "model": Voice::MODEL, "status": status,
        "error": null, "incomplete_details": details, "output": output, "usage": used,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
    })
}

fn status(said: &Said) -> &'static str {
    if said.end == End::Done { "completed" } else { "incomplete" }
}

pub(super) fn whole(said: &Said) -> Value {
    response(said, status(said), &output(said))
}

pub(super) fn begin(said: &Said) -> Vec<String> {
    let start = response(said, "in_progress", &[]);
    let mut events = vec![
        json!({"type": "response.created", "response": start}),
        json!({"type": "response.in_progress", "response": start}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {
            "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}}),
    ];
    events.push(part("added", ""));
    for piece in &said.text {
        events.push(json!({
            "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "delta": piece, "logprobs": [],
        }));
    }
    let text = said.text.concat();
    events.push(json!({
        "type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": text,
        "logprobs": [],
    }));
    events.push(part("done", &text));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": message(said)}));
    for at in 0..said.calls.len() {
        let item = call(said, at, "");
        events.push(json!({"type": "response.output_item.added", "output_index": at + 1, "item": item}));
    }
    for (at, piece) in interleaved(said) {
        events.push(json!({
            "type": "response.function_call_arguments.delta", "item_id": format!("fc_{at}"), "output_index": at + 1,
            "delta": piece,
        }));
    }
    for at in 0..said.calls.len() {
        let arguments = said.calls[at].arguments.concat();
        let item = call(said, at, &arguments);
        events.push(json!({
            "type": "response.function_call_arguments.done", "item_id": format!("fc_{at}"), "output_index": at + 1,
            "arguments": arguments,
        }));
        events.push(json!({"type": "response.output_item.done", "output_index": at + 1, "item": item}));
    }
    events.iter().enumerate().map(numbered).collect()
}

pub(super) fn end(said: &Said) -> Vec<String> {
    let kind = format!("response.{}", status(said));
    vec![numbered((begin(said).len(), &json!({"type": kind, "response": whole(said)})))]
}

/// The beginning or the end of the part of a message that is its text.
fn part(word: &str, text: &str) -> Value {
    json!({
        "type": format!("response.content_part.{word}"), "item_id": "msg_1", "output_index": 0, "content_index": 0,
        "part": {"type": "output_text", "text": text, "annotations": []},
    })
}

/// An event at its place.
fn numbered((at, event): (usize, &Value)) -> String {
    let mut event = event.clone();
    event["sequence_number"] = at.into();
    named(&event)
}

pub(super) fn overload() -> String {
    let error = json!({"code": "server_error", "message": "The model is overloaded, try again later"});
    named(&json!({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": error}}))
}
