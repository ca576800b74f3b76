//! The status of a workflow and which change of it is legal. Owns the table; what causes a change is the fold's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::InvalidName;

/// The status of a workflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the transition table lists every pair")]
pub enum Status {
    /// Waits for a worker.
    #[default]
    Queued,
    /// A worker runs it.
    Running,
    /// Waits for a person, a long pause or an operator.
    Waiting,
    /// Ended well.
    Completed,
    /// Failed.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl Status {
    /// All six.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Completed, Self::Failed, Self::Cancelled];

    /// Whether nothing may follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a workflow of this status may get that one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Queued, Self::Running | Self::Waiting | Self::Failed | Self::Cancelled)
            | (Self::Running, Self::Waiting | Self::Completed | Self::Failed | Self::Cancelled)
            | (Self::Waiting, Self::Queued | Self::Running | Self::Failed | Self::Cancelled) => true,
            (Self::Queued, Self::Queued | Self::Completed)
            | (Self::Running, Self::Queued | Self::Running)
            | (Self::Waiting, Self::Waiting | Self::Completed)
            | (Self::Completed | Self::Failed | Self::Cancelled, _) => false,
        }
    }

    /// The status on every wire, for example `running`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| InvalidName {
            kind: "status",
            value: crate::clean_line(text, 80),
            expected: "queued, running, waiting, completed, failed or cancelled",
        })
    }
}
