//! The words of the Chat wire, and the errors of those who speak as OpenAI does.

use serde_json::{Value, json};

use super::{Counts, End, Said, Trouble, Voice, data, interleaved};

fn usage(counts: Counts) -> Value {
    json!({
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.cache_write},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
    })
}

fn reason(said: &Said) -> &'static str {
    match said.end {
        End::Done if said.calls.is_empty() => "stop",
        End::Done => "tool_calls",
        End::Length => "length",
        End::Filter => "content_filter",
    }
}

pub(super) fn whole(said: &Said) -> Value {
    let calls = said.calls.iter().map(|call| {
        let function = json!({"name": call.name, "arguments": call.arguments.concat()});
        json!({"id": call.id, "type": "function", "function": function})
    });
    let calls: Vec<Value> = calls.collect();
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": Voice::MODEL,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": said.text.concat(), "refusal": null, "tool_calls": calls},
            "finish_reason": reason(said),
        }],
        "usage": usage(said.counts),
    })
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    data(&json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": Voice::MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }))
}

pub(super) fn begin(said: &Said) -> Vec<String> {
    let mut events = vec![chunk(&json!({"role": "assistant", "content": ""}), None)];
    events.extend(said.text.iter().map(|piece| chunk(&json!({ "content": piece }), None)));
    for (index, call) in said.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        let call = json!({"index": index, "id": call.id, "type": "function", "function": function});
        events.push(chunk(&json!({ "tool_calls": [call] }), None));
    }
    for (index, piece) in interleaved(said) {
        events.push(chunk(&json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), None));
    }
    events
}

pub(super) fn end(said: &Said) -> Vec<String> {
    let counted = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": Voice::MODEL,
        "choices": [], "usage": usage(said.counts),
    });
    vec![chunk(&json!({}), Some(reason(said))), data(&counted), "data: [DONE]\n\n".to_owned()]
}

pub(super) fn trouble(trouble: Trouble) -> (u16, Value) {
    let (status, message, kind, code) = match trouble {
        Trouble::Auth => (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        Trouble::RateLimited => (429, "Rate limit reached for requests", "requests", "rate_limit_exceeded"),
        Trouble::Overloaded => (503, "The engine is currently overloaded", "server_error", "overloaded"),
        Trouble::TooLong => (
            400,
            "Your input exceeds the context window of this model.",
            "invalid_request_error",
            "context_length_exceeded",
        ),
        Trouble::TooLarge => (413, "Request too large", "invalid_request_error", "request_too_large"),
        Trouble::Filtered => (400, "The prompt was filtered.", "invalid_request_error", "content_filter"),
        Trouble::NoMoney => (429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
        Trouble::NoModel => (404, "The model does not exist.", "invalid_request_error", "model_not_found"),
    };
    (status, json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}

pub(super) fn overload() -> String {
    data(&json!({"error": {"message": "Overloaded", "type": "overloaded_error", "code": 503}}))
}
