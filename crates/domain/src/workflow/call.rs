//! A call as the log tells it. Owns its state; the transcript it belongs to is the agent's.

use crate::{Abandoned, CallNo, EvidenceId, Failure, Payload, Reserved, Target, Timestamp};

/// One request to a model or a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// Its number.
    pub no: CallNo,
    /// The position of its step in [`super::Workflow::steps`].
    pub step: usize,
    /// The agent's turn.
    pub turn: u16,
    /// The position among the turn's tool calls; 0 for a model call.
    pub position: u16,
    /// 1 for the first try.
    pub attempt: u16,
    /// Whom it asks.
    pub target: Target,
    /// What was set aside.
    pub reserved: Reserved,
    /// When its intent was written.
    pub started: Timestamp,
    /// The call beside which it was made because that one took long.
    pub hedges: Option<CallNo>,
    /// Whether it was taken over from the workflow this one continues; such failures count for no limit.
    pub inherited: bool,
    /// What became of it.
    pub state: CallState,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallState {
    /// Nobody knows yet.
    Open,
    /// It was answered.
    Completed {
        /// The answer.
        output: Payload,
        /// Whether a tool reported a failure.
        is_error: bool,
        /// Evidence it found.
        evidence: Vec<EvidenceId>,
        /// Time it ran, in milliseconds.
        run_ms: u64,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// When it may be tried again; `None`: never.
        retry_at: Option<Timestamp>,
        /// Time it ran, in milliseconds.
        run_ms: u64,
    },
    /// Nobody waits for it any more.
    Abandoned {
        /// Why.
        reason: Abandoned,
        /// Time it ran until then, in milliseconds, where that is known.
        run_ms: u64,
    },
}

impl Call {
    /// Whether nobody knows yet what became of it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, CallState::Open)
    }

    /// How long it ran, in milliseconds, as far as that is known.
    #[must_use]
    pub const fn run_ms(&self) -> u64 {
        match self.state {
            CallState::Open => 0,
            CallState::Completed { run_ms, .. }
            | CallState::Failed { run_ms, .. }
            | CallState::Abandoned { run_ms, .. } => run_ms,
        }
    }
}
