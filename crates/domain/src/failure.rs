//! Why a call, a step or a workflow failed. Owns the classes and what each means for a retry; knows no wire.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a failure: what a caller branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// The key is missing, wrong or not allowed to do this.
    Auth,
    /// The account has run out of money or of its daily quota.
    QuotaExhausted,
    /// Too many requests: wait and ask again.
    RateLimited,
    /// The service is overloaded: wait and ask again.
    Overloaded,
    /// The service has failed several times in a row and is left alone for a while: nobody was asked.
    Unavailable,
    /// The request does not fit into the model's context.
    ContextLength,
    /// The service refused the content.
    ContentFilter,
    /// No answer in time.
    Timeout,
    /// The connection failed or broke.
    Network,
    /// The service says the request is wrong.
    BadRequest,
    /// No such model, route or thing.
    NotFound,
    /// The service failed.
    Server,
    /// The answer cannot be read.
    Decode,
    /// The answer ended before it was complete.
    Truncated,
    /// Somebody cancelled.
    Cancelled,
    /// A budget of the workflow does not allow the call.
    Budget,
    /// A deadline of the call, the step or the workflow passed.
    Deadline,
    /// A tool failed.
    Tool,
    /// An agent exceeded one of its bounds, for example its turns.
    Limit,
    /// Nothing usable came of it: every agent failed, or an answer was empty.
    NoResult,
    /// The store failed.
    Store,
    /// Our own fault, a strategy's or a tool's: a broken rule or a panic.
    Internal,
}

/// What may be done after a failure of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum Retry {
    /// Wait as long as it takes within the deadline; the agent's own time does not run.
    Park,
    /// Nobody was asked, so no try is used up: wait as long as is said, a bounded number of times. The agent's own time
    /// does not run.
    Pause,
    /// Try again a bounded number of times with growing pauses.
    Backoff,
    /// Trying again cannot help.
    Never,
}

impl FailureClass {
    /// What may be done after a failure of this class.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::RateLimited | Self::Overloaded => Retry::Park,
            Self::Unavailable => Retry::Pause,
            Self::Network | Self::Server | Self::Timeout | Self::Truncated | Self::Decode => Retry::Backoff,
            Self::Auth
            | Self::QuotaExhausted
            | Self::ContextLength
            | Self::ContentFilter
            | Self::BadRequest
            | Self::NotFound
            | Self::Cancelled
            | Self::Budget
            | Self::Deadline
            | Self::Tool
            | Self::Limit
            | Self::NoResult
            | Self::Store
            | Self::Internal => Retry::Never,
        }
    }

    /// The class as written in logs and on wires, for example `rate_limited`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::QuotaExhausted => "quota_exhausted",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Server => "server",
            Self::Decode => "decode",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
            Self::Budget => "budget",
            Self::Deadline => "deadline",
            Self::Tool => "tool",
            Self::Limit => "limit",
            Self::NoResult => "no_result",
            Self::Store => "store",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failure: a class to branch on and a message to read. The message never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{class}: {message}")]
#[non_exhaustive]
pub struct Failure {
    /// What to branch on.
    pub class: FailureClass,
    /// What to read: one line, at most [`Failure::MESSAGE_MAX`] characters.
    pub message: String,
}

impl Failure {
    /// The longest message kept, in characters.
    pub const MESSAGE_MAX: usize = 500;

    /// A failure with its message made one safe line: control characters become spaces, the rest is cut.
    #[must_use]
    pub fn new(class: FailureClass, message: impl AsRef<str>) -> Self {
        let message = message
            .as_ref()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(Self::MESSAGE_MAX)
            .collect::<String>();
        Self { class, message }
    }
}
