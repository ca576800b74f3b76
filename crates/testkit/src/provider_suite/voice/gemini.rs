//! The words of the Gemini wire.

use serde_json::{Value, json};

use super::{End, Said, SaidCall, Trouble, Voice, data};

fn reason(said: &Said) -> &'static str {
    match said.end {
        End::Done => "STOP",
        End::Length => "MAX_TOKENS",
        End::Filter => "SAFETY",
    }
}

/// Thoughts are counted beside the answer here.
fn usage(said: &Said) -> Value {
    let counts = said.counts;
    json!({
        "promptTokenCount": counts.input,
        "cachedContentTokenCount": counts.cached,
        "candidatesTokenCount": counts.output.saturating_sub(counts.reasoning),
        "thoughtsTokenCount": counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
    })
}

fn call(call: &SaidCall) -> Value {
    let args: Value = serde_json::from_str(&call.arguments.concat()).unwrap_or_else(|_| json!({}));
    json!({"functionCall": {"id": call.id, "name": call.name, "args": args}})
}

fn chunk(said: &Said, parts: &[Value], finish: Option<&str>) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if let Some(word) = finish {
        candidate["finishReason"] = word.into();
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage(said), "modelVersion": Voice::MODEL, "responseId": "r1",
    })
}

pub(super) fn whole(said: &Said) -> Value {
    let mut parts = vec![json!({"text": said.text.concat()})];
    parts.extend(said.calls.iter().map(call));
    chunk(said, &parts, Some(reason(said)))
}

pub(super) fn begin(said: &Said) -> Vec<String> {
    let texts = said.text.iter().map(|piece| json!({ "text": piece }));
    let parts = texts.chain(said.calls.iter().map(call));
    parts.map(|part| data(&chunk(said, &[part], None))).collect()
}

pub(super) fn end(said: &Said) -> Vec<String> {
    vec![data(&chunk(said, &[json!({"text": ""})], Some(reason(said))))]
}

fn error(status: u16, word: &str, message: &str, details: &Value) -> Value {
    json!({"error": {"code": status, "message": message, "status": word, "details": details}})
}

pub(super) fn trouble(trouble: Trouble) -> (u16, Value) {
    let none = json!([]);
    let daily = json!([{
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
    }]);
    let (status, word, message, details) = match trouble {
        Trouble::Auth => (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", none),
        Trouble::RateLimited => (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", none),
        Trouble::Overloaded => (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", none),
        Trouble::TooLong => {
            let message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
            (400, "INVALID_ARGUMENT", message, none)
        }
        Trouble::TooLarge => (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit", none),
        Trouble::Filtered => {
            let body = json!({
                "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12},
            });
            return (200, body);
        }
        Trouble::NoMoney => (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", daily),
        Trouble::NoModel => (404, "NOT_FOUND", "models/model-1 is not found for API version v1beta.", none),
    };
    (status, error(status, word, message, &details))
}

pub(super) fn overload() -> String {
    data(&error(503, "UNAVAILABLE", "The model is overloaded.", &json!([])))
}
