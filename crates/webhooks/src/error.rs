//! Why an operation on webhooks failed. Owns the variants a caller branches on; no text holds a secret.

use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::StoreError;

/// Why an operation on webhooks failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A field is wrong: the caller is to blame.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which one: `url`, `events`, `secret`, `description` …
        field: &'static str,
        /// What is wrong with it, without repeating secrets.
        reason: String,
    },
    /// The principal has no such workflow.
    #[error("there is no workflow {0}")]
    UnknownWorkflow(WorkflowId),
    /// The principal has no such endpoint.
    #[error("there is no webhook {0:?}")]
    UnknownEndpoint(String),
    /// The endpoint has no such delivery, or it is no longer kept.
    #[error("there is no delivery {0:?}")]
    UnknownDelivery(String),
    /// There are as many endpoints as there may be.
    #[error("there are {max} webhooks already, and no more are allowed")]
    TooMany {
        /// The bound.
        max: usize,
    },
    /// The original's form has one secret, chosen by the caller, that is not rotated.
    #[error("a webhook in the original's form has no secret to rotate; register it again with another one")]
    NotRotatable,
    /// Somebody else changed it at the same time, again and again.
    #[error("the webhook is being changed by somebody else")]
    Busy,
    /// No randomness for an id or a secret.
    #[error("no randomness: {0}")]
    Random(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
