//! Every error an HTTP client sees, as an RFC 9457 problem document. Owns the document's shape and the words for each
//! status; knows no route.

use std::{borrow::Cow, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcp_orchestrator_api::{ApiError, Code};
use schemars::JsonSchema;
use serde::Serialize;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error on its way out. As a response it carries only a status; the outermost layer writes the document, since only
/// that one knows the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// What programs branch on.
    pub(crate) code: Cow<'static, str>,
    /// What happened this time.
    pub(crate) detail: Cow<'static, str>,
    /// What to do about it.
    pub(crate) hint: Option<Cow<'static, str>>,
    /// The fields that are wrong.
    pub(crate) errors: Vec<FieldProblem>,
    /// When to come again.
    pub(crate) retry_after: Option<Duration>,
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FieldProblem {
    /// Where it is: a JSON pointer into the body, for example `/num_agents`; for a query or a header its name.
    pub(crate) pointer: String,
    /// What is wrong with it, with the wrong value.
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code(status)),
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The problem of a status nobody said anything about.
    pub(crate) fn of(status: StatusCode) -> Self {
        Self::new(status, detail(status))
    }

    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    #[must_use]
    pub(crate) fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { pointer: pointer.into(), detail: detail.into() });
        self
    }

    #[must_use]
    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// The finished answer. `original` adds what the original server said of errors.
    pub(crate) fn render(&self, instance: &str, request_id: &str, original: bool, headers: HeaderMap) -> Response {
        let document = ProblemDocument {
            kind: "about:blank",
            title: title(self.status),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            code: &self.code,
            request_id,
            hint: self.hint.as_deref(),
            errors: &self.errors,
            success: original.then_some(false),
            error: original.then_some(&self.detail),
        };
        // A struct of texts and numbers always has a JSON form.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        *response.headers_mut() = headers;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds_up(after)));
        }
        response
    }
}

/// Whole seconds, never fewer than waited for, and at least one.
pub(crate) fn seconds_up(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The document as it is sent (RFC 9457), `application/problem+json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument<'a> {
    /// Always `about:blank`: the status and `code` say what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The status in words.
    title: &'a str,
    /// The status.
    status: u16,
    /// What happened this time.
    detail: &'a str,
    /// The path that was asked for.
    instance: &'a str,
    /// What programs branch on.
    code: &'a str,
    /// The request's id, also in the header `X-Request-ID` and in the server's log.
    request_id: &'a str,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// The fields that are wrong, all of them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    /// On the original's routes: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// On the original's routes: the detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthenticated",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        406 => "not_acceptable",
        408 => "request_timeout",
        409 => "conflict",
        411 => "length_required",
        413 => "body_too_large",
        414 => "uri_too_long",
        415 => "unsupported_media_type",
        422 => "invalid_request",
        429 => "too_many_requests",
        431 => "headers_too_large",
        503 => "unavailable",
        504 => "timeout",
        _ if status.is_server_error() => "internal",
        _ => "error",
    }
}

fn detail(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "nothing is served at this path",
        405 => "this path does not take this method; the header Allow says which it takes",
        406 => "no representation is acceptable to the client",
        408 => "the body did not arrive in time",
        413 => "the body is too large",
        414 => "the address is too long",
        431 => "the header fields are too large",
        503 => "the server cannot answer now",
        504 => "the answer took too long",
        _ if status.is_server_error() => "the server failed",
        _ => "the request cannot be served",
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let status = match error.code {
            Code::InvalidRequest | Code::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::Conflict => StatusCode::CONFLICT,
            Code::TooMany | Code::QueueFull => StatusCode::TOO_MANY_REQUESTS,
            Code::ToolFailed => StatusCode::BAD_GATEWAY,
            Code::Draining | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let errors = error.errors.into_iter();
        Self {
            hint: error.hint.map(Cow::Owned),
            errors: errors.map(|field| FieldProblem { pointer: field.pointer, detail: field.detail }).collect(),
            retry_after: error.retry_after,
            ..Self::new(status, error.detail).with_code(error.code.as_str())
        }
    }
}
