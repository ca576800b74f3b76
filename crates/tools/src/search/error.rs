//! Why a service has not answered a question. Owns the classes by blame; none holds text of the service, which would reach
//! an agent outside of every fence.

use std::time::Duration;

use mcp_orchestrator_egress::HttpError;

use crate::ToolError;

/// Why there are no results. An agent reads the text; what it may do about it is part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The service is asked too much, by us or by others: nobody asks it for a while.
    #[error("{service} takes no questions for another {} s; ask another source or go on without it", .pause.as_secs().max(1))]
    Parked {
        /// The service's name.
        service: &'static str,
        /// For how long.
        pause: Duration,
    },
    /// Too many wait for it already.
    #[error("{waiting_max} searches wait for {service} already; ask another source or go on without it")]
    Full {
        /// The service's name.
        service: &'static str,
        /// How many may wait.
        waiting_max: usize,
    },
    /// It cannot be reached, or broke off, or took too long, or said too much.
    #[error("{service}: {cause}")]
    Unreachable {
        /// The service's name.
        service: &'static str,
        /// How it went wrong.
        cause: HttpError,
    },
    /// One question took longer than it may.
    #[error("{service} did not answer within {} ms", .after.as_millis())]
    TimedOut {
        /// The service's name.
        service: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// It does not know the operator's key, or wants one.
    #[error("{service} refuses the key of this installation (status {status}); only its operator can change that")]
    Key {
        /// The service's name.
        service: &'static str,
        /// 401, 402 or 403.
        status: u16,
    },
    /// It refuses the question.
    #[error("{service} refuses the question (status {status}); ask with other words")]
    Question {
        /// The service's name.
        service: &'static str,
        /// Its status.
        status: u16,
    },
    /// It failed.
    #[error("{service} failed (status {status}); try again later or ask another source")]
    Service {
        /// The service's name.
        service: &'static str,
        /// Its status.
        status: u16,
    },
    /// Its answer cannot be read: it is broken, or the service has changed.
    #[error("the answer of {service} cannot be read: {detail}")]
    Malformed {
        /// The service's name.
        service: &'static str,
        /// What is wrong with it, in words of ours.
        detail: String,
    },
}

impl SearchError {
    /// Whether the same question may be answered a moment later.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Service { .. } | Self::TimedOut { .. } => true,
            Self::Unreachable { cause, .. } => {
                matches!(cause, HttpError::Connect(_) | HttpError::Timeout { .. } | HttpError::Broken(_))
            }
            Self::Parked { .. }
            | Self::Full { .. }
            | Self::Key { .. }
            | Self::Question { .. }
            | Self::Malformed { .. } => false,
        }
    }
}

impl From<SearchError> for ToolError {
    fn from(error: SearchError) -> Self {
        Self::Failed { message: error.to_string(), source: Some(Box::new(error)) }
    }
}
