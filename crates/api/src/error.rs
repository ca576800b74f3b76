//! What can go wrong, by blame, with everything a wire needs to say it. Knows no status code of any wire.

use std::time::Duration;

use mcp_orchestrator::{Error, domain::FieldError, event::StreamError, store::StoreError};
use mcp_orchestrator_webhooks::WebhookError;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a call was refused or failed. What a client branches on is [`ApiError::code`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
#[non_exhaustive]
pub struct ApiError {
    /// The kind.
    pub code: Code,
    /// What happened, with the wrong value; for people.
    pub detail: String,
    /// Every field that breaks a rule.
    pub errors: Vec<FieldProblem>,
    /// When it may be tried again.
    pub retry_after: Option<Duration>,
    /// What the caller can do about it.
    pub hint: Option<String>,
}

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "transports build it too")]
pub struct FieldProblem {
    /// The field as a JSON pointer into what was sent, for example `/num_agents`.
    pub pointer: String,
    /// The rule, with the wrong value.
    pub detail: String,
}

/// The kind of an error: closed, the same on every wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The caller's: fields break rules, or name what there is not.
    InvalidRequest,
    /// The caller's: no such thing for this principal.
    NotFound,
    /// The caller's: the state of the workflow does not allow it.
    Conflict,
    /// The caller's: the idempotency key was used with another request.
    IdempotencyMismatch,
    /// The caller's: too many calls; see [`ApiError::retry_after`].
    TooMany,
    /// As many workflows wait as may; see [`ApiError::retry_after`].
    QueueFull,
    /// A tool answered with an error.
    ToolFailed,
    /// The server is shutting down; another one, or its next start, takes it.
    Draining,
    /// The store cannot be reached or is full.
    Unavailable,
    /// Ours.
    Internal,
}

impl Code {
    /// The code on every wire, for example `invalid_request`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::TooMany => "too_many",
            Self::QueueFull => "queue_full",
            Self::ToolFailed => "tool_failed",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl ApiError {
    /// An error with nothing but its kind and what happened.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None, hint: None }
    }

    /// One field that breaks a rule.
    #[must_use]
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem { pointer: pointer(name), detail: detail.into() }])
    }

    /// Several fields that break rules.
    #[must_use]
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        let told: Vec<String> = errors.iter().map(FieldProblem::told).collect();
        Self { errors, ..Self::new(Code::InvalidRequest, told.join("; ")) }
    }

    /// Adds what the caller can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says when it may be tried again.
    #[must_use]
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl FieldProblem {
    /// The field and its rule in one line.
    fn told(&self) -> String {
        let name = self.pointer.trim_start_matches('/');
        if name.is_empty() { self.detail.clone() } else { format!("{name}: {}", self.detail) }
    }
}

/// The JSON pointer of a field at the top.
pub(crate) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(invalid) => Self::fields(invalid.errors.iter().map(problem).collect()),
            Error::NotFound(_) => Self::new(Code::NotFound, detail),
            Error::UnknownPattern { .. } => Self::field("pattern", detail),
            Error::UnknownProvider { .. } | Error::NoProvider => Self::field("provider_name", detail),
            Error::UnknownCorpus { .. } => Self::field("corpus", detail),
            Error::UnknownPrice { provider, model } => {
                let model = model.as_deref().unwrap_or("MODEL");
                let hint = format!(
                    "the setting [price.\"{provider}/{model}\"] declares one; budget_tokens and max_calls hold for every model"
                );
                Self::field("budget_usd", detail).with_hint(hint)
            }
            Error::InvalidIdempotencyKey => Self::field("idempotency_key", detail),
            Error::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch, detail),
            Error::QueueFull { .. } => queue_full(detail),
            Error::Rejected(_) | Error::Poisoned { .. } => Self::new(Code::Conflict, detail),
            Error::Failed(_) | Error::Cancelled => Self::new(Code::Conflict, detail),
            Error::Store(error) => error.into(),
            Error::Unsure { id, error } => {
                let hint = format!(
                    "send it again under the same idempotency key, or if it had none look whether there is {id}"
                );
                Self { detail, ..Self::from(error) }.with_hint(hint)
            }
            Error::ShuttingDown => Self::new(Code::Draining, detail).with_retry_after(Duration::from_secs(5)),
            _ => Self::new(Code::Internal, detail),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Locked(_) | StoreError::Full(_) | StoreError::Unavailable(_) => {
                Self::new(Code::Unavailable, detail).with_retry_after(Duration::from_secs(2))
            }
            StoreError::QueueFull { .. } => queue_full(detail),
            StoreError::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch, detail),
            _ => Self::new(Code::Internal, detail),
        }
    }
}

impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        let detail = error.to_string();
        match error {
            StreamError::Unknown(_) => Self::new(Code::NotFound, detail),
            StreamError::Store(error) => error.into(),
            _ => Self::new(Code::Internal, detail),
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::Invalid { field, reason } => Self::field(field, reason),
            WebhookError::UnknownWorkflow(_) | WebhookError::UnknownEndpoint(_) | WebhookError::UnknownDelivery(_) => {
                Self::new(Code::NotFound, detail)
            }
            WebhookError::TooMany { .. } | WebhookError::NotRotatable | WebhookError::Busy => {
                Self::new(Code::Conflict, detail)
            }
            WebhookError::Store(error) => error.into(),
            _ => Self::new(Code::Internal, detail),
        }
    }
}

/// How long one who found the queue full should wait: about as long as a short workflow takes.
const QUEUE_AGAIN: Duration = Duration::from_secs(10);

fn queue_full(detail: String) -> ApiError {
    ApiError::new(Code::QueueFull, detail)
        .with_retry_after(QUEUE_AGAIN)
        .with_hint("what was accepted before is not lost; the same Idempotency-Key may be sent again")
}

fn problem(error: &FieldError) -> FieldProblem {
    FieldProblem { pointer: pointer(error.field), detail: error.detail.clone() }
}
