//! How far a workflow is. Owns the numbers each record carries so that no reader needs the whole log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Money, Spent, money::is_zero};

/// Where a workflow is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Not claimed by a worker yet.
    #[default]
    Queued,
    /// The task is broken into sub-tasks.
    Planning,
    /// Agents research.
    Agents,
    /// Results are merged and the report is written.
    Synthesis,
    /// Citations are checked.
    Checking,
    /// Documents are rendered.
    Documents,
    /// It has ended.
    Done,
}

impl Stage {
    /// The stage on every wire, for example `agents`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Agents => "agents",
            Self::Synthesis => "synthesis",
            Self::Checking => "checking",
            Self::Documents => "documents",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a workflow was after one record. Every record carries it, so its zeros are not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "readers show it whole")]
pub struct Progress {
    /// Where it is.
    pub stage: Stage,
    /// Agents that ended well.
    #[serde(skip_serializing_if = "is_zero")]
    pub completed_agents: u32,
    /// Agents that failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed_agents: u32,
    /// Agents planned so far; before planning ends, the number asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_agents: u32,
    /// 0 to 100, never decreasing.
    #[serde(skip_serializing_if = "is_zero")]
    pub percent: u8,
    /// Documents rendered.
    #[serde(skip_serializing_if = "is_zero")]
    pub documents: u32,
    /// Time since it first began to run, waits and restarts included. In milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub elapsed_ms: u64,
    /// What was spent.
    #[serde(skip_serializing_if = "is_zero")]
    pub spent: Spent,
}

impl Progress {
    /// The total cost; `None` as soon as one call's cost is unknown.
    #[must_use]
    pub const fn cost(&self) -> Option<Money> {
        self.spent.total_cost()
    }
}
