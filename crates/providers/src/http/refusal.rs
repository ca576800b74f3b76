//! What an error of a service means. Owns the words and codes by which services say the same few things.

use mcp_orchestrator_domain::FailureClass;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    retry_after::{WaitHeaders, retry_after},
    scrub::scrub,
};
use crate::ProviderError;

/// Who refused, and what the head of the answer said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) service: &'a str,
    pub(super) status: u16,
    pub(super) wait: WaitHeaders<'a>,
    pub(super) request_id: Option<&'a str>,
    pub(super) key: Option<&'a SecretString>,
}

/// The error a body of text stands for.
pub(super) fn of_body(head: Head<'_>, body: &[u8]) -> ProviderError {
    let text = String::from_utf8_lossy(body);
    let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
    of_value(head, &value)
}

/// The error a JSON value stands for: an envelope with `error`, an error itself, or only a text.
pub(super) fn of_value(head: Head<'_>, value: &Value) -> ProviderError {
    let said = Said::read(value);
    // A redirect is a refusal too: none is followed.
    let status = if head.status >= 300 { Some(head.status) } else { said.status };
    let class = said.class(status);
    let clean = |text: &str| scrub(text, head.key);

    let answered = status.map_or_else(String::new, |status| format!(" ({status})"));
    let code = said.code.as_deref().map_or_else(String::new, |code| format!(" [{code}]"));
    let message = clean(&format!("{} refused{answered}: {}{code}", head.service, said.message));
    let mut error = ProviderError::new(class, message);
    error.retry_after = retry_after(head.wait, said.error, &said.message);
    error.status = status.or(Some(head.status));
    error.request_id = head.request_id.map(clean);
    error
}

/// The parts of an error, wherever the service put them.
struct Said<'a> {
    error: &'a Value,
    code: Option<String>,
    kind: Option<String>,
    status: Option<u16>,
    message: String,
}

impl<'a> Said<'a> {
    fn read(value: &'a Value) -> Self {
        let outer = value.get(0).unwrap_or(value);
        let error = outer.get("error").filter(|error| error.is_object()).unwrap_or(outer);
        let numbers = [error.get("code"), error.get("status_code"), error.get("status"), outer.get("code")];
        let status = numbers.into_iter().flatten().find_map(|number| {
            let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
            u16::try_from(number).ok().filter(|status| (400..600).contains(status))
        });
        let word = |field: &str| {
            let text = error.get(field).or_else(|| outer.get(field)).and_then(Value::as_str)?;
            (!text.is_empty() && text.parse::<u64>().is_err()).then(|| text.to_owned())
        };
        Self {
            error,
            code: word("code").or_else(|| word("status")).or_else(|| word("type")),
            kind: word("type"),
            status,
            message: message(outer, error),
        }
    }

    fn class(&self, status: Option<u16>) -> FailureClass {
        let all = [self.code.as_deref(), self.kind.as_deref(), Some(self.message.as_str())];
        let all = all.into_iter().flatten().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| all.contains(word));

        // A request above the whole rate is refused as "too many", yet waiting would never help.
        if status == Some(413) || says(&["request too large", "request_too_large"]) {
            return FailureClass::ContextLength;
        }
        if status != Some(429) && says(CONTEXT) {
            return FailureClass::ContextLength;
        }
        if status == Some(402) || (matches!(status, None | Some(400 | 403 | 429)) && self.says_money(&says)) {
            return FailureClass::QuotaExhausted;
        }
        match status {
            Some(401) => FailureClass::Auth,
            Some(400 | 403) if says(KEY) => FailureClass::Auth,
            Some(400 | 403 | 404 | 422) if says(&["model_not_found", "model not found", "no such model"]) => {
                FailureClass::NotFound
            }
            None | Some(400 | 403 | 406 | 422 | 451) if says(FILTER) => FailureClass::ContentFilter,
            Some(403) => FailureClass::Auth,
            Some(404) => FailureClass::NotFound,
            Some(408 | 504 | 524) => FailureClass::Timeout,
            Some(429) => FailureClass::RateLimited,
            Some(498 | 503 | 529) => FailureClass::Overloaded,
            Some(500..=599) if says(OVERLOAD) => FailureClass::Overloaded,
            Some(500..=599) => FailureClass::Server,
            Some(_) => FailureClass::BadRequest,
            // Said inside an answer that had begun well: only words tell.
            None if says(OVERLOAD) => FailureClass::Overloaded,
            None if says(RATE) => FailureClass::RateLimited,
            None if says(KEY) => FailureClass::Auth,
            None if says(&["invalid_request", "bad request"]) => FailureClass::BadRequest,
            None if says(&["timeout", "timed out"]) => FailureClass::Timeout,
            None => FailureClass::Server,
        }
    }

    /// Whether money or a daily allowance ran out, so that waiting a little does not help.
    fn says_money(&self, says: &dyn Fn(&[&str]) -> bool) -> bool {
        let codes = [self.code.as_deref(), self.kind.as_deref()];
        codes.into_iter().flatten().any(|code| MONEY_CODES.contains(&code))
            || says(MONEY)
            || self.error.get("details").is_some_and(|details| details.to_string().contains("PerDay"))
    }
}

/// The text for a person: services put it into six different places.
fn message(outer: &Value, error: &Value) -> String {
    let text = |value: Option<&Value>| match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        value @ (Value::Object(_) | Value::Array(_)) => Some(value.to_string()),
        _ => None,
    };
    let main = text(error.get("message"))
        .or_else(|| text(outer.get("error")))
        .or_else(|| text(outer.get("detail")))
        .or_else(|| text(outer.get("message")))
        .or_else(|| text(Some(outer)))
        .unwrap_or_else(|| "it gave no reason".to_owned());
    // A router's own text is only "provider returned error"; the reason is the inner body.
    match text(error.get("metadata").and_then(|metadata| metadata.get("raw"))) {
        Some(raw) => format!("{main}: {raw}"),
        None => main,
    }
}

const CONTEXT: &[&str] = &[
    "context_length",
    "context length",
    "context window",
    "context size",
    "context_size",
    "contextwindow",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "input token count",
    "too many tokens",
    "reduce the length of the messages",
];

const MONEY_CODES: &[&str] = &[
    "insufficient_quota",
    "insufficient_balance",
    "insufficient_credits",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credits_exhausted",
    "spend_limit_reached",
];

/// Not "billing" alone: ordinary rate limits invite to the billing page too.
const MONEY: &[&str] = &[
    "insufficient balance",
    "insufficient credit",
    "insufficient funds",
    "insufficient_quota",
    "credit balance is too low",
    "out of credits",
    "used all available credits",
    "spending limit",
    "spend limit",
    "billing hard limit",
    "check your billing",
    "monthly included credits",
    "key limit exceeded",
    "payment required",
];

const KEY: &[&str] = &[
    "invalid_api_key",
    "incorrect api key",
    "api key not valid",
    "api_key_invalid",
    "invalid api key",
    "authentication",
];

const FILTER: &[&str] = &[
    "content_filter",
    "content filter",
    "content management policy",
    "content_policy",
    "content policy",
    "contentpolicy",
    "usage guidelines",
    "safety",
    "was flagged",
    "moderation",
];

const OVERLOAD: &[&str] = &["overloaded", "unavailable", "at capacity", "over capacity", "server busy"];

const RATE: &[&str] = &["rate_limit", "rate limit", "resource_exhausted", "too many requests"];

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::FailureClass as Class;

    use super::{Head, WaitHeaders, of_body};

    fn class(status: u16, body: &str) -> Class {
        let head = Head { service: "test", status, wait: WaitHeaders::default(), request_id: None, key: None };
        of_body(head, body.as_bytes()).class()
    }

    #[test]
    fn statuses_have_their_class() {
        for (status, expected) in [
            (400, Class::BadRequest),
            (401, Class::Auth),
            (402, Class::QuotaExhausted),
            (403, Class::Auth),
            (404, Class::NotFound),
            (405, Class::BadRequest),
            (408, Class::Timeout),
            (413, Class::ContextLength),
            (422, Class::BadRequest),
            (429, Class::RateLimited),
            (500, Class::Server),
            (502, Class::Server),
            (503, Class::Overloaded),
            (504, Class::Timeout),
            (529, Class::Overloaded),
            (308, Class::BadRequest),
        ] {
            assert_eq!(class(status, "<html>oops</html>"), expected, "{status}");
            assert_eq!(class(status, ""), expected, "{status}");
        }
    }

    #[test]
    fn running_out_of_money_is_not_a_rate() {
        for (status, body) in [
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            ),
            (
                403,
                r#"{"code":"permission-denied","error":"Your team has either used all available credits or reached its monthly spending limit."}"#,
            ),
            (402, r#"{"error":{"message":"Insufficient Balance","code":"invalid_request_error"}}"#),
            (
                429,
                r#"[{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]},{"retryDelay":"20s"}]}}]"#,
            ),
        ] {
            assert_eq!(class(status, body), Class::QuotaExhausted, "{body}");
        }
        for body in [
            r#"{"error":{"message":"Rate limit reached. Please try again in 6s. You can add a payment method at https://platform.example.com/account/billing.","code":"rate_limit_exceeded"}}"#,
            r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 7s.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"}]}]}}"#,
            r#"{"error":{"message":"too many tokens per minute, context length irrelevant","code":429}}"#,
        ] {
            assert_eq!(class(429, body), Class::RateLimited, "{body}");
        }
    }

    #[test]
    fn a_request_that_never_fits_is_not_a_rate_either() {
        for (status, body) in [
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","code":"context_length_exceeded"}}"#,
            ),
            (400, r#"{"error":{"message":"prompt is too long: 200001 tokens > 200000 maximum"}}"#),
            (
                400,
                r#"{"error":{"code":400,"message":"The input token count (2000000) exceeds the maximum","status":"INVALID_ARGUMENT"}}"#,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            ),
            (
                413,
                r#"{"error":{"message":"Request too large for model on tokens per minute (TPM)","code":"rate_limit_exceeded"}}"#,
            ),
            (
                429,
                r#"{"error":{"message":"Request too large for gpt on tokens per min (TPM): Limit 30000, Requested 40000.","code":"rate_limit_exceeded"}}"#,
            ),
        ] {
            assert_eq!(class(status, body), Class::ContextLength, "{body}");
        }
    }

    #[test]
    fn words_refine_a_status() {
        for (status, body, expected) in [
            (400, r#"{"error":{"message":"The response was filtered","code":"content_filter"}}"#, Class::ContentFilter),
            (403, r#"{"error":{"message":"your input was flagged","code":403}}"#, Class::ContentFilter),
            (
                400,
                r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]"#,
                Class::Auth,
            ),
            (400, r#"{"error":{"message":"no","code":"model_not_found"}}"#, Class::NotFound),
            (404, r#"{"error":"model 'llama9' not found"}"#, Class::NotFound),
            (422, r#"{"detail":[{"msg":"extra fields not permitted"}]}"#, Class::BadRequest),
            (500, r#"{"error":{"message":"The engine is currently overloaded"}}"#, Class::Overloaded),
            (200, r#"{"error":{"message":"Upstream rate limit","code":429}}"#, Class::RateLimited),
            (200, r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#, Class::Overloaded),
            (200, r#"{"error":{"message":"boom","code":"server_error"}}"#, Class::Server),
            (
                200,
                r#"{"object":"error","message":"bad","code":40001,"type":"invalid_request_error"}"#,
                Class::BadRequest,
            ),
        ] {
            assert_eq!(class(status, body), expected, "{body}");
        }
    }
}
